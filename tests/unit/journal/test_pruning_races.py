"""Others record while somebody prunes: nothing that they put, found or named is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import ModelStarted
from agentcli.core.models import RequestDelta
from agentcli.errors import StorageError
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import BlobReader, Recent, keep, prepare
from agentcli.journal.locks import RunLocks
from agentcli.journal.marking import Marks, Notes
from agentcli.journal.reading import EventReader
from agentcli.journal.slices import Slices
from agentcli.journal.store import SqliteJournal
from agentcli.journal.sweeping import Sweep
from tests.fakes.journals import opened
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
    problems_in,
    reading,
    recorded_with,
    rows_of,
)
from tests.fakes.recorded import completed, end, event, start

REPO = Path(__file__).resolve().parents[3]


@contextmanager
def sweeping(folder: Path) -> Iterator[Sweep]:
    """A sweep that has read what every run needs, and has not begun to remove anything."""
    locks, files, path = RunLocks(folder / "locks"), BlobFiles(folder / "blobs"), folder / "journal.db"
    opening = closing(Slices(path, locks))
    with locks.pruning(), opening as slices, closing(Notes(locks)) as notes:
        marks = Marks(EventReader(slices.database, files, path))
        marks.mark_all()
        yield Sweep(slices, files, marks, notes)


async def without_its_run(journal: SqliteJournal, number: int, *contents: bytes) -> None:
    """Contents that no run needs any more, as they are after the runs have gone."""
    run = await recorded_with(journal, number, *contents)
    with closing(Slices(journal.path, RunLocks(journal.folder / "locks"))) as slices:
        slices.alone(f"DELETE FROM runs WHERE id = '{run}'")


@pytest.mark.parametrize("content", [SMALL, MIDDLE, large(1)], ids=["small", "middle", "file"])
async def test_what_a_run_found_there_stays_until_it_is_named(tmp_path: Path, content: bytes) -> None:
    """A request is put a message at a time: what was there already has nothing that names it for a while."""
    with opened(tmp_path) as journal:
        await without_its_run(journal, 1, content)
        log = begun_with(journal, 2, planned())
        request = RequestDelta(None, 0, (log.put(content),), log.put(b"head"))
        await log.barrier()
        assert journal.pruner().prune([]).kept == []
        log.append(event(log, ModelStarted("fake", "model", request)))
        log.append(event(log, completed()))
        await log.end(end())
        assert problems_in(journal) == []
        journal.pruner().prune([])
        assert leftovers(tmp_path, journal) == []


@pytest.mark.parametrize("content", [SMALL, large(1)], ids=["small", "file"])
async def test_what_is_named_after_the_runs_were_read_stays(tmp_path: Path, content: bytes) -> None:
    """By a run that begins and ends meanwhile: its owner's file stays until the end, then it goes."""
    with opened(tmp_path) as journal:
        await without_its_run(journal, 1, content)
        with sweeping(tmp_path) as sweep:
            run = await recorded_with(journal, 2, content)
            assert [path.stem for path in (tmp_path / "locks").glob("*.lock")] == [run]
            assert not journal._locks.is_owned(run)
            sweep.contents()
            sweep.strays()
            assert problems_in(journal) == []
        assert list((tmp_path / "locks").glob("*.lock")) == []


async def test_the_plan_of_a_run_that_begins_meanwhile_stays(tmp_path: Path) -> None:
    """It was there already, and is named by the run's row alone."""
    with opened(tmp_path) as journal:
        await without_its_run(journal, 1, SMALL)
        with sweeping(tmp_path) as sweep:
            log = journal.begin(start(2, manifest=digest_bytes(SMALL)))
            log.append(event(log))
            await log.barrier()
            sweep.contents()
        assert journal.blob(digest_bytes(SMALL)) == SMALL
        await log.abandon()


async def test_a_run_that_is_taken_up_again_meanwhile_adds_to_what_it_noted(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        await without_its_run(journal, 1, SMALL, MIDDLE)
        log = begun_with(journal, 2, planned())
        await log.barrier()
        with sweeping(tmp_path) as sweep:
            sweep._notes.read()
            ask(log, SMALL)
            await log.end(end())
            again = journal.resume(log.run)
            ask(again, MIDDLE)
            await again.end(end())
            sweep.contents()
        assert {problem.what[:20] for problem in journal.verify(log.run).problems} == {"The run has ended, b"}


async def test_what_leans_on_a_content_spares_it_when_it_is_spared_itself(tmp_path: Path) -> None:
    """At the last moment somebody finds a content that was compressed against another one."""
    shared = b'{"content":"%s","role":"tool"}' % (b"words of the tool " * 100)
    with opened(tmp_path) as journal:
        await without_its_run(journal, 1, shared[12:-15], shared)
        log = begun_with(journal, 2, planned())
        await log.barrier()
        with sweeping(tmp_path) as sweep:
            log.put(shared)
            await log.barrier()
            sweep.contents()
        ask(log, shared)
        await log.barrier()
        assert journal.blob(digest_bytes(shared)) == shared
        await log.abandon()


async def test_a_file_that_went_while_a_content_was_prepared_is_written_again(tmp_path: Path) -> None:
    """It was there when the writer looked for it, and no row named it."""
    content, digest = large(1), sha256(large(1)).digest()
    with opened(tmp_path) as journal:
        await recorded_with(journal, 1, SMALL)
        files = BlobFiles(tmp_path / "blobs")
        with closing(Slices(journal.path, RunLocks(tmp_path / "locks"))) as slices:
            ready = prepare(content, digest, BlobReader(slices.database, files), Recent())
            with sweeping(tmp_path) as sweep:
                sweep.strays()
            assert not any((tmp_path / "blobs").glob("*/*"))
            keep(ready, slices.database, files)
        assert journal.blob(digest.hex()) == content


async def test_the_draft_of_a_file_that_is_being_written_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        log = begun_with(journal, 1, planned())
        await log.barrier()
        digest = sha256(large(1)).digest()
        log._lock.note([digest])
        draft = tmp_path / "blobs" / digest.hex()[:2] / f".{digest.hex()[2:18]}.{'0' * 16}"
        draft.parent.mkdir(parents=True)
        draft.write_bytes(b"half")
        journal.pruner().prune([])
        assert draft.exists()
        await log.abandon()
        journal.pruner().prune([])
        assert not draft.exists()


async def test_a_run_in_somebodys_hands_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, SMALL)
        rows = rows_of(journal, run)
        log = journal.resume(run)
        done = journal.pruner().prune(rows)
        assert (done.runs, done.kept) == ([], [run])
        log.append(event(log, completed()))
        await log.end(end())
        assert problems_in(journal) == []


@pytest.mark.parametrize("what", ["tagged", "resumed"])
async def test_a_run_that_changed_since_it_was_chosen_stays(tmp_path: Path, what: str) -> None:
    with opened(tmp_path) as journal:
        run = await recorded_with(journal, 1, SMALL)
        rows = rows_of(journal, run)
        if what == "tagged":
            journal.tag(run, ["wanted"])
        else:
            log = journal.resume(run)
            log.append(event(log, completed()))
            await log.end(end(turns=7))
        assert journal.pruner().prune(rows).kept == [run]
        assert problems_in(journal) == []


async def test_a_fork_of_a_run_that_went_meanwhile_does_not_begin(tmp_path: Path) -> None:
    """It would name contents that it never put."""
    with opened(tmp_path) as journal:
        parent = await recorded_with(journal, 1, SMALL)
        log = journal.begin(start(2, parent=parent, relation="fork", cut=1))
        journal.pruner().prune(rows_of(journal, parent))
        log.append(event(log))
        with pytest.raises(StorageError) as caught:
            await log.barrier()
        assert caught.value.code == "E-RUN-GONE"
        await log.abandon()
        assert all_rows(journal) == []
        # One that comes from elsewhere has all that it needs with it.
        imported = replace(start(3), parent=parent, relation="fork")
        assert journal.import_run(imported, [], None, [b"manifest"])


async def test_a_fork_that_began_in_time_keeps_its_parent(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        parent = await recorded_with(journal, 1, SMALL)
        rows = rows_of(journal, parent)
        await forked(journal, 2, parent, 2)
        assert journal.pruner().prune(rows).kept == [parent]
        assert problems_in(journal) == []


async def test_a_run_that_goes_while_all_are_verified_is_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = await recorded_with(journal, 1, SMALL)
        second = await recorded_with(journal, 2, SMALL)
        checks = journal.verify_all()
        assert next(checks).run == first
        journal.pruner().prune(rows_of(journal, second))
        assert list(checks) == []


async def test_a_pack_on_its_way_takes_no_row_of_another_content(tmp_path: Path) -> None:
    """The run went while it was made small, and the numbers of its contents were given again."""
    with opened(tmp_path) as journal:
        log = begun_with(journal, 1, planned())
        for seed in range(40):
            ask(log, b"content %d " % seed * 30)
        log.append(event(log, completed()))
        await log.end(end())
        from agentcli.journal.packs import packs_of

        with closing(Slices(journal.path, RunLocks(tmp_path / "locks"))) as slices:
            reader = BlobReader(slices.database, BlobFiles(tmp_path / "blobs"))
            digests = [sha256(b"content %d " % seed * 30).digest() for seed in range(40)]
            (pack,) = packs_of(digests, reader, codings=range(8))
            slices.alone("DELETE FROM blobs")
            other = await recorded_with(journal, 2, SMALL, MIDDLE)
            pack.write(slices.database)
        assert reading(journal, [other])[other][3].intact


def sharing(folder: Path, number: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fakes.sharing_process", str(folder), str(number * 1000), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO)


def test_processes_record_while_another_one_prunes(tmp_path: Path) -> None:
    processes = [sharing(tmp_path, number, 40) for number in range(1, 4)]
    pruned = 0
    with opened(tmp_path) as journal:
        while any(process.poll() is None for process in processes):
            if rows := [row for row in all_rows(journal)[2:] if row.end is not None]:
                pruned += len(journal.pruner().prune(rows).runs)
                assert problems_in(journal) == []
        said = [process.communicate()[0].strip() for process in processes]
        assert said == ["ended"] * 3
        assert pruned > 10
        journal.pruner().prune([])
        assert problems_in(journal) == []
        assert leftovers(tmp_path, journal) == []
