"""What was acknowledged stays, whatever happens to the process, the disk or the power."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.core.events import ToolCompleted
from agentcli.errors import StorageError
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import begun, opened
from tests.fakes.recorded import completed, end, event, start, started

REPO = Path(__file__).resolve().parents[3]


def writer(folder: Path, number: int, events: int, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fakes.writing_process", str(folder), str(number), str(events)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO, **options)  # type: ignore[call-overload]


def acknowledged(process: subprocess.Popen[str], until: int) -> int:
    """Read what the process says is safe, up to so many lines; returns the last seq."""
    assert process.stdout is not None
    last = 0
    for _ in range(until):
        line = process.stdout.readline().strip()
        if line.isdigit():
            last = int(line)
    return last


def assert_intact(folder: Path, run: str, at_least: int) -> int:
    journal = SqliteJournal(folder)
    events = list(journal.events(run))
    assert len(events) >= at_least
    assert [item.seq for item in events] == list(range(1, len(events) + 1))
    assert journal.verify(run).problems == ()
    journal.close()
    return len(events)


async def test_no_acknowledged_event_is_lost_when_a_process_is_killed(tmp_path: Path) -> None:
    dice = random.Random(20261121)
    for number in range(10):
        process = writer(tmp_path, number, 100_000)
        safe = acknowledged(process, dice.randrange(1, 60))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        safe = max([safe, *(int(line) for line in rest.split() if line.isdigit() and rest.endswith("\n"))])
        run = start(number).id
        count = assert_intact(tmp_path, run, safe)
        journal = SqliteJournal(tmp_path)
        assert journal.find(run).status == "interrupted"
        log = journal.resume(run)
        assert log.last_seq == count
        log.append(event(log, completed()))
        await log.end(end())
        assert journal.verify(run).intact
        journal.close()


async def test_a_log_that_is_cut_off_loses_only_its_end(tmp_path: Path) -> None:
    """A power cut leaves the write-ahead log as long as the disk got it: every length must open."""
    journal = SqliteJournal(tmp_path / "whole")
    log = begun(journal)
    for _ in range(30):
        log.append(event(log, ToolCompleted("t", "c", "ok", "x" * 200, None, 0.1)))
        await log.barrier()
    wal = tmp_path / "whole" / "journal.db-wal"
    size = wal.stat().st_size
    counts = []
    for step in range(12):
        folder = tmp_path / f"cut{step}"
        folder.mkdir()
        shutil.copy(tmp_path / "whole" / "journal.db", folder)
        shutil.copy(wal, folder)
        os.truncate(folder / "journal.db-wal", size * step // 11)
        cut = SqliteJournal(folder)
        rows = cut.runs()
        counts.append(len(list(cut.events(rows[0].start.id))) if rows else 0)
        assert not rows or cut.verify(rows[0].start.id).problems == ()
        cut.close()
    assert counts == sorted(counts)
    assert counts[-1] == 30
    await log.abandon()
    journal.close()


def test_many_processes_write_one_journal(tmp_path: Path) -> None:
    processes = [writer(tmp_path, number, 120) for number in range(6)]
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, said
    assert {lines[-1] for lines in said} == {"ended"}
    assert not (tmp_path / "journal.db-wal").exists()
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["turn"]
    for number in range(6):
        assert assert_intact(tmp_path, start(number).id, 121) == 121


def small_files() -> None:
    """For the child: files stop growing at 300 KB, as on a disk that fills."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_disk_that_fills_stops_the_run_and_keeps_what_was_safe(tmp_path: Path) -> None:
    process = writer(tmp_path, 1, 100_000, preexec_fn=small_files)
    said = process.communicate()[0].split()
    assert process.returncode == 1
    assert said[-1] in ("E-JOURNAL-FULL", "E-JOURNAL-IO")
    safe = int(said[-2])
    assert assert_intact(tmp_path, start(1).id, safe) >= safe
    with opened(tmp_path) as journal:
        assert journal.find("last").status == "interrupted"


async def test_when_there_is_space_again_the_journal_works_again(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = begun(journal)
    log.append(event(log, started()))
    await log.barrier()
    with_limit = journal._writer._database
    assert with_limit is not None
    with_limit.execute("PRAGMA max_page_count = 10")
    for number in range(60):
        log.append(event(log, ToolCompleted("t", "c", "ok", os.urandom(500).hex() + str(number), None, 0.1)))
    with pytest.raises(StorageError) as caught:
        await log.barrier()
    assert caught.value.code == "E-JOURNAL-FULL"
    for attempt in (lambda: log.append(event(log)), lambda: log.put(b"x")):
        with pytest.raises(StorageError, match="full"):
            attempt()
    with pytest.raises(StorageError):
        await log.end(end())
    await log.abandon()
    assert journal.find(log.run).status == "interrupted"
    again = journal.resume(log.run)
    assert again.last_seq == 1
    again.append(event(again, completed()))
    await again.end(end())
    assert journal.verify(log.run).intact
    journal.close()


async def test_events_that_belong_together_are_on_record_or_none_is(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = begun(journal)
    await log.barrier()
    with_limit = journal._writer._database
    assert with_limit is not None
    with_limit.execute("PRAGMA max_page_count = 20")
    texts = [os.urandom(500).hex() for _ in range(60)]
    bodies = [started(), *(ToolCompleted("t", "c", "ok", text, None, 0.1) for text in texts)]
    log.append_all([replace(event(log, body), seq=seq) for seq, body in enumerate(bodies, 1)])
    await log.abandon()
    assert list(journal.events(log.run)) == []
    again = journal.resume(log.run)
    with pytest.raises(ValueError, match="does not follow 1 of"):
        again.append_all([event(again), replace(event(again), seq=3)])
    assert again.last_seq == 0
    await again.abandon()
    journal.close()


async def test_one_runs_trouble_is_not_anothers(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    good, bad = begun(journal, 1), begun(journal, 2)
    bad.append(event(bad))
    await bad.barrier()
    with sqlite3.connect(tmp_path / "journal.db") as foreign:
        foreign.execute("DELETE FROM runs WHERE id = ?", (bad.run,))
        foreign.execute("INSERT INTO events SELECT run, 2, type, time, mono, lane, parent, turn, step, kind, name, "
                        "ordinal, request, result, body, digests, mark FROM events")  # fmt: skip
    foreign.close()
    good.append(event(good))
    bad.append(event(bad))
    with pytest.raises(StorageError) as caught:
        await bad.barrier()
    assert caught.value.code == "E-JOURNAL-IO"
    await good.barrier()
    assert len(list(journal.events(good.run))) == 1
    await good.end(end())
    await bad.abandon()
    journal.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 600 KB. Not below `tmp_path`: were this process killed, the mount would stop pytest from tidying up."""
    disk = Path(tempfile.mkdtemp(prefix="agentcli-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        disk.rmdir()
        pytest.skip("only for root: mounting a small disk is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
    disk.rmdir()


async def fill(log: SqliteRunLog, events: int) -> None:
    for _ in range(events):
        log.append(event(log, ToolCompleted("t", "c", "ok", os.urandom(2000).hex(), None, 0.1)))
        await log.barrier()


async def test_a_full_disk_is_named_as_one(small_disk: Path) -> None:
    filler = small_disk / "filler"
    journal = SqliteJournal(small_disk / "journal")
    log = begun(journal)
    log.append(event(log, started()))
    await log.barrier()
    filler.write_bytes(b"x" * 180_000)
    with pytest.raises(StorageError) as caught:
        await fill(log, 400)
    assert caught.value.code == "E-JOURNAL-FULL"
    await log.abandon()
    safe = len(list(journal.events(log.run)))
    assert safe >= 1
    filler.unlink()
    again = journal.resume(log.run)
    assert again.last_seq == safe
    again.append(event(again, completed()))
    await again.end(end())
    assert journal.verify(log.run).intact
    journal.close()


async def test_a_full_disk_under_a_large_content_is_named_as_one(small_disk: Path) -> None:
    journal = SqliteJournal(small_disk / "journal")
    log = begun(journal)
    await log.barrier()
    log.put(os.urandom(900_000))
    with pytest.raises(StorageError) as caught:
        await log.barrier()
    assert caught.value.code == "E-JOURNAL-FULL"
    assert [path for path in (small_disk / "journal" / "blobs").rglob("*") if path.is_file()] == []
    await log.abandon()
    journal.close()
