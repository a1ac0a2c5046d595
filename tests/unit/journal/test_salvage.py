"""What is intact of a damaged run can still be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.runs import RunQuery
from agentcli.errors import StorageError
from agentcli.journal.chunks import CHUNK_EVENTS
from agentcli.journal.schema import PAGE_BYTES
from tests.fakes.journals import change, opened, recorded
from tests.unit.journal.test_compacting import long_run


def intact(folder: Path) -> list[int]:
    with opened(folder) as journal:
        return [event.seq for event in journal.intact("last")]


async def test_of_an_intact_run_it_is_all(tmp_path: Path) -> None:
    await recorded(tmp_path)
    assert intact(tmp_path) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("UPDATE events SET body = x'05' WHERE seq = 4", [1, 2, 3, 5, 6]),
        ("DELETE FROM events WHERE seq = 3", [1, 2, 4, 5, 6]),
        ("UPDATE blobs SET data = x'00' WHERE size > 300 AND size < 400", [2, 3, 4, 5, 6]),
        ("UPDATE events SET time = time + 1 WHERE seq = 2", [1, 2, 3, 4, 5, 6]),
    ],
)
async def test_damage_costs_the_event_that_it_is_in(tmp_path: Path, statement: str, left: list[int]) -> None:
    await recorded(tmp_path)
    change(tmp_path, statement)
    assert intact(tmp_path) == left


async def test_damage_in_the_midst_of_a_long_run_costs_nothing_behind_it(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, turns=100)
    change(tmp_path, f"UPDATE events SET body = zeroblob(9) WHERE seq = {CHUNK_EVENTS}")
    assert intact(tmp_path) == [event.seq for event in appended[CHUNK_EVENTS:]]


@pytest.mark.parametrize("compacted", [True, False])
async def test_of_a_journal_that_was_cut_short_what_is_left_can_be_read(tmp_path: Path, *, compacted: bool) -> None:
    appended = await long_run(tmp_path, turns=100, compacted=compacted)
    path, found = tmp_path / "journal.db", set[int]()
    whole = path.read_bytes()
    for size in range(len(whole) - PAGE_BYTES, 0, -PAGE_BYTES):
        path.write_bytes(whole[:size])
        with opened(tmp_path) as journal:
            try:
                (row,) = journal.runs(RunQuery())
            except StorageError:
                continue  # the page that lists the runs is gone
            events = journal.intact(row.start.id)
            assert not journal.verify(row.start.id).intact
        assert events == [event for event in appended if event.seq in {one.seq for one in events}]
        found.update(event.seq for event in events)
    assert len(found) > len(appended) / 2


async def test_a_journal_that_was_cut_short_is_not_written(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    path = tmp_path / "journal.db"
    path.write_bytes(path.read_bytes()[:-PAGE_BYTES])
    before = path.read_bytes()
    with opened(tmp_path) as journal, pytest.raises(StorageError) as caught:
        journal.tag(run, ["good"])
    assert caught.value.code == "E-JOURNAL-DAMAGED"
    assert path.read_bytes() == before


async def test_what_is_no_database_at_all_stays_damage(tmp_path: Path) -> None:
    await recorded(tmp_path)
    path = tmp_path / "journal.db"
    path.write_bytes(b"\0" * len(path.read_bytes()))
    with opened(tmp_path) as journal, pytest.raises(StorageError) as caught:
        journal.runs(RunQuery())
    assert caught.value.code == "E-JOURNAL-DAMAGED"
