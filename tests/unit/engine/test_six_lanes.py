"""Workflows of six lanes that meet at a budget, at slots and at failures: replayed, they do the same again."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Literal

import pytest

from agentcli.journal.store import SqliteJournal
from tests.fakes.journal import InMemoryJournal
from tests.fakes.recorded import start
from tests.fakes.six_lanes import go_on, record, replay, replay_at_once, some_workflow, ticks

REPLAYS = 5


@pytest.mark.parametrize("on_error", ["continue", "stop"])
@pytest.mark.parametrize("seed", range(20))
async def test_a_replay_decides_the_same_whatever_the_scheduler_does(
    tmp_path: Path, seed: int, on_error: Literal["continue", "stop"]
) -> None:
    dice = random.Random(seed)
    workflow, journal = some_workflow(dice, on_error), SqliteJournal(tmp_path)
    first = await asyncio.wait_for(record(workflow, journal, start(), ticks(dice, 40), ticks(dice, 3)), 20)
    events = list(journal.events("last"))
    journal.close()
    assert first.outcome.error is None or first.outcome.error.code == "E-STEPS"
    assert first.performed > 0
    for _ in range(REPLAYS):
        again = await asyncio.wait_for(replay(workflow, events, ticks(dice, 5)), 20)
        assert again.whole() == first.whole()


@pytest.mark.parametrize("on_error", ["continue", "stop"])
@pytest.mark.parametrize("seed", range(20))
async def test_a_workflow_that_was_cut_off_anywhere_goes_on_and_replays_as_one(
    seed: int, on_error: Literal["continue", "stop"]
) -> None:
    dice = random.Random(seed)
    workflow, journal = some_workflow(dice, on_error), InMemoryJournal()
    await asyncio.wait_for(record(workflow, journal, start(), ticks(dice, 40), ticks(dice, 3)), 20)
    events = journal.events(start().id)
    kept = events[: dice.randint(1, len(events))]
    second, whole = await asyncio.wait_for(go_on(workflow, kept, ticks(dice, 40), ticks(dice, 3)), 20)
    assert whole[: len(kept)] == kept
    again = await asyncio.wait_for(replay(workflow, whole, ticks(dice, 5)), 20)
    assert (again.result(), again.seen) == (second.result(), second.seen)


async def test_the_workflows_tell_a_door_that_answers_at_once_from_one_that_does_not(tmp_path: Path) -> None:
    """Were their results not dependent on the order of completion, the test above would say nothing."""
    same = 0
    for seed in range(10):
        dice = random.Random(seed)
        workflow, journal = some_workflow(dice, "continue"), SqliteJournal(tmp_path / f"{seed}")
        first = await record(workflow, journal, start(), ticks(dice, 40), ticks(dice, 3))
        events = list(journal.events("last"))
        journal.close()
        same += (await replay_at_once(workflow, events, ticks(dice, 5))).result() == first.result()
    assert same <= 5
