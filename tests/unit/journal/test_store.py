"""The journal's files, and what may be done in its folder."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentcli.journal import opening
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import code_of, recorded
from tests.fakes.recorded import event, start, started


def modes_in(folder: Path) -> dict[str, int]:
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)).strip("."): stat.S_IMODE(path.stat().st_mode) for path in paths}


async def test_nobody_else_may_read_any_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "journal"
    journal = SqliteJournal(folder)
    log = journal.begin(start())
    log.put(os.urandom(100_000))
    await log.barrier()
    modes = modes_in(folder)
    assert len(modes) >= 8
    assert {mode & 0o077 for mode in modes.values()} == {0}
    assert modes[""] == 0o700
    await log.abandon()
    journal.close()


async def test_a_folder_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    await recorded(folder)
    assert modes_in(folder)[""] == 0o700


def test_reading_creates_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    journal = SqliteJournal(folder)
    assert journal.runs() == []
    assert code_of(lambda: journal.blob("0" * 64)) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.resume("last")) == "E-RUN-UNKNOWN"
    journal.close()
    assert not folder.exists()


async def test_large_contents_are_files_and_small_ones_are_not(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "j")
    log = journal.begin(start())
    small, random, text = os.urandom(65_536), os.urandom(65_537), b"text" * 50_000
    digests = [log.put(data) for data in (small, random, text)]
    await log.barrier()
    files = sorted(path for path in (tmp_path / "j" / "blobs").rglob("*") if path.is_file())
    assert sorted(path.parent.name + path.name.removesuffix(".z") for path in files) == sorted(digests[1:])
    assert sorted(path.suffix for path in files) == ["", ".z"]
    assert [journal.blob(digest) for digest in digests] == [small, random, text]
    await log.abandon()
    journal.close()


async def test_what_is_stored_twice_takes_its_place_once(tmp_path: Path) -> None:
    for number in (1, 2):
        await recorded(tmp_path, number)
    database = sqlite3.connect(tmp_path / "journal.db")
    (count, distinct) = database.execute("SELECT count(*), count(DISTINCT digest) FROM blobs").fetchone()
    database.close()
    assert count == distinct


async def test_a_listing_works_in_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """With the log moved into the database, and with a log that a crash left."""
    closed, crashed = tmp_path / "closed", tmp_path / "crashed"
    run = await recorded(closed)
    journal = SqliteJournal(crashed)
    log = journal.begin(start())
    log.append(event(log, started()))
    await log.barrier()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        (copy / name).write_bytes((crashed / name).read_bytes())
    await log.abandon()
    journal.close()
    program = """
import os, pydantic_core, shutil, sys, tempfile  # reading JSON is loaded while everything can be
from pathlib import Path
from agentcli.journal.store import SqliteJournal
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for name in sys.argv[1:]:
    journal = SqliteJournal(Path(name))
    row = journal.find("last")
    print(row.start.id, row.status, len(list(journal.events("last"))))
    journal.close()
"""
    for folder in (closed, copy):
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
    path, parents = tmp_path, []
    while os.geteuid() == 0 and path != path.parent and not path.stat().st_mode & 0o001:
        parents.append((path, path.stat().st_mode))
        path.chmod(path.stat().st_mode | 0o011)
        path = path.parent
    said = _ran(program, str(closed), str(copy))
    for folder in (closed, copy):
        folder.chmod(0o755)
    for path, mode in parents:
        path.chmod(mode)
    assert said.stdout.split("\n")[:2] == [f"{run} completed 6", f"{run} interrupted 1"], said.stderr
    assert not (closed / "journal.db-wal").exists()


def _ran(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("log_left", [False, True])
async def test_a_journal_is_read_where_no_shared_memory_can_be_had(tmp_path: Path, log_left: bool) -> None:
    journal = SqliteJournal(tmp_path / "journal")
    log = journal.begin(start())
    log.append(event(log, started()))
    await log.barrier()
    copy = tmp_path / "copy"
    copy.mkdir()
    if not log_left:
        await log.abandon()
        journal.close()
    for path in journal.folder.glob("journal.db*"):
        if not path.name.endswith("-shm"):
            (copy / path.name).write_bytes(path.read_bytes())
    (copy / "journal.db-shm").symlink_to("nowhere")  # SQLite follows none there, and so cannot open it
    before = (copy / "journal.db").read_bytes()
    database = opening.open_reader(copy / "journal.db", lambda: None)
    assert database is not None
    assert database.execute("SELECT seq FROM events").fetchall() == [(1,)]
    database.close()
    assert (copy / "journal.db").read_bytes() == before
    await log.abandon()
    journal.close()


async def test_a_log_beside_a_database_that_cannot_be_written_is_applied_to_a_copy(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    await log.barrier()
    for database in (opening._copied(journal.path), opening._opened(journal.path, "mode=ro")):
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        database.close()
    assert not opening._log_is_empty(journal.path)
    await log.abandon()
    journal.close()
    assert opening._log_is_empty(journal.path)
    database = opening._copied(journal.path)
    assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    database.close()
