"""What the writer can be asked to do for a run. Each is prepared outside the transaction and written inside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from agentcli.core.runs import RunEnd, RunStart
from agentcli.errors import StorageError
from agentcli.journal.blobs import BlobReader, Content, Recent, keep, prepare
from agentcli.journal.locks import OwnerLock
from agentcli.journal.records import INSERT, Line, Record, line_of, seal, split_digests


@dataclass(slots=True)
class Chain:
    """A run as the writer knows it: its row, the hash of its last event, its owner's lock, and what went wrong."""

    run: str
    head: bytes
    n: int = 0
    lock: OwnerLock | None = None
    failure: StorageError | None = None
    recent: Recent = field(default_factory=Recent)

    def note(self, digests: Iterable[bytes]) -> None:
        """Say that these are needed from now on: whoever prunes cannot see what is not committed. Raises OSError."""
        if self.lock is not None:
            self.lock.note(digests)


class Operation(Protocol):
    """One thing to write."""

    @property
    def chain(self) -> Chain:
        """The run it is for."""

    @property
    def size(self) -> int:
        """Bytes it holds while it waits."""

    def prepare(self, blobs: BlobReader) -> None:
        """Hash, compress, write files. Raises OSError."""

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Change the database, and the chain. Raises sqlite3.Error, OSError."""


# A number is never given again while there are events under it: the run that had it is gone, they may go later.
_INSERT_RUN = """
    INSERT INTO runs (n, id, kind, name, task, model, manifest, started, parent, relation, cut, status)
    VALUES (1 + max(coalesce((SELECT max(n) FROM runs), 0), coalesce((SELECT max(run) FROM events), 0)),
            ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')"""


@dataclass(slots=True)
class Begin:
    """Add the run's row. A run that is recorded here (`alone` is false) leans on contents of its parent."""

    chain: Chain
    start: RunStart
    alone: bool = False
    size: int = 512

    def prepare(self, blobs: BlobReader) -> None:
        """Say what it is planned by."""
        self.chain.note([bytes.fromhex(self.start.manifest)])

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Insert the row. Raises StorageError E-RUN-GONE where the parent was pruned since it was read."""
        start = self.start
        if start.parent is not None and not self.alone and not _is_there(database, start.parent):
            raise _gone(start.parent)
        manifest = bytes.fromhex(start.manifest)
        first = (start.id, start.kind, start.name, start.task, start.model, manifest, start.started)
        row = database.execute(_INSERT_RUN, (*first, start.parent, start.relation, start.cut))
        self.chain.n = row.lastrowid or 0


@dataclass(slots=True)
class Reopen:
    """Take the run's end back: it goes on."""

    chain: Chain
    size: int = 64

    def prepare(self, blobs: BlobReader) -> None:
        """Nothing to do."""

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Clear the end."""
        database.execute(
            """UPDATE runs SET status = 'running', exit_code = NULL, ended = NULL, turns = NULL, input = NULL,
               output = NULL, cached = NULL, reasoning = NULL, cost_usd = NULL, duration_s = NULL, seal = NULL
               WHERE n = ?""",
            (self.chain.n,),
        )


@dataclass(slots=True)
class Put:
    """Keep a content."""

    chain: Chain
    data: bytes
    digest: bytes
    _content: Content = field(init=False)

    @property
    def size(self) -> int:
        """The content's bytes."""
        return len(self.data)

    def prepare(self, blobs: BlobReader) -> None:
        """Compress it."""
        self.chain.note([self.digest])
        self._content = prepare(self.data, self.digest, blobs, self.chain.recent)

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Insert it."""
        keep(self._content, database, blobs.files)


@dataclass(slots=True)
class Append:
    """Add an event and its contents."""

    chain: Chain
    record: Record
    _contents: list[Content] = field(default_factory=list)
    _line: Line = field(init=False)

    @property
    def size(self) -> int:
        """Bytes of the serialised event."""
        return self.record.size

    def prepare(self, blobs: BlobReader) -> None:
        """Hash and compress the contents."""
        contents = [(data, sha256(data).digest()) for _, data in self.record.contents]
        self._line = line_of(self.record, [digest for _, digest in contents])
        self.chain.note(split_digests(self._line.digests))
        self._contents = [prepare(data, digest, blobs, self.chain.recent) for data, digest in contents]

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Insert the contents and the event; the chain grows by it."""
        for content in self._contents:
            keep(content, database, blobs.files)
        chain = self.chain
        chain.head = self._line.hash(chain.run, chain.head)
        database.execute(INSERT, self._line.row(chain.n, chain.head))


@dataclass(slots=True)
class End:
    """Close the run's row."""

    chain: Chain
    end: RunEnd
    size: int = 256

    def prepare(self, blobs: BlobReader) -> None:
        """Nothing to do."""

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Set the columns of the end, and the seal over them."""
        end, usage = self.end, self.end.usage
        database.execute(
            """UPDATE runs SET status = ?, exit_code = ?, ended = ?, turns = ?, input = ?, output = ?, cached = ?,
               reasoning = ?, cost_usd = ?, duration_s = ?, seal = ? WHERE n = ?""",
            (
                end.status,
                end.exit_code,
                end.ended,
                end.turns,
                usage.input,
                usage.output,
                usage.cached,
                usage.reasoning,
                end.cost_usd,
                end.duration_s,
                seal(self.chain.head, end),
                self.chain.n,
            ),
        )


@dataclass(slots=True)
class Sync:
    """Nothing but a barrier."""

    chain: Chain
    size: int = 0

    def prepare(self, blobs: BlobReader) -> None:
        """Nothing to do."""

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Nothing by itself; see `touch`."""


@dataclass(slots=True)
class SetTags:
    """Change what a run is tagged with, if it is still there."""

    chain: Chain
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    size: int = 256

    def prepare(self, blobs: BlobReader) -> None:
        """Nothing to do."""

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Insert and delete; what is as it should be already stays."""
        run = (self.chain.n, self.chain.run)
        for tag in self.add:
            database.execute("INSERT OR IGNORE INTO tags SELECT n, ? FROM runs WHERE n = ? AND id = ?", (tag, *run))
        for tag in self.remove:
            database.execute(
                "DELETE FROM tags WHERE tag = ? AND run = (SELECT n FROM runs WHERE n = ? AND id = ?)", (tag, *run)
            )


def touch(database: sqlite3.Connection, chain: Chain) -> None:
    """Change something, so that the commit has a frame to sync, and with it all frames before."""
    database.execute("UPDATE runs SET syncs = syncs + 1 WHERE n = ?", (chain.n,))


def _is_there(database: sqlite3.Connection, run: str) -> bool:
    return database.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone() is not None


def _gone(run: str) -> StorageError:
    return StorageError(
        "E-RUN-GONE",
        f"The run {run} is not there any more.",
        why="It was pruned after it was read, and what was to begin leans on it.",
        fix="Begin from another run; see `agentcli runs list`.",
    )
