"""Processes killed with SIGKILL at random moments, and what became of their runs: `python -m benchmarks killing`."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.table import Row, show
from tests.fakes.killed import Killing, compact, delete_files, write_files
from tests.fakes.killed_graphs import tidy

DELETING, TIDYING, WRITING, COMPACTING = 40, 30, 15, 15
"""A hundred kills."""

TURNS = 250
"""Of the runs that are killed while they are compacted: their events make two transactions."""

LONGEST_COMPACTION = 0.12
"""Seconds between the answer and the kill, at most: about as long as it takes."""


def killed(folder: Path, seed: int, kills: int, one_run: Callable[[Killing], None]) -> Killing:
    """Run after run, until there were so many kills."""
    killing = Killing(folder, random.Random(seed), kills)
    while killing.kills < kills:
        one_run(killing)
    for problem in killing.problems:
        print(problem, file=sys.stderr)
    return killing


def zeros(killing: Killing, what: str, lost: str) -> Iterator[Row]:
    """The rows of what must be nothing."""
    yield Row(f"{what}: {lost}", str(killing.lost), "0", "", not killing.lost)
    stuck = "… runs that could not be gone on with, verified or replayed"
    yield Row(stuck, str(killing.stuck), "0", f"of {killing.runs}", not killing.stuck)


def rows(folder: Path) -> Iterator[Row]:
    """Each kind of run; a seed of its own each time, printed so that it can be had again."""
    seed = random.SystemRandom().randrange(1 << 32)
    one = killed(folder / "delete", seed, DELETING, delete_files)
    settled = f"{one.doubts} calls in doubt, settled {one.settled} times"
    yield from zeros(one, f"{one.kills} times kill -9 (seed {seed}), files deleted, {settled}", "changes lost")
    yield Row("… calls made twice that must not be", str(one.repeated), "0", "", not one.repeated)
    one = killed(folder / "tidy", seed, TIDYING, tidy)
    settled = f"{one.doubts} calls in doubt, settled {one.settled} times"
    yield from zeros(one, f"{one.kills} times kill -9 in a step graph, {settled}", "changes lost")
    yield Row("… calls made twice that must not be", str(one.repeated), "0", "", not one.repeated)
    one = killed(folder / "write", seed, WRITING, write_files)
    doubts = f"{one.doubts} times in doubt, {one.retried} calls repeated by themselves"
    yield from zeros(one, f"{one.kills} times kill -9 in a call that may be repeated, {doubts}", "changes lost")
    one = killed(folder / "compact", seed, COMPACTING, partial(compact, turns=TURNS, longest_wait=LONGEST_COMPACTION))
    midst = f"{one.unfinished} of them before that was done"
    yield from zeros(one, f"{one.kills} times kill -9 while an ended run is made small, {midst}", "ends lost")


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if anything was lost, done twice, or stuck."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
