"""Workflows of six lanes, replayed: `python -m benchmarks lanes`.

Six lanes share a budget of tokens and fewer slots than they are; steps fail, are tried again, and may stop the others.
Each workflow is recorded once, with random latencies, into a real journal; then it is replayed again and again, each
time through a fresh door, while lanes begin and go on in another order. What was decided, what came of it and every
event must be the same, byte by byte.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentcli.core.events import Event
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import start
from benchmarks.table import Row, show
from tests.fakes.six_lanes import Pause, Ran, Workflow, record, replay, replay_at_once, some_workflow, ticks

REPLAYS = 100
WORKFLOWS = 5
"""Workflows of each kind that are recorded; the replays are shared out among them."""


def latencies(dice: random.Random) -> Pause:
    """What models and tools take: mostly a millisecond or two, now and then much more."""

    async def pause() -> None:
        await asyncio.sleep(dice.lognormvariate(0, 1) / 1000)

    return pause


@dataclass(frozen=True)
class Recorded:
    """A workflow, its only live run, and what the journal holds of that."""

    workflow: Workflow
    ran: Ran
    events: list[Event]


async def recorded(folder: Path, dice: random.Random, on_error: Literal["continue", "stop"]) -> Recorded:
    """A run that came far enough for its lanes to meet."""
    while True:
        workflow, journal = some_workflow(dice, on_error), SqliteJournal(folder / str(dice.random()))
        ran = await record(workflow, journal, start(1), latencies(dice), ticks(dice, 3))
        events = list(journal.events("last"))
        journal.close()
        if len(events) >= 60:
            return Recorded(workflow, ran, events)


async def replayed(some: list[Recorded], dice: random.Random) -> tuple[int, int]:
    """How many replays were identical, and how many that were answered at once came to the same result."""
    identical = alike = 0
    for number in range(REPLAYS):
        one = some[number % len(some)]
        try:
            again = await asyncio.wait_for(replay(one.workflow, one.events, ticks(dice, 6)), 60)
            identical += again.whole() == one.ran.whole()
        except (AssertionError, TimeoutError) as error:
            print(f"replay {number}: {error!r}", file=sys.stderr)
        at_once = await replay_at_once(one.workflow, one.events, ticks(dice, 6))
        alike += at_once.result() == one.ran.result()
    return identical, alike


def rows(folder: Path) -> Iterator[Row]:
    """A row for each way to take a failure."""
    seed = random.SystemRandom().randrange(1 << 32)
    dice = random.Random(seed)
    kinds: tuple[Literal["continue", "stop"], ...] = ("continue", "stop")
    for on_error in kinds:

        async def measured(on_error: Literal["continue", "stop"] = on_error) -> Row:
            some = [await recorded(folder, dice, on_error) for _ in range(WORKFLOWS)]
            identical, alike = await replayed(some, dice)
            events = sum(len(one.events) for one in some)
            name = f"six lanes, shared budget, failing steps, on_error: {on_error}"
            return Row(
                f"{name}; {WORKFLOWS} recordings of {events} events (seed {seed}), {REPLAYS} replays",
                f"{identical} identical",
                f"{REPLAYS} identical",
                f"answered all at once: {alike} of {REPLAYS} with the same result",
                identical == REPLAYS,
            )

        yield asyncio.run(measured())


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if a replay was not the recorded run."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
