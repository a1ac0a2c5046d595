"""Removing runs from a journal that others use meanwhile, and giving back the space that they took.

First the runs go, each whole or not at all; then their events; then what no run needs any more. Whatever kills it in
between leaves a journal in which every run is whole; what is left over then goes with the next time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from agentcli.core.runs import RunRow
from agentcli.journal.blob_files import BlobFiles, bytes_of
from agentcli.journal.compacting import LEAST_EVENTS, Compact, compactions, cut_page
from agentcli.journal.faults import storage_error
from agentcli.journal.foreign import refuse_links
from agentcli.journal.listing import Listing
from agentcli.journal.locks import FileLock, RunLocks
from agentcli.journal.marking import Marks, Notes
from agentcli.journal.reading import EventReader
from agentcli.journal.slices import Slices
from agentcli.journal.sweeping import Sweep
from agentcli.journal.weighing import Scales

_EVENTS: Final = 64
"""Rows of events that are removed at a time."""

_PAGES: Final = 4_096

# Numbers under which there are events, but no run: one seek for each number.
_HEADLESS = """
    WITH RECURSIVE numbers (n) AS (
        SELECT min(run) FROM events
        UNION ALL SELECT (SELECT min(run) FROM events WHERE run > n) FROM numbers WHERE n IS NOT NULL)
    SELECT n FROM numbers WHERE n IS NOT NULL AND n NOT IN (SELECT n FROM runs)"""

# Ended runs of which many events still have a row each.
_LOOSE = """
    SELECT id, n, last FROM runs JOIN (
        SELECT run, max(seq) AS last FROM events WHERE type != '+' GROUP BY run HAVING count(*) >= ?
    ) ON run = n WHERE status != 'running'"""


@dataclass(slots=True)
class Pruned:
    """What was done. `kept` are runs that were to go, but changed meanwhile, or were taken up, or are a parent again.

    `unreadable` are runs whose record is damaged, so that nobody knows what they need: no content was removed then.
    `held` is set where the file could not shrink, since runs go on. Bytes are those of all files of the journal.
    """

    runs: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    contents: int = 0
    compacted: int = 0
    held: bool = False
    before: int = 0
    after: int = 0


class Pruner:
    """Prunes one journal, which is there."""

    def __init__(self, reader: EventReader, files: BlobFiles, locks: RunLocks) -> None:
        self._reader = reader
        self._path = reader.path
        self._files = files
        self._locks = locks

    def weigh(self, going: Container[str]) -> tuple[int, int]:
        """The bytes of the journal on disk, and about how many come free without these runs. Raises StorageError."""
        with self._explaining():
            scales = Scales(self._reader, self._files)
            return scales.disk, scales.freed(going)

    def needed(self, going: Container[str] = ()) -> Container[bytes] | None:
        """The contents that the runs name that are not `going`, by the first bytes of their digests, also those that
        are kept elsewhere; None where that cannot be read of some run. Raises StorageError.
        """
        with self._explaining():
            marks = Marks(self._reader)
            for run, n, manifest in self._reader.database.execute("SELECT id, n, manifest FROM runs").fetchall():
                if run not in going:
                    marks.mark(n, manifest)
            return None if marks.unreadable else marks

    def fitting(self, staying: Iterable[str], groups: Iterable[Iterable[str]], most: int) -> int:
        """How many of the groups of runs, the first first, take at most so many bytes with those that stay anyway.

        Raises StorageError.
        """
        with self._explaining():
            weights = Scales(self._reader, self._files).weights()
            weights.add(staying)
            return sum(1 for _ in takewhile(lambda group: weights.add(group) <= most, groups))

    def prune(self, rows: Sequence[RunRow]) -> Pruned:
        """Remove these runs as far as they are as they were, and all that nothing needs.

        Whatever comes from another run stands before it in `rows`. Raises StorageError, also E-PRUNE-BUSY.
        """
        refuse_links(self._path.parent)
        with self._explaining():
            self._locks.folder.mkdir(mode=0o700, exist_ok=True)
            return self._prune(rows)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise storage_error(error, self._path) from error

    def _prune(self, rows: Sequence[RunRow]) -> Pruned:
        done = Pruned(before=bytes_of(self._path, self._files))
        with self._locks.pruning():
            slices = Slices(self._path, self._locks)
            notes = Notes(self._locks)
            try:
                work = _Work(slices, EventReader(slices.database, self._files, self._path), self._locks, done)
                work.remove_runs(rows)
                work.remove_events()
                work.compact()
                work.sweep(self._files, notes)
                work.shrink()
            finally:
                self._reader.blobs.forget()
                notes.close()
                slices.close()
        done.after = bytes_of(self._path, self._files)
        return done


class _Work:
    def __init__(self, slices: Slices, reader: EventReader, locks: RunLocks, done: Pruned) -> None:
        self._slices = slices
        self._database = slices.database
        self._reader = reader
        self._locks = locks
        self._done = done
        self._claimed: list[tuple[FileLock, str]] = []
        self._listing = Listing(self._database, lambda run: False)

    def remove_runs(self, rows: Sequence[RunRow]) -> None:
        """Remove their rows and tags: from then on there are no such runs."""
        try:
            self._slices.each([rows], self._remove_run, after=self._release)
        finally:
            self._release()

    def _remove_run(self, row: RunRow) -> None:
        run = row.start.id
        lock = self._locks.claim(run)
        if lock is None:
            self._done.kept.append(run)
            return
        found = self._listing.exact(run)
        if found is None or found[1] != row or self._is_parent(run):
            self._claimed.append((lock, ""))
            self._done.kept.append(run)
            return
        self._claimed.append((lock, run))
        self._database.execute("DELETE FROM tags WHERE run = ?", (found[0],))
        self._database.execute("DELETE FROM runs WHERE n = ?", (found[0],))

    def _is_parent(self, run: str) -> bool:
        return self._database.execute("SELECT 1 FROM runs WHERE parent = ?", (run,)).fetchone() is not None

    def _release(self) -> None:
        claimed, self._claimed = self._claimed, []
        for lock, run in claimed:
            lock.release(remove=True)
            self._done.runs += [run] if run else []

    def remove_events(self) -> None:
        """Remove the events of runs that are gone, also of those that a killed process was to remove."""
        delete = "DELETE FROM events WHERE run = ? AND seq <= ?"
        self._slices.each(self._headless(), lambda part: self._database.execute(delete, part))

    def _headless(self) -> Iterator[list[tuple[int, int]]]:
        query = "SELECT max(seq) FROM (SELECT seq FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?)"
        found: list[tuple[int, int]] = []
        for (n,) in self._database.execute(_HEADLESS).fetchall():
            last = -1
            while (last := self._database.execute(query, (n, last, _EVENTS)).fetchone()[0]) is not None:
                found.append((n, last))
            if len(found) >= _EVENTS:
                yield found
                found = []
        yield found

    def compact(self) -> None:
        """Make ended runs small that were not, since their process was killed."""
        rows = self._database.execute(_LOOSE, (LEAST_EVENTS,)).fetchall()
        self._done.compacted = len(rows)
        self._slices.each(self._prepared(rows), lambda one: one.write(self._database, self._reader.blobs))

    def _prepared(self, rows: Iterable[tuple[str, int, int]]) -> Iterator[list[Compact]]:
        for row in rows:
            for operation in compactions(*row):
                operation.prepare(self._reader.blobs)
                yield [operation]

    def sweep(self, files: BlobFiles, notes: Notes) -> None:
        """Remove what no run needs, and no owner at work. Which runs there are is asked now that some are gone."""
        marks = Marks(self._reader)
        marks.mark_all()
        numbered = dict(self._database.execute("SELECT n, id FROM runs"))
        self._done.unreadable = [numbered[n] for n in marks.unreadable]
        if marks.unreadable:
            return
        sweep = Sweep(self._slices, files, marks, notes)
        sweep.contents()
        sweep.strays()
        self._done.contents = sweep.removed

    def shrink(self) -> None:
        """Give back free pages, and the log."""
        (mode,) = self._database.execute("PRAGMA auto_vacuum").fetchone()
        if mode:
            self._slices.each(self._free_pages(), lambda _: cut_page(self._database))
        elif self._locks.any_owned():
            self._done.held = self._free() > 0
        else:
            # A journal of an older version. Written anew, it can be cut a page at a time from then on.
            self._slices.alone("PRAGMA auto_vacuum = INCREMENTAL", "VACUUM")
        self._slices.alone("PRAGMA wal_checkpoint(TRUNCATE)")

    def _free_pages(self) -> Iterator[range]:
        """As many as there are now: what others free meanwhile they give back themselves."""
        free = self._free()
        for at in range(0, free, _PAGES):
            yield range(at, min(free, at + _PAGES))

    def _free(self) -> int:
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        return int(free)
