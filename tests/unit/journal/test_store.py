"""The store itself: files, schema, failures, damage."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import FileTouch, ModelCompleted, ModelStarted, RequestDelta, ToolCompleted, TurnStarted
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery
from agentcli.errors import StorageError, UsageError
from agentcli.journal import reading, schema, writer
from agentcli.journal.store import TASK_PREVIEW, SqliteJournal
from tests.fakes.recorded import MANIFEST, completed, end, event, model_key, said, start, started


async def recorded(folder: Path, number: int = 1) -> str:
    """A run of six events, whose journal is closed."""
    journal = SqliteJournal(folder)
    log = journal.begin(start(number))
    before, after = log.put(b"before"), log.put(b"after " * 20_000)
    message = said("I will look. " * 20)
    log.append(event(log, started("What is it? " * 30)))
    log.append(event(log, TurnStarted(), turn=1))
    added = (log.put(encode(said("What? " * 10).to_json())),)
    log.append(event(log, ModelStarted("fake", "model", RequestDelta(None, 0, added, MANIFEST)), key=model_key(0)))
    done = ModelCompleted(message, Usage(10, 2), "stop", "fake:model", 0.5, 0.25, 1)
    log.append(event(log, done, key=model_key(0), request="1" * 64, result="2" * 64))
    files = (FileTouch("a.txt", before, after, True), FileTouch("b.txt", digest_bytes(b"unread"), None, False))
    log.append(event(log, ToolCompleted("t", "c", "ok", "result " * 30, None, 0.1, files)))
    log.append(event(log, completed()))
    await log.end(end())
    journal.close()
    return log.run


def change(folder: Path, statement: str, *values: Any) -> None:
    database = sqlite3.connect(folder / "journal.db")
    with database:
        assert database.execute(statement, values).rowcount == 1
    database.close()


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises((StorageError, UsageError)) as caught:
        action()
    return str(caught.value.code)


def modes_in(folder: Path) -> dict[str, int]:
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)).strip("."): stat.S_IMODE(path.stat().st_mode) for path in paths}


# -- files ----------------------------------------------------------------------------------------------------------


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
import os, sys
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


async def test_a_log_beside_a_database_that_cannot_be_written_is_applied_to_a_copy(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    await log.barrier()
    for database in (reading._copied(journal.path), reading._opened(journal.path, "mode=ro")):
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        database.close()
    assert not reading._log_is_empty(journal.path)
    await log.abandon()
    journal.close()
    assert reading._log_is_empty(journal.path)


# -- schema ---------------------------------------------------------------------------------------------------------


def test_every_version_has_its_line_and_follows_the_one_before() -> None:
    assert [migration.version for migration in schema.MIGRATIONS] == list(range(1, schema.VERSION + 1))
    assert all(migration.summary.endswith(".") and "\n" not in migration.summary for migration in schema.MIGRATIONS)


async def test_a_newer_schema_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    await recorded(tmp_path)
    database = sqlite3.connect(tmp_path / "journal.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    journal = SqliteJournal(tmp_path)
    assert code_of(journal.runs) == "E-JOURNAL-NEWER"
    assert code_of(lambda: journal.begin(start(2))) == "E-JOURNAL-NEWER"
    assert not list((tmp_path / "locks").glob("*.lock"))


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-SQLITE"


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = schema.Migration(1, "Bad.", ("CREATE TABLE a (b)", "CREATE TABLE a (b)"))
    monkeypatch.setattr(schema, "MIGRATIONS", (bad,))
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-IO"
    monkeypatch.undo()
    journal = SqliteJournal(tmp_path)
    journal.begin(start())
    journal.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\0"])
def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.db").write_bytes(content)
    assert code_of(SqliteJournal(tmp_path).runs) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-DAMAGED"
    assert (tmp_path / "journal.db").read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "journal.db")
    database.execute("CREATE TABLE theirs (a)")
    database.close()
    assert code_of(SqliteJournal(tmp_path).runs) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-DAMAGED"


def test_an_empty_file_is_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    journal = SqliteJournal(tmp_path)
    assert journal.runs() == []
    journal.begin(start())
    journal.close()


@pytest.mark.parametrize("place", ["file/journal", "file"])
def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    assert code_of(lambda: SqliteJournal(tmp_path / place).begin(start())) == "E-JOURNAL-UNWRITABLE"


def test_a_folder_in_the_databases_place_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-UNWRITABLE"
    assert code_of(SqliteJournal(tmp_path).runs) in ("E-JOURNAL-UNWRITABLE", "E-JOURNAL-IO")


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".hidden", "x" * 200, "a b"])
def test_what_is_no_id_is_refused(tmp_path: Path, run: str) -> None:
    with pytest.raises(ValueError, match="not a run id"):
        SqliteJournal(tmp_path).begin(start(id=run))


# -- writing --------------------------------------------------------------------------------------------------------


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
    assert len(list(SqliteJournal(tmp_path).events(log.run))) == 500
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
    log = journal.begin(start())
    await log.abandon()
    again = journal.resume("last")
    assert again.last_seq == 0
    again.append(event(again, completed()))
    await again.end(end())
    assert journal.verify("last").intact
    journal.close()


# -- reading --------------------------------------------------------------------------------------------------------


async def test_a_long_task_is_cut_in_the_listing_alone(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start(task="x" * 1000))
    log.append(event(log, started("x" * 1000)))
    await log.end(end())
    assert journal.find("last").start.task == "x" * (TASK_PREVIEW - 1) + "…"
    assert next(journal.events("last")).body == started("x" * 1000)
    journal.close()


async def test_events_are_read_page_by_page(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    for _ in range(1203):
        log.append(event(log))
    await log.end(end())
    assert [item.seq for item in journal.events("last", after=3)] == list(range(4, 1204))
    journal.close()


async def test_totals_are_known_without_an_end(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    await log.barrier()
    assert journal.totals("last").events == 0
    for cost in (0.25, 0.5):
        log.append(event(log, TurnStarted()))
        log.append(event(log, ModelCompleted(said("x"), Usage(10, 2, 1, 1), "stop", "fake:model", 0.5, cost, 1)))
    await log.barrier()
    totals = journal.totals(log.run)
    assert (totals.turns, totals.usage, totals.cost_usd) == (2, Usage(20, 4, 2, 2), 0.75)
    assert (totals.duration_s, totals.events) == (3.0, 4)
    log.append(event(log, ModelCompleted(said("x"), Usage(), "stop", "fake:model", 0.5, None, 1)))
    await log.abandon()
    assert journal.totals(log.run).cost_usd is None
    journal.close()


async def test_tags_are_listed_and_asked_for(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    await recorded(tmp_path, 2)
    change(tmp_path, "INSERT INTO tags SELECT n, 'keep' FROM runs WHERE id = ?", run)
    journal = SqliteJournal(tmp_path)
    (row,) = journal.runs(RunQuery(tag="keep"))
    assert (row.start.id, row.tags) == (run, ("keep",))
    journal.close()


async def test_an_unknown_run_comes_with_the_nearest(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    journal = SqliteJournal(tmp_path)
    for ref in (run[:-1] + "!", run[-6:-1] + "!"):
        with pytest.raises(UsageError) as caught:
            journal.find(ref)
        assert run in caught.value.info.fix
    with pytest.raises(UsageError) as caught:
        journal.find("last~5")
    assert "last~0" in caught.value.info.fix
    with pytest.raises(UsageError) as caught:
        journal.find("qqqqqq")
    assert "runs list" in caught.value.info.fix
    journal.close()


async def test_many_candidates_are_cut_short(tmp_path: Path) -> None:
    for number in range(7):
        await recorded(tmp_path, number)
    with pytest.raises(UsageError) as caught:
        SqliteJournal(tmp_path).find("2026")
    assert caught.value.info.why.endswith(", ….")


def test_an_empty_database_finds_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.begin(start())
    journal.close()
    change(tmp_path, "DELETE FROM runs")
    for ref in ("last", "x"):
        assert code_of(lambda ref=ref: SqliteJournal(tmp_path).find(ref)) == "E-RUN-UNKNOWN"


# -- damage ---------------------------------------------------------------------------------------------------------


async def test_an_intact_run_is_intact(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    checked = SqliteJournal(tmp_path).verify(run)
    assert (checked.intact, checked.events, checked.blobs) == (True, 6, 6)


TAMPERING = {
    "UPDATE events SET time = time + 1 WHERE seq = 2": (3, "chain breaks: event 2"),
    "UPDATE events SET type = 'x' WHERE seq = 2": (3, "chain breaks"),
    "UPDATE events SET result = zeroblob(32) WHERE seq = 4": (5, "chain breaks: event 4"),
    "UPDATE events SET body = x'00' WHERE seq = 4": (4, "cannot be read"),
    "UPDATE events SET digests = zeroblob(32) WHERE seq = 4": (4, "is missing"),
    "UPDATE events SET digests = zeroblob(31) WHERE seq = 4": (4, "cannot be read"),
    "UPDATE events SET previous = zeroblob(32) WHERE seq = 3": (3, "chain breaks: event 2"),
    "DELETE FROM events WHERE seq = 1": (2, "events 1 to 1 are missing"),
    "DELETE FROM events WHERE seq = 3": (4, "events 3 to 3 are missing"),
    "DELETE FROM events WHERE seq = 6": (None, "last event is tool.completed"),
    "UPDATE runs SET name = 'other'": (1, "chain breaks: the run's start"),
    "UPDATE runs SET cost_usd = 0": (None, "the seal does not fit"),
    "UPDATE runs SET seal = NULL": (None, "the seal does not fit"),
    "DELETE FROM blobs WHERE size = 6": (5, "of `files` is missing"),
    "DELETE FROM blobs WHERE n = (SELECT min(n) FROM blobs WHERE size BETWEEN 80 AND 110)": (3, "`request` is missing"),
    "UPDATE blobs SET data = x'00' WHERE size > 300 AND size < 400": (1, "is damaged"),
    "UPDATE blobs SET coding = 99 WHERE size = 6": (5, "99"),
    "UPDATE blobs SET data = NULL WHERE size = 6": (5, "has no data"),
    "UPDATE blobs SET coding = 0, data = x'414141414141' WHERE size = 6": (5, "not what its digest says"),
}


@pytest.mark.parametrize("statement", TAMPERING)
async def test_tampering_shows_and_is_named(tmp_path: Path, statement: str) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, statement)
    checked = SqliteJournal(tmp_path).verify(run)
    seq, what = TAMPERING[statement]
    assert not checked.intact
    assert (checked.problems[0].seq, what in checked.problems[0].what) == (seq, True), checked.problems


async def test_a_content_file_that_is_gone_or_changed_is_named(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    (path,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    whole = path.read_bytes()
    for damage in (whole[:-3], b"", None):
        path.unlink() if damage is None else path.write_bytes(damage)
        (problem,) = SqliteJournal(tmp_path).verify(run).problems
        assert problem.seq == 5
        assert "`files`" in problem.what


async def test_what_is_intact_is_still_readable(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET body = x'00' WHERE seq = 4")
    journal = SqliteJournal(tmp_path)
    events = journal.events(run)
    assert [next(events).seq for _ in range(3)] == [1, 2, 3]
    assert code_of(lambda: next(events)) == "E-JOURNAL-DAMAGED"
    assert [item.seq for item in journal.events(run, after=4)] == [5, 6]
    assert code_of(lambda: journal.totals(run)) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.conversation(run, 4)) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.conversation(run, 1)) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.conversation(run, 99)) == "E-JOURNAL-DAMAGED"
    journal.close()


async def test_a_run_whose_last_event_is_damaged_cannot_go_on(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET body = x'00' WHERE seq = 6")
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.resume(run)) == "E-JOURNAL-DAMAGED"
    assert not journal._locks.is_owned(run)
    journal.close()


async def test_a_request_that_names_a_later_one_is_damage(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    log.append(event(log, ModelStarted("p", "m", RequestDelta(1, 0, (), MANIFEST))))
    await log.barrier()
    assert code_of(lambda: journal.conversation(log.run, 1)) == "E-JOURNAL-DAMAGED"
    await log.abandon()
    journal.close()


async def test_missing_and_damaged_contents_have_codes_of_their_own(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "DELETE FROM blobs WHERE size > 300 AND size < 400")
    change(tmp_path, "UPDATE blobs SET coding = 0, data = x'00' WHERE size = 6")
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: list(journal.events(run))) == "E-BLOB-MISSING"
    assert code_of(lambda: journal.blob(digest_bytes(b"before"))) == "E-JOURNAL-DAMAGED"
    journal.close()


async def test_pages_overwritten_in_the_middle_are_damage_and_no_crash(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    path = tmp_path / "journal.db"
    data = bytearray(path.read_bytes())
    database = sqlite3.connect(path)
    (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchone()
    (blobs,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'blobs'").fetchone()
    database.close()
    data[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    journal = SqliteJournal(tmp_path)
    assert journal.find(run).status == "completed"
    assert "database is damaged after event 0" in journal.verify(run).problems[0].what
    assert code_of(lambda: list(journal.events(run))) == "E-JOURNAL-DAMAGED"
    journal.close()
    data[(blobs - 1) * 4096 : blobs * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.blob(digest_bytes(b"before"))) == "E-JOURNAL-DAMAGED"
    journal.close()
