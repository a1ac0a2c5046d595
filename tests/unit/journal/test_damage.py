"""Tampering and damage are named; what is intact stays readable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import ModelStarted
from agentcli.core.models import RequestDelta
from agentcli.journal.packing import pack_body
from agentcli.journal.schema import PAGE_BYTES
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import change, code_of, opened, recorded
from tests.fakes.recorded import MANIFEST, event, start


async def test_an_intact_run_is_intact(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    with opened(tmp_path) as journal:
        checked = journal.verify(run)
    assert (checked.intact, checked.events, checked.blobs) == (True, 6, 8)


TAMPERING = {
    "UPDATE events SET time = time + 1 WHERE seq = 2": (2, "chain breaks: event 2 is not"),
    "UPDATE events SET type = 'x' WHERE seq = 2": (2, "chain breaks"),
    "UPDATE events SET result = zeroblob(32) WHERE seq = 4": (4, "chain breaks: event 4"),
    "UPDATE events SET lane = 'x' WHERE seq = 6": (6, "chain breaks: event 6"),
    "UPDATE events SET body = x'05' WHERE seq = 4": (4, "cannot be read"),
    "UPDATE events SET body = x'00' WHERE seq = 4": (4, "chain breaks"),
    "UPDATE events SET digests = zeroblob(32) WHERE seq = 4": (4, "chain breaks"),
    "UPDATE events SET digests = zeroblob(31) WHERE seq = 4": (4, "chain breaks"),
    "UPDATE events SET mark = zeroblob(4) WHERE seq = 3": (3, "chain breaks: event 3"),
    "UPDATE events SET mark = x'' WHERE seq = 6": (6, "chain breaks: event 6"),
    "DELETE FROM events WHERE seq = 1": (2, "Events 1 to 1 are missing"),
    "DELETE FROM events WHERE seq = 3": (4, "Events 3 to 3 are missing"),
    "DELETE FROM events WHERE seq = 6": (None, "last event is tool.completed"),
    "UPDATE runs SET name = 'other'": (1, "chain breaks: event 1, or the run's start,"),
    "UPDATE runs SET cost_usd = 0": (None, "The seal does not fit"),
    "UPDATE runs SET seal = NULL": (None, "The seal does not fit"),
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
    with opened(tmp_path) as journal:
        checked = journal.verify(run)
    seq, what = TAMPERING[statement]
    assert not checked.intact
    assert (checked.problems[0].seq, what in checked.problems[0].what) == (seq, True), checked.problems


async def test_a_content_file_that_is_gone_or_changed_is_named(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    (path,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    whole = path.read_bytes()
    for damage in (whole[:-3], b"", None):
        path.unlink() if damage is None else path.write_bytes(damage)
        with opened(tmp_path) as journal:
            (problem,) = journal.verify(run).problems
        assert problem.seq == 5
        assert "`files`" in problem.what


async def test_what_is_intact_is_still_readable(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET body = x'05' WHERE seq = 4")
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


async def test_a_run_whose_chain_is_broken_cannot_go_on(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET time = time + 1 WHERE seq = 6")
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.resume(run)) == "E-REPLAY-DAMAGED"
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
    data[(page - 1) * PAGE_BYTES : page * PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(data)
    journal = SqliteJournal(tmp_path)
    assert journal.find(run).status == "completed"
    assert "database is damaged after event 0" in journal.verify(run).problems[0].what
    assert code_of(lambda: list(journal.events(run))) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.resume(run)) == "E-JOURNAL-DAMAGED"
    journal.close()
    data[(blobs - 1) * PAGE_BYTES : blobs * PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(data)
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.blob(digest_bytes(b"before"))) == "E-JOURNAL-DAMAGED"
    journal.close()


async def test_a_body_that_lacks_a_field_is_damage(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET body = ?, digests = x'' WHERE seq = 4", pack_body(b"{}"))
    with opened(tmp_path) as journal:
        assert code_of(lambda: list(journal.events(run))) == "E-JOURNAL-DAMAGED"


async def test_a_listing_of_damaged_pages_is_an_error(tmp_path: Path) -> None:
    await recorded(tmp_path)
    path = tmp_path / "journal.db"
    database = sqlite3.connect(path)
    (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").fetchone()
    database.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE_BYTES : page * PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(data)
    with opened(tmp_path) as journal:
        assert code_of(journal.runs) == "E-JOURNAL-DAMAGED"
