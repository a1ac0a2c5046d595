"""Checking a run's record: the hash chain, the seal, and every content it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from agentcli.core.events import Event
from agentcli.core.runs import RunRow
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.chunks import DamagedChunkError
from agentcli.journal.named import needed_by, needed_in
from agentcli.journal.reading import EventReader
from agentcli.journal.records import MARK, Line, Parts, Row, line_in, origin, parts_of, seal


@value(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written: at an event, or at the run as a whole (seq None)."""

    seq: int | None
    what: str


@value(frozen=True, slots=True)
class Verification:
    """What was checked, and what was found."""

    run: str
    events: int
    blobs: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class _Check:
    def __init__(self, reader: EventReader, row: RunRow) -> None:
        self.reader = reader
        self.run = row.start.id
        self.head: bytes | None = origin(row.start)
        self.seq = 0
        self.count = 0
        self.seen: set[bytes] = set()
        self.type = ""
        self.problems: list[Problem] = []

    def problem(self, seq: int | None, what: str) -> None:
        self.problems.append(Problem(seq, what))

    def event(self, row: Row) -> tuple[Line, Parts] | None:
        """Check an event. What it consists of, where it can be read."""
        seq = row[1]
        if seq != self.seq + 1:
            self.head = None
            self.problem(seq, f"Events {self.seq + 1} to {seq - 1} are missing.")
        self.seq, self.count, self.type = seq, self.count + 1, row[2]
        try:
            line = line_in(row)
            self.link(seq, line, row[16])
            parts = parts_of(line)
            self.contents(seq, parts)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.head = None
            self.problem(seq, f"The event cannot be read: {error}.")
            return None
        return line, parts

    def link(self, seq: int, line: Line, mark: bytes) -> None:
        """Behind the first event that is not as it was, the chain says nothing any more."""
        if self.head is None:
            return
        self.head = line.hash(self.run, self.head)
        if self.head[:MARK] != mark:
            self.head = None
            place = "event 1, or the run's start," if seq == 1 else f"event {seq}"
            self.problem(seq, f"The chain breaks: {place} is not what was written.")

    def lost(self, error: DamagedChunkError) -> None:
        self.head, self.seq = None, error.last
        self.problem(error.first, f"Events {error.first} to {error.last} cannot be read: {error}.")

    def contents(self, seq: int, parts: Parts) -> None:
        for name, digest in needed_by(self.type, parts):
            if name == "manifest":
                self.manifest(seq, digest)
            else:
                self.content(seq, name, digest)

    def manifest(self, seq: int | None, digest: bytes) -> None:
        """A plan, and what it names: messages of a conversation, the plan that it is part of."""
        if digest in self.seen:
            return
        self.content(seq, "manifest", digest)
        for named in needed_in(self.read(digest)):
            self.content(seq, "manifest", named)

    def content(self, seq: int | None, name: str, digest: bytes) -> None:
        if digest in self.seen:
            return
        self.seen.add(digest)
        try:
            self.reader.blobs.read(digest)
        except KeyError:
            self.problem(seq, f"The content {digest.hex()} of `{name}` is missing.")
        except ValueError as error:
            self.problem(seq, f"`{name}`: {error}.")
        except sqlite3.DatabaseError as error:
            self.problem(seq, f"The content {digest.hex()} of `{name}` cannot be read: {error}.")

    def read(self, digest: bytes) -> bytes:
        """A content, or nothing where it cannot be read."""
        try:
            return self.reader.blobs.read(digest)
        except (KeyError, ValueError, sqlite3.DatabaseError):
            return b""

    def ending(self, row: RunRow, kept: bytes | None) -> None:
        if row.end is None:
            return
        if self.type != "run.completed":
            self.problem(None, f"The run has ended, but its last event is {self.type or 'missing'}.")
        if self.head is not None and kept != seal(self.head, row.end):
            self.problem(None, "The seal does not fit: the run's last event or its totals were changed.")


def _rows(reader: EventReader, n: int) -> Iterator[Row | DamagedChunkError]:
    """The rows of a run, and in between what cannot be had any more."""
    after: int | None = 0
    while after is not None:
        try:
            yield from reader.rows(n, after)
            after = None
        except DamagedChunkError as error:
            after = error.last
            yield error


def broken(run: str, error: StorageError) -> Verification:
    """What is told of a run whose row cannot be read."""
    return Verification(run, 0, 0, (Problem(None, error.info.why),))


def verify(reader: EventReader, n: int, row: RunRow, events: list[Event] | None = None) -> Verification:
    """Check one run. Damage of the database itself is a problem too, not an error.

    Into `events` go those before the first problem. Raises StorageError for one that is not what an event has to be.
    """
    check = _Check(reader, row)
    try:
        for found in _rows(reader, n):
            if isinstance(found, DamagedChunkError):
                check.lost(found)
            elif (read := check.event(found)) is not None and events is not None and not check.problems:
                events.append(reader.event(check.run, *read))
        check.manifest(None, bytes.fromhex(row.start.manifest))
        (kept,) = reader.database.execute("SELECT seal FROM runs WHERE n = ?", (n,)).fetchone()
        check.ending(row, kept)
    except sqlite3.DatabaseError as error:
        check.problem(check.seq + 1, f"The database is damaged after event {check.seq}: {error}.")
    return Verification(check.run, check.count, len(check.seen), tuple(check.problems))
