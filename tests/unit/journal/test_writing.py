"""Barriers, queues, closing, and who waits for what."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from agentcli.errors import StorageError
from agentcli.journal import writer
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import begun, code_of, opened, recorded
from tests.fakes.recorded import completed, end, event, start


async def test_a_barrier_with_nothing_new_still_reaches_the_disk(tmp_path: Path) -> None:
    """A commit without a change writes nothing, and would sync nothing."""
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    log.append(event(log))
    deadline = asyncio.get_running_loop().time() + 5
    while not list(journal.runs()) or journal._writer._orders:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0)
    assert journal._writer._unsynced
    size = (tmp_path / "journal.db-wal").stat().st_size
    await log.barrier()
    assert (tmp_path / "journal.db-wal").stat().st_size > size
    assert not journal._writer._unsynced
    size = (tmp_path / "journal.db-wal").stat().st_size
    await log.barrier()
    assert (tmp_path / "journal.db-wal").stat().st_size == size
    await log.abandon()
    journal.close()


async def test_a_waiter_that_is_cancelled_disturbs_nobody(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    log.append(event(log))
    waiting = asyncio.ensure_future(log.barrier())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await log.barrier()
    await log.end(end())
    journal.close()


async def test_closing_writes_what_was_appended(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    for _ in range(500):
        log.append(event(log))
    journal.close()
    with opened(tmp_path) as again:
        assert len(list(again.events(log.run))) == 500
    assert code_of(lambda: log.append(event(log))) == "E-JOURNAL-CLOSED"
    assert code_of(lambda: journal.begin(start(2))) == "E-JOURNAL-CLOSED"
    journal.close()


async def test_who_appends_faster_than_the_disk_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_BYTES", 10_000)
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    for number in range(50):
        log.put(bytes([number]) * 5_000)
    await log.barrier()
    await log.end(end())
    journal.close()


async def test_a_stuck_disk_is_an_error_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    await log.barrier()
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    monkeypatch.setattr(writer, "QUEUE_BYTES", 10)
    monkeypatch.setattr("agentcli.journal.run_log.PATIENCE_S", 0.05)
    other = SqliteJournal(tmp_path)._writer._turnstile
    with other.turn():
        log.append(event(log))
        with pytest.raises(StorageError) as caught:
            await log.barrier()
        assert caught.value.code == "E-JOURNAL-BUSY"
        log.put(b"x" * 100)
        assert code_of(lambda: log.put(b"y" * 100)) == "E-JOURNAL-BUSY"
        assert code_of(journal.close) == "E-JOURNAL-BUSY"
    monkeypatch.undo()
    journal.close()
    other.close()


async def test_a_run_whose_id_is_on_record_is_not_begun_again(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    assert log.run == run
    with pytest.raises(StorageError):
        await log.barrier()
    await log.abandon()
    assert journal.find(run).status == "completed"
    journal.close()


async def test_an_empty_run_can_be_taken_up(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = begun(journal)
    await log.abandon()
    again = journal.resume("last")
    assert again.last_seq == 0
    again.append(event(again, completed()))
    await again.end(end())
    assert journal.verify("last").intact
    journal.close()


async def test_a_start_that_cannot_be_written_is_told_at_the_barrier(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start(manifest="not hexadecimal"))
    with pytest.raises(StorageError) as caught:
        await log.barrier()
    assert caught.value.code == "E-JOURNAL-IO"
    assert "ValueError" in caught.value.info.why
    await log.abandon()
    journal.close()


async def test_a_journal_that_became_newer_meanwhile_is_not_written(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    bad = journal.begin(start(1, manifest="not hexadecimal"))
    with pytest.raises(StorageError):
        await bad.barrier()  # the connection is closed, and opened again for the next
    await bad.abandon()
    database = sqlite3.connect(tmp_path / "journal.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    log = journal.begin(start(2))
    with pytest.raises(StorageError) as caught:
        await log.barrier()
    assert caught.value.code == "E-JOURNAL-NEWER"
    await log.abandon()
    journal.close()
