"""The journal on disk: SQLite and files in one folder that nobody else may read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agentcli.core.canonical import Digest
from agentcli.core.events import Event
from agentcli.core.messages import Message
from agentcli.core.runs import RunEnd, RunQuery, RunRow, RunStart
from agentcli.errors import StorageError
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.faults import damaged, storage_error
from agentcli.journal.foreign import RUN_ID, checked_tags, refuse_links
from agentcli.journal.listing import Listing, no_journal
from agentcli.journal.locks import FileLock, OwnerLock, RunLocks, Turnstile
from agentcli.journal.opening import open_reader
from agentcli.journal.operations import Begin, Chain, Reopen, SetTags
from agentcli.journal.reading import EventReader, Outline, Totals
from agentcli.journal.records import origin, seal
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.schema import FILE
from agentcli.journal.writer import Writer

if TYPE_CHECKING:
    from agentcli.journal.pruning import Pruner
    from agentcli.journal.verifying import Verification

TASK_PREVIEW = 200
"""Characters of a run's task that its row shows; the whole stands in `run.started`."""

T = TypeVar("T")


class SqliteJournal:
    """See `Journal`. Opening one touches nothing; reading creates nothing; `begin` makes what is missing.

    Methods block for as long as the disk takes. Every one of them raises StorageError where the journal cannot be
    used: E-JOURNAL-UNWRITABLE, -DAMAGED, -NEWER, -SQLITE, -FULL, -IO, -BUSY, -CLOSED.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._files = BlobFiles(folder / "blobs")
        self._locks = RunLocks(folder / "locks")
        self._writer = Writer(self.path, self._files, Turnstile(folder / "locks" / "turn"), self._locks)
        self._reader: EventReader | None = None

    # -- writing ------------------------------------------------------------------------------------------------

    def begin(self, start: RunStart) -> SqliteRunLog:
        """Own a new run. Raises StorageError, also E-RUN-OWNED where the id is in use."""
        if not RUN_ID.fullmatch(start.id):
            raise ValueError(f"not a run id: {start.id!r}")
        start = _as_kept(start)
        lock = self._own(start.id)
        chain = Chain(start.id, origin(start), lock=lock)
        with _kept_if_well(lock):
            self._writer.open()
        return SqliteRunLog(chain, self._writer, lock, 0, Begin(chain, start))

    def resume(self, run: str) -> SqliteRunLog:
        """Own a run again, to go on after its last event. Raises UsageError E-RUN-UNKNOWN, StorageError E-RUN-OWNED.

        Its row changes with the first thing that is written: a log that is abandoned before leaves the run as it was.
        What the row says of the run's start (manifest, model) stays, since the hash chain begins with it; the plan that
        is in force is that of the newest `run.resumed` or `run.forked` event.
        """
        run = self._located(run)[1].start.id
        lock = self._own(run)
        with _kept_if_well(lock):
            # Only now that nobody else may change it: it may be gone, or longer.
            n, row = self._located(run)
            seq, head = self._reading().tip(n, row.start)
            self._writer.open()
        chain = Chain(row.start.id, head, n, lock)
        return SqliteRunLog(chain, self._writer, lock, seq, Reopen(chain))

    def tag(self, run: str, tags: Iterable[str]) -> None:
        """Add tags to a run, owned or not. Raises UsageError E-RUN-UNKNOWN, StorageError; ValueError for no tag."""
        self._set_tags(run, add=checked_tags(tags))

    def untag(self, run: str, tags: Iterable[str]) -> None:
        """Take tags off a run; those that it does not have are no error. Raises as `tag` does."""
        self._set_tags(run, remove=tuple(tags))

    def import_run(
        self,
        start: RunStart,
        events: Iterable[Event],
        end: RunEnd | None,
        contents: Iterable[bytes] = (),
        tags: Iterable[str] = (),
    ) -> bool:
        """Take in a run that another journal recorded, under its own id, in one transaction.

        `events` are numbered from 1 without a gap; `contents` is what they name by digest beyond their own fields
        (messages of requests, heads, manifests, snapshots). False if the very same run is here already: nothing is
        written then. Raises StorageError, also E-RUN-EXISTS where another run has the id and E-RUN-OWNED where it is
        being written; ValueError or TypeError for what no run has.
        """
        from agentcli.journal.importing import Import, foreign, taken

        run, tags = foreign(_as_kept(start), events, end), checked_tags(tags)
        lock = self._own(start.id)
        try:
            here = self._read(lambda reader: self._listing(reader).exact(start.id), None)
            if here is not None:
                if self._mark(*here) != run.mark():
                    raise taken(start.id)
                return False
            self._writer.open()
            self._writer.perform(Import(run, contents, tags, lock))
        finally:
            lock.release(remove=True)
        return True

    def pruner(self) -> Pruner:
        """For weighing runs and removing them."""
        from agentcli.journal.pruning import Pruner

        return Pruner(self._reading(), self._files, self._locks)

    def close(self) -> None:
        """Write what was appended, and let go of everything. Raises StorageError."""
        # The last connection that closes moves the log into the database, and only one that writes can.
        if self._reader is not None:
            self._reader.database.close()
            self._reader = None
        self._writer.close()

    def _own(self, run: str) -> OwnerLock:
        try:
            if not self._writer.is_open:  # once is enough: who sent this folder is not here to change it meanwhile
                refuse_links(self.folder)
                self._make_folders()
            return self._locks.own(run)
        except OSError as error:
            raise storage_error(error, self.path) from error

    def _set_tags(self, ref: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        n, row = self._located(ref)
        refuse_links(self.folder)
        self._writer.open()
        self._writer.perform(SetTags(Chain(row.start.id, b"", n), add, remove))

    def _mark(self, n: int, row: RunRow) -> bytes:
        """See `ForeignRun.mark`."""
        head = self._reading().tip(n, row.start)[1]
        return head if row.end is None else seal(head, row.end)

    # -- reading ------------------------------------------------------------------------------------------------

    def runs(self, query: RunQuery | None = None) -> list[RunRow]:
        """The runs asked for, newest first; none where nothing was ever recorded."""
        return self._read(lambda reader: self._listing(reader).runs(query or RunQuery()), [])

    def find(self, ref: str) -> RunRow:
        """The run that an id, its head or tail, `last` or `last~N` names.

        Raises UsageError E-RUN-UNKNOWN (with the nearest) or E-RUN-AMBIGUOUS (with candidates).
        """
        return self._located(ref)[1]

    def exact(self, run: str) -> RunRow | None:
        """The run of this whole id; None where there is none."""
        return self._read(lambda reader: (self._listing(reader).exact(run) or (0, None))[1], None)

    def events(self, run: str, after: int = 0) -> Iterator[Event]:
        """The events of a run, oldest first, read as they are asked for; those after a seq alone, if one is given."""
        n, row = self._located(run)
        yield from self._reading().events(n, row.start.id, after)

    def intact(self, run: str) -> list[Event]:
        """The events of a damaged run that can still be read, oldest first."""
        from agentcli.journal.salvage import intact_events

        n, row = self._located(run)
        return list(intact_events(self._reading(), n, row.start.id))

    def outlines(self, run: str, types: tuple[str, ...], after: int = 0) -> Iterator[Outline]:
        """The events of these types of the run with this whole id, without contents, oldest first."""
        yield from self._reading().outlines(run, types, after)

    def blob(self, digest: Digest) -> bytes:
        """A content by its digest. Raises StorageError E-BLOB-MISSING where it is not held."""
        return self._reading().blob(bytes.fromhex(digest))

    def conversation(self, run: str, seq: int) -> list[Message]:
        """The messages of the request that `model.started` announced at `seq`."""
        n, row = self._located(run)
        return self._reading().conversation(n, row.start.id, seq)

    def totals(self, run: str) -> Totals:
        """What a run has used so far, from its events: for runs without an end."""
        n, row = self._located(run)
        return self._reading().totals(n, row.start.id)

    def verify(self, run: str, events: list[Event] | None = None) -> Verification:
        """Check a run's chain, its seal, and every content that it names. Its events go into the list, if there is one.

        With a list: raises StorageError for an event that cannot be read.
        """
        from agentcli.journal.verifying import verify

        n, row = self._located(run)
        return verify(self._reading(), n, row, events)

    def verify_all(self) -> Iterator[Verification]:
        """Check every run, in the order in which they were recorded. A row that no run has is a problem of its run."""
        from agentcli.journal.verifying import broken, verify

        numbers: list[tuple[int, str]] = self._read(lambda reader: self._listing(reader).numbers(), [])
        for n, run in numbers:
            try:
                row = self._numbered(n)
            except StorageError as error:
                yield broken(run, error)
            else:
                if row is not None:
                    yield verify(self._reading(), n, row)

    def _numbered(self, n: int) -> RunRow | None:
        return self._read(lambda reader: self._listing(reader).numbered(n), None)

    def _located(self, ref: str) -> tuple[int, RunRow]:
        found = self._read(lambda reader: self._listing(reader).find(ref), None)
        if found is None:
            raise no_journal(ref)
        return found

    def _listing(self, reader: EventReader) -> Listing:
        return Listing(reader.database, self._locks.is_owned)

    def _read(self, question: Callable[[EventReader], T], nothing: T) -> T:
        """The answer to a question to the database; `nothing` where there is none."""
        reader = self._open()
        if reader is None:
            return nothing
        try:
            return question(reader)
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
        except ValueError as error:
            raise damaged(self.path, f"{error}.") from error

    def _reading(self) -> EventReader:
        reader = self._open()
        if reader is None:
            raise damaged(self.path, "There is nothing to read.")
        return reader

    def _open(self) -> EventReader | None:
        if self._reader is None and self.path.exists():
            refuse_links(self.folder)
            database = open_reader(self.path, self._renew)
            if database is not None:
                self._reader = EventReader(database, self._files, self.path)
        return self._reader

    def _make_folders(self) -> None:
        for folder in (self.folder, self._locks.folder):
            _make_private(folder)

    def _renew(self) -> None:
        """Bring an older journal to the newest schema."""
        try:
            self._make_folders()
            self._writer.renew()
        except OSError as error:
            raise storage_error(error, self.path) from error


def _as_kept(start: RunStart) -> RunStart:
    """As the run's row will say it: the chain begins with what can be read back."""
    task = start.task if len(start.task) <= TASK_PREVIEW else start.task[: TASK_PREVIEW - 1] + "…"
    return replace(start, task=task, started=float(start.started))


@contextmanager
def _kept_if_well(lock: FileLock) -> Iterator[None]:
    """Give the lock up again if what follows fails."""
    try:
        yield
    except BaseException:
        lock.release(remove=True)
        raise


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
