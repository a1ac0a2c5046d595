"""Pruning: what goes is gone, what stays reads as before, and the space comes back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.errors import StorageError
from agentcli.journal.locks import RunLocks
from agentcli.journal.packing import Coding
from agentcli.journal.slices import Slices
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import change, code_of, opened
from tests.fakes.pruned import (
    MIDDLE,
    SMALL,
    all_rows,
    ask,
    begun_with,
    forked,
    large,
    leftovers,
    planned,
    reading,
    recorded_with,
    rows_of,
)
from tests.fakes.recorded import completed, end, event, start


def codings(folder: Path) -> dict[int, int]:
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        return dict(database.execute("SELECT coding, count(*) FROM blobs GROUP BY coding"))


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "blobs").rglob("*") if path.is_file())


async def test_what_is_pruned_is_unknown_and_the_rest_reads_as_before(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = await recorded_with(journal, 1, SMALL, MIDDLE, large(1))
        second = await recorded_with(journal, 2, SMALL, large(1), large(2))
        journal.tag(first, ["old"])
        before = reading(journal, [second])
        assert journal.blob(digest_bytes(MIDDLE)) == MIDDLE
        done = journal.pruner().prune(rows_of(journal, first))
        assert (done.runs, done.kept, done.unreadable) == ([first], [], [])
        assert code_of(lambda: journal.find(first)) == "E-RUN-UNKNOWN"
        assert reading(journal, [second]) == before
        assert code_of(lambda: journal.blob(digest_bytes(MIDDLE))) == "E-BLOB-MISSING"
        assert leftovers(tmp_path, journal) == []
        assert len(file_names(tmp_path)) == 2


async def test_the_file_shrinks_and_bytes_are_told(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(1, 11):
            await recorded_with(journal, number, os.urandom(30_000), os.urandom(90_000))
    with opened(tmp_path) as journal:
        total, freed = journal.pruner().weigh({row.start.id for row in all_rows(journal)[1:]})
        done = journal.pruner().prune(all_rows(journal)[1:])
        assert total == done.before
        assert done.before - done.after == pytest.approx(freed, rel=0.1)
        assert done.after < done.before / 5
    size = sum(path.stat().st_size for path in [tmp_path / "journal.db", *(tmp_path / "blobs").glob("*/*")])
    assert size == done.after


async def test_all_runs_may_go(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in (1, 2):
            await recorded_with(journal, number, SMALL, large(number))
        journal.pruner().prune(all_rows(journal))
        assert (all_rows(journal), codings(tmp_path), file_names(tmp_path)) == ([], {}, [])
        await recorded_with(journal, 3, SMALL, large(1))
        assert journal.verify("last").intact


async def test_a_parent_stays_as_long_as_something_comes_from_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        parent = await recorded_with(journal, 1, SMALL, large(1))
        fork = await forked(journal, 2, parent, 2)
        before = reading(journal, [parent, fork])
        assert journal.pruner().prune(rows_of(journal, parent)).kept == [parent]
        assert reading(journal, [parent, fork]) == before
        assert journal.pruner().prune(rows_of(journal, fork, parent)).runs == [fork, parent]
        assert leftovers(tmp_path, journal) == []


async def test_a_fork_keeps_what_it_took_over(tmp_path: Path) -> None:
    """Contents of its parent that it never put: an imported fork may stand here without its parent."""
    with opened(tmp_path) as journal:
        parent = await recorded_with(journal, 1, MIDDLE, large(1))
        fork = await forked(journal, 2, parent, 4)
        with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as database:
            database.execute("UPDATE runs SET parent = NULL WHERE id = ?", (fork,))
        journal.pruner().prune(rows_of(journal, parent))
        assert [problem.what for problem in journal.verify(fork).problems] == [
            "The chain breaks: event 1, or the run's start, is not what was written."
        ]
        assert leftovers(tmp_path, journal) == []


async def test_what_others_lean_on_stays(tmp_path: Path) -> None:
    """A content that was compressed against another run's, in whose record alone that one is named."""
    with opened(tmp_path) as journal:
        log = begun_with(journal, 1, planned())
        shared = b'{"content":"%s","role":"tool"}' % (b"words of the tool " * 100)
        ask(log, shared[12:-15], shared)
        log.append(event(log, completed()))
        await log.end(end())
        other = begun_with(journal, 2, planned())
        ask(other, shared)
        await other.end(end())
        assert codings(tmp_path)[Coding.DEFLATE_BASE] == 1
        journal.pruner().prune(rows_of(journal, log.run))
        assert journal.blob(digest_bytes(shared)) == shared
        assert leftovers(tmp_path, journal) == []
        journal.pruner().prune(rows_of(journal, other.run))
        assert codings(tmp_path) == {}


async def long_run(journal: SqliteJournal, number: int, own: int, shared: int) -> str:
    """A run that is long enough to be made small."""
    log = begun_with(journal, number, planned())
    for seed in range(own):
        ask(log, f"{number}: {seed} ".encode() * 100)
    for seed in range(shared):
        ask(log, f"shared {seed} ".encode() * 100)
    log.append(event(log, completed()))
    await log.end(end())
    return log.run


async def test_a_pack_of_which_little_is_left_is_packed_anew(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = await long_run(journal, 1, own=40, shared=5)
    with opened(tmp_path) as journal:
        second = await long_run(journal, 2, own=0, shared=40)
    with opened(tmp_path) as journal:
        before = reading(journal, [second])
        packs = codings(tmp_path)[Coding.PACK]
        done = journal.pruner().prune(rows_of(journal, first))
        assert reading(journal, [second]) == before
        assert codings(tmp_path)[Coding.PACK] == packs
        assert done.after < done.before
        assert leftovers(tmp_path, journal) == []
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        sizes = dict(database.execute("SELECT n, size FROM blobs WHERE coding = 6"))
        left = dict(database.execute("SELECT base, sum(size) FROM blobs WHERE coding = 7 GROUP BY base"))
    assert sizes == left


async def test_what_comes_free_is_known_before_also_of_runs_that_were_made_small(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = await long_run(journal, 1, own=60, shared=60)
    with opened(tmp_path) as journal:
        await recorded_with(journal, 2, large(1), SMALL)
        next((tmp_path / "blobs").glob("*/*")).unlink()
        alone = journal.pruner().weigh({first})[1]
        assert journal.pruner().weigh({first, "last"})[1] == alone
        done = journal.pruner().prune(rows_of(journal, first))
        assert done.before - done.after == pytest.approx(alone, rel=0.4)


async def test_a_damaged_pack_stays_with_what_is_left_of_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = await long_run(journal, 1, own=40, shared=5)
    change(tmp_path, "UPDATE blobs SET data = zeroblob(length(data)) WHERE coding = 6")
    with opened(tmp_path) as journal:
        second = await long_run(journal, 2, own=0, shared=5)
        broken = journal.verify(second).problems
        journal.pruner().prune(rows_of(journal, first))
        assert journal.verify(second).problems == broken != ()


async def test_an_ended_run_that_was_never_made_small_is_made_small(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    run = await long_run(journal, 1, own=40, shared=0)
    with journal._writer._state:
        journal._writer._later.clear()  # its process was killed here
    journal.close()
    with opened(tmp_path) as journal:
        before = reading(journal, [run])
        done = journal.pruner().prune([])
        assert (done.compacted, reading(journal, [run])) == (1, before)
        assert journal.pruner().prune([]).compacted == 0


async def test_what_a_crash_left_is_removed_with_the_next_time(tmp_path: Path) -> None:
    """Events of a run that is gone, files without a row, and files that were never finished."""
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, large(1))
        gone = await recorded_with(journal, 2, large(2), SMALL)
        change(tmp_path, "DELETE FROM runs WHERE id = ?", gone)
        folder = tmp_path / "blobs" / digest_bytes(large(1))[:2]
        (folder / f".{'0' * 16}.{'1' * 16}").write_bytes(b"half")
        (folder / f"{'0' * 62}.z").write_bytes(b"whole")
        (folder / digest_bytes(large(1))[2:]).write_bytes(b"packed in another way")
        (folder / "notes.txt").write_bytes(b"somebody's")
        (tmp_path / "blobs" / "elsewhere").mkdir()
        before = reading(journal, [run])
        assert journal.pruner().prune([]).runs == []
        assert file_names(tmp_path) == [f"{digest_bytes(large(1))[2:]}.z", "notes.txt"]
        (folder / "notes.txt").unlink()
        assert leftovers(tmp_path, journal) == []
        assert reading(journal, [run]) == before


async def test_a_number_is_not_given_again_while_there_are_events_under_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        gone = await recorded_with(journal, 1, SMALL)
        change(tmp_path, "DELETE FROM runs WHERE id = ?", gone)
        run = await recorded_with(journal, 2, SMALL)
        assert len(list(journal.events(run))) == 3
        assert journal.verify(run).intact


async def test_no_content_goes_while_a_run_cannot_say_what_it_needs(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        damaged = await recorded_with(journal, 1, SMALL)
        other = await recorded_with(journal, 2, os.urandom(90_000))
        change(tmp_path, "DELETE FROM blobs WHERE digest = ?", bytes.fromhex(journal.find(damaged).start.manifest))
        freed = journal.pruner().weigh({other})[1]
        done = journal.pruner().prune(rows_of(journal, other))
        assert (done.runs, done.unreadable, len(file_names(tmp_path))) == ([other], [damaged], 1)
        assert freed < 45_000
        assert journal.pruner().prune(rows_of(journal, damaged)).unreadable == []
        assert codings(tmp_path) == {}


async def test_a_run_that_is_gone_already_is_no_trouble(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, SMALL)
        rows = rows_of(journal, run)
        journal.pruner().prune(rows)
        assert journal.pruner().prune(rows).kept == [run]


async def test_links_in_the_folder_of_contents_lead_nowhere(tmp_path: Path) -> None:
    """The journal may have come with somebody else's project."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ("0" * 62)).write_bytes(b"mine")
    folder = tmp_path / "journal"
    with opened(folder) as journal:
        run = await recorded_with(journal, 1, large(1))
        (folder / "blobs" / "aa").symlink_to(outside)
        digest = digest_bytes(large(1))
        real = folder / "blobs" / digest[:2]
        real.rename(tmp_path / "moved")
        real.symlink_to(tmp_path / "moved")
        journal.pruner().prune(rows_of(journal, run))
    assert [path.name for path in outside.iterdir()] == ["0" * 62]
    assert [path.name for path in (tmp_path / "moved").iterdir()] == [f"{digest[2:]}.z"]


async def test_one_prunes_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, SMALL)
        with journal._locks.pruning(), pytest.raises(StorageError) as caught:
            journal.pruner().prune(rows_of(journal, run))
        assert caught.value.code == "E-PRUNE-BUSY"
        assert journal.find(run).status == "completed"
        assert start(1).id == run


async def test_a_journal_of_an_older_version_shrinks_when_nothing_runs(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, MIDDLE)
    with closing(Slices(tmp_path / "journal.db", RunLocks(tmp_path / "locks"))) as slices:
        slices.alone("PRAGMA auto_vacuum = NONE", "VACUUM")
    with opened(tmp_path) as journal:
        gone = await recorded_with(journal, 2, *(b"%d " % seed * 3_000 for seed in range(30)))
        log = begun_with(journal, 3, planned())
        await log.barrier()
        assert journal.pruner().prune(rows_of(journal, gone)).held
        await log.abandon()
        done = journal.pruner().prune([])
        assert (done.held, done.after < done.before) == (False, True)
        assert journal.verify(run).intact
        more = await recorded_with(journal, 4, *(b"%d " % seed * 3_000 for seed in range(30)))
        assert journal.pruner().prune(rows_of(journal, more)).after <= done.after
        assert code_of(lambda: journal.find(more)) == "E-RUN-UNKNOWN"
