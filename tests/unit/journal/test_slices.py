"""Work that is done a little at a time: what a turn takes on, and what comes before and after it."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from agentcli.journal.locks import RunLocks
from agentcli.journal.slices import ALONE_S, Slices
from tests.fakes.journals import opened
from tests.fakes.pruned import SMALL, recorded_with


@pytest.fixture
def slices(tmp_path: Path) -> Slices:
    with opened(tmp_path) as journal:
        asyncio.run(recorded_with(journal, 1, SMALL))
    return Slices(tmp_path / "journal.db", RunLocks(tmp_path / "locks"))


def a_turn_long(thing: str) -> None:
    begun = time.perf_counter()
    while time.perf_counter() <= begun + ALONE_S:
        pass


def test_a_turn_takes_on_nothing_new_when_its_time_is_over(slices: Slices) -> None:
    turns: list[str] = []
    with closing(slices):
        slices.each(
            [["a", "b"], ["c"]], a_turn_long, before=lambda: turns.append("before"), after=lambda: turns.append("after")
        )
    assert turns == ["before", "after"] * 3


def test_what_fails_in_a_turn_leaves_nothing_of_it(slices: Slices) -> None:
    def fails(thing: str) -> None:
        slices.database.execute("CREATE TABLE half (done)")
        raise ValueError(thing)

    with closing(slices):
        with pytest.raises(ValueError, match="a"):
            slices.each([["a"]], fails)
        assert slices.database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)
