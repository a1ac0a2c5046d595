"""An ended run is made small, and reads as before."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcli.core.canonical import encode
from agentcli.core.events import Event, ModelCompleted, ModelStarted, ToolCompleted, TurnStarted
from agentcli.core.models import RequestDelta, Usage
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import BlobReader
from agentcli.journal.chunks import CHUNK
from agentcli.journal.compacting import LEAST_EVENTS, SLICE_EVENTS, Compact
from agentcli.journal.operations import Chain
from agentcli.journal.packing import Coding
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import begun, change, code_of, opened
from tests.fakes.recorded import completed, end, event, model_key, said, started

WORDS = "A sentence that stands there a second time takes no more room than a few bytes. "


def talk(log: SqliteRunLog, turns: int, first: int = 0) -> None:
    """Three events a turn; each request adds a message to the one before."""
    previous = None
    for number in range(first, first + turns):
        log.append(event(log, TurnStarted(), turn=number))
        added = (log.put(encode(said(f"{WORDS}{number}").to_json())),)
        request = RequestDelta(previous, 0 if previous is None else number - first, added, log.put(b'{"models":[]}'))
        previous = log.last_seq + 1
        log.append(event(log, ModelStarted("fake", "model", request), key=model_key(number), request="1" * 64))
        done = ModelCompleted(said(f"{WORDS}Again {number}."), Usage(10, 2), "stop", "fake:model", 0.5, 0.25, 1)
        log.append(event(log, done, key=model_key(number), request="1" * 64, result="2" * 64))


async def long_run(folder: Path, turns: int = 40, number: int = 1, *, compacted: bool = True) -> list[Event]:
    """A run of 3 events a turn, and 2 more; gives them as they were appended."""
    journal = SqliteJournal(folder)
    log = begun(journal, number)
    appended: list[Event] = []
    append = log.append
    log.append = lambda one: (appended.append(one), append(one))[1]  # type: ignore[method-assign]
    log.append(event(log, started()))
    talk(log, turns)
    log.append(event(log, completed()))
    if not compacted:
        journal._writer.submit_later = lambda operations: None  # type: ignore[method-assign]
    await log.end(end())
    journal.close()
    return appended


def rows(folder: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        return database.execute(question).fetchall()


def chunks(folder: Path) -> list[tuple[object, ...]]:
    return rows(folder, "SELECT seq, ordinal FROM events WHERE type = '+' ORDER BY run, seq")


@contextmanager
def writing(folder: Path) -> Iterator[tuple[sqlite3.Connection, BlobReader]]:
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        yield database, BlobReader(database, BlobFiles(folder / "blobs"))


async def test_a_long_run_reads_as_it_was_written(tmp_path: Path) -> None:
    appended = await long_run(tmp_path)
    assert chunks(tmp_path) == [(122, 122)]
    with opened(tmp_path) as journal:
        assert list(journal.events("last")) == appended
        assert list(journal.events("last", 60)) == appended[60:]
        verified: list[Event] = []
        assert journal.verify("last", verified).intact
        assert verified == appended
        run = appended[0].run
        texts = [message.content for message in journal.conversation(run, 120)]
        assert texts == [f"{WORDS}{number}" for number in range(40)]
        outlines = list(journal.outlines(run, ("turn.started",), 50))
        assert [one.seq for one in outlines] == [seq for seq in range(2, 122, 3) if seq > 50]
        assert journal.totals(run).usage == Usage(400, 80)


async def test_a_long_run_takes_a_fraction_of_the_room(tmp_path: Path) -> None:
    for name, turns, compacted in (("plain", 200, False), ("small", 200, True), ("none", 0, False)):
        await long_run(tmp_path / name, turns=turns, compacted=compacted)
    plain, small, none = ((tmp_path / name / "journal.db").stat().st_size for name in ("plain", "small", "none"))
    assert small - none < (plain - none) / 2
    assert rows(tmp_path / "small", "PRAGMA freelist_count") == [(0,)]


async def test_a_short_run_stays_as_it_is(tmp_path: Path) -> None:
    await long_run(tmp_path, turns=(LEAST_EVENTS - 3) // 3)
    assert chunks(tmp_path) == []


async def test_a_very_long_run_is_rewritten_a_slice_at_a_time(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, turns=SLICE_EVENTS // 3 + 20)
    assert len(chunks(tmp_path)) == -(-SLICE_EVENTS // 128) + -(-(len(appended) - SLICE_EVENTS) // 128)
    with opened(tmp_path) as journal:
        assert list(journal.events("last")) == appended
        assert journal.verify("last").intact


async def test_what_is_left_over_for_a_slice_stays_as_it_is(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, turns=SLICE_EVENTS // 3)
    assert len(chunks(tmp_path)) == SLICE_EVENTS // 128
    with opened(tmp_path) as journal:
        assert list(journal.events("last")) == appended


async def test_a_run_that_goes_on_is_made_small_again_at_its_next_end(tmp_path: Path) -> None:
    await long_run(tmp_path)
    with opened(tmp_path) as journal:
        log = journal.resume("last")
        assert log.last_seq == 122
        talk(log, 20, first=40)
        log.append(event(log, completed()))
        await log.end(end())
    assert chunks(tmp_path) == [(122, 122), (183, 61)]
    with opened(tmp_path) as journal:
        assert [one.seq for one in journal.events("last")] == list(range(1, 184))
        assert journal.verify("last").intact


async def test_two_processes_that_do_it_at_once_do_it_once(tmp_path: Path) -> None:
    """One has prepared it; the other, which went on with the run, is faster."""
    appended = await long_run(tmp_path, compacted=False)
    run = appended[0].run
    with writing(tmp_path) as (database, blobs):
        late, fast = Compact(Chain(run, b"", 1), 1, 50), Compact(Chain(run, b"", 1), 1, 122)
        late.prepare(blobs)
        fast.prepare(blobs)
        fast.write(database, blobs)
        late.write(database, blobs)
    assert chunks(tmp_path) == [(122, 122)]
    with opened(tmp_path) as journal:
        assert list(journal.events(run)) == appended
        assert journal.verify(run).intact


async def test_of_a_run_that_is_gone_nothing_comes_back(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, compacted=False)
    with writing(tmp_path) as (database, blobs):
        late = Compact(Chain(appended[0].run, b"", 1), 1, 122)
        late.prepare(blobs)
        for table in ("runs", "events", "blobs"):
            database.execute(f"DELETE FROM {table}")
        late.write(database, blobs)
        assert database.execute("SELECT count(*) FROM events").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM blobs").fetchone() == (0,)


async def test_a_row_that_holds_another_content_by_now_is_left_alone(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, compacted=False)
    with writing(tmp_path) as (database, blobs):
        late = Compact(Chain(appended[0].run, b"", 1), 1, 122)
        late.prepare(blobs)
        database.execute("UPDATE blobs SET digest = zeroblob(32)")
        late.write(database, blobs)
        assert database.execute("SELECT count(*) FROM blobs WHERE coding >= ?", (Coding.PACK,)).fetchone() == (0,)


async def test_events_that_cannot_be_read_are_left_as_they_are(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, compacted=False)
    change(tmp_path, "UPDATE events SET body = x'05' WHERE seq = 7")
    with writing(tmp_path) as (database, blobs):
        compact = Compact(Chain(appended[0].run, b"", 1), 1, 122)
        compact.prepare(blobs)
        compact.write(database, blobs)
    assert chunks(tmp_path) == []
    with opened(tmp_path) as journal:
        assert [problem.seq for problem in journal.verify("last").problems] == [7]


async def test_a_content_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, compacted=False)
    query = "SELECT n FROM blobs WHERE base IS NULL AND coding != 0 ORDER BY n DESC LIMIT 1"
    ((n,),) = rows(tmp_path, query)
    change(tmp_path, "UPDATE blobs SET data = x'FF' WHERE n = ?", n)
    with writing(tmp_path) as (database, blobs):
        compact = Compact(Chain(appended[0].run, b"", 1), 1, 122)
        compact.prepare(blobs)
        compact.write(database, blobs)
    assert chunks(tmp_path) == [(122, 122)]
    assert rows(tmp_path, f"SELECT data FROM blobs WHERE n = {n}") == [(b"\xff",)]
    with opened(tmp_path) as journal:
        assert not journal.verify("last").intact


async def test_who_reads_while_it_happens_reads_the_same(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, compacted=False)
    with opened(tmp_path) as journal:
        given_so_far = journal.events("last")
        begun_with = [next(given_so_far) for _ in range(10)]
        with writing(tmp_path) as (database, blobs):
            compact = Compact(Chain(appended[0].run, b"", 1), 1, 122)
            compact.prepare(blobs)
            compact.write(database, blobs)
        assert [*begun_with, *given_so_far] == appended
        journal._reader.blobs._known.clear()  # type: ignore[union-attr]
        assert list(journal.events("last")) == appended


async def test_of_damaged_chunks_the_others_are_still_read(tmp_path: Path) -> None:
    appended = await long_run(tmp_path, turns=120)
    assert chunks(tmp_path) == [(128, 128), (256, 128), (362, 106)]
    change(tmp_path, "UPDATE events SET body = substr(body, 1, length(body) / 2) WHERE seq = 256")
    with opened(tmp_path) as journal:
        reading = journal.events("last")
        read = [next(reading) for _ in range(128)]
        assert read == appended[:128]
        assert code_of(lambda: list(reading)) == "E-JOURNAL-DAMAGED"
        assert list(journal.events("last", 256)) == appended[256:]
        run = appended[0].run
        assert code_of(lambda: list(journal.outlines(run, ("turn.started",)))) == "E-JOURNAL-DAMAGED"
        assert code_of(lambda: journal.conversation(run, 360)) == "E-JOURNAL-DAMAGED"
        checked = journal.verify("last")
        (problem,) = checked.problems
        assert 129 < (problem.seq or 0) <= 256, "what stands before the damage is read"
        assert checked.events == 362 - (256 - (problem.seq or 0) + 1)
        assert code_of(lambda: journal.resume("last")) == "E-REPLAY-DAMAGED"


async def test_an_event_that_was_changed_inside_a_chunk_breaks_the_chain_there(tmp_path: Path) -> None:
    from agentcli.journal.chunks import pack_rows, unpack_rows
    from agentcli.journal.records import INSERT, SELECT

    await long_run(tmp_path)
    with writing(tmp_path) as (database, _):
        (chunk,) = database.execute(SELECT + "WHERE type = ?", (CHUNK,)).fetchall()
        events = list(unpack_rows(chunk))
        events[49] = (*events[49][:3], events[49][3] + 1, *events[49][4:])
        database.execute("DELETE FROM events")
        database.execute(INSERT, pack_rows(events))
    with opened(tmp_path) as journal:
        (problem,) = journal.verify("last").problems
        assert (problem.seq, problem.what) == (50, "The chain breaks: event 50 is not what was written.")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(data=st.data())
async def test_whatever_a_run_holds_it_reads_the_same(tmp_path: Path, data: st.DataObject) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    journal = SqliteJournal(folder)
    log = begun(journal)
    appended = []
    for number in range(data.draw(st.integers(30, 80))):
        text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
        body = ToolCompleted("t", f"c{number}", "ok", text * data.draw(st.sampled_from([1, 1, 500])), None, 0.1)
        lane = data.draw(st.sampled_from(["", "turn.1/call.2"]))
        appended.append(event(log, body, lane=lane, step=data.draw(st.none() | st.just("a"))))
        log.append(appended[-1])
    await log.end(end())
    journal.close()
    with opened(folder) as again:
        assert list(again.events(log.run)) == appended


async def test_a_journal_is_not_closed_before_it_is_done(tmp_path: Path) -> None:
    """Two runs that end one after the other in one process."""
    journal = SqliteJournal(tmp_path)
    for number in (1, 2):
        log = begun(journal, number)
        log.append(event(log, started()))
        talk(log, 40)
        log.append(event(log, completed()))
        await log.end(end())
    journal.close()
    assert chunks(tmp_path) == [(122, 122), (122, 122)]
