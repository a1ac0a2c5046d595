"""Checking a run's record: the hash chain, the seal, and every content it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from agentcli.core.canonical import decode
from agentcli.core.runs import RunRow
from agentcli.errors import StorageError
from agentcli.journal.chunks import DamagedChunkError
from agentcli.journal.named import history_of
from agentcli.journal.reading import EventReader
from agentcli.journal.records import MARK, Line, Row, digests_of, fields_of, line_in, origin, seal


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written: at an event, or at the run as a whole (seq None)."""

    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
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


_PLANNED = ("run.started", "run.resumed", "run.forked")


class _Check:
    def __init__(self, reader: EventReader, row: RunRow) -> None:
        self.reader = reader
        self.run = row.start.id
        self.head: bytes | None = origin(row.start)
        self.seq = 0
        self.count = 0
        self.seen: set[bytes] = set()
        self.type = ""

    def event(self, row: Row) -> Iterator[Problem]:
        seq = row[1]
        if seq != self.seq + 1:
            self.head = None
            yield Problem(seq, f"Events {self.seq + 1} to {seq - 1} are missing.")
        self.seq, self.count, self.type = seq, self.count + 1, row[2]
        try:
            line = line_in(row)
            yield from self.link(seq, line, row[16])
            yield from self.contents(seq, line)
        except (ValueError, TypeError, KeyError) as error:
            self.head = None
            yield Problem(seq, f"The event cannot be read: {error}.")

    def link(self, seq: int, line: Line, mark: bytes) -> Iterator[Problem]:
        """Behind the first event that is not as it was, the chain says nothing any more."""
        if self.head is None:
            return
        self.head = line.hash(self.run, self.head)
        if self.head[:MARK] != mark:
            self.head = None
            place = "event 1, or the run's start," if seq == 1 else f"event {seq}"
            yield Problem(seq, f"The chain breaks: {place} is not what was written.")

    def lost(self, error: DamagedChunkError) -> Problem:
        self.head, self.seq = None, error.last
        return Problem(error.first, f"Events {error.first} to {error.last} cannot be read: {error}.")

    def contents(self, seq: int, line: Line) -> Iterator[Problem]:
        mentioned, kept = digests_of(line)
        for name, digest in kept.items():
            yield from self.content(seq, name, digest)
        if line.envelope[1] == "model.started":
            for digest in mentioned:
                yield from self.content(seq, "request", digest)
        if line.envelope[1] == "tool.completed":
            for digest in _snapshots(line):
                yield from self.content(seq, "files", digest)
        if line.envelope[1] in _PLANNED:
            yield from self.manifest(seq, bytes.fromhex(fields_of(line)["manifest"]))

    def manifest(self, seq: int | None, digest: bytes) -> Iterator[Problem]:
        """A plan, and the messages of the conversation that it goes on with."""
        if digest in self.seen:
            return
        yield from self.content(seq, "manifest", digest)
        for message in _history(self.read(digest)):
            yield from self.content(seq, "history", message)

    def content(self, seq: int | None, name: str, digest: bytes) -> Iterator[Problem]:
        if digest in self.seen:
            return
        self.seen.add(digest)
        try:
            self.reader.blobs.read(digest)
        except KeyError:
            yield Problem(seq, f"The content {digest.hex()} of `{name}` is missing.")
        except ValueError as error:
            yield Problem(seq, f"`{name}`: {error}.")

    def read(self, digest: bytes) -> bytes:
        """A content, or nothing where it cannot be read."""
        try:
            return self.reader.blobs.read(digest)
        except (KeyError, ValueError):
            return b""

    def start(self, row: RunRow) -> Iterator[Problem]:
        yield from self.manifest(None, bytes.fromhex(row.start.manifest))

    def ending(self, row: RunRow, kept: bytes | None) -> Iterator[Problem]:
        if row.end is None:
            return
        if self.type != "run.completed":
            yield Problem(None, f"The run has ended, but its last event is {self.type or 'missing'}.")
        if self.head is not None and kept != seal(self.head, row.end):
            yield Problem(None, "The seal does not fit: the run's last event or its totals were changed.")


def _snapshots(line: Line) -> Iterator[bytes]:
    for touch in fields_of(line)["files"]:
        if touch["changed"] and not touch["masked"]:
            yield from (bytes.fromhex(touch[side]) for side in ("before", "after") if touch[side] is not None)


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


def _history(manifest: bytes) -> Iterator[bytes]:
    try:
        yield from map(bytes.fromhex, history_of(decode(manifest)))
    except ValueError:
        return  # its digest is right: it is what was written, if no plan


def broken(run: str, error: StorageError) -> Verification:
    """What is told of a run whose row cannot be read."""
    return Verification(run, 0, 0, (Problem(None, error.info.why),))


def verify(reader: EventReader, n: int, row: RunRow) -> Verification:
    """Check one run. Damage of the database itself is a problem too, not an error."""
    check = _Check(reader, row)
    problems: list[Problem] = []
    try:
        for found in _rows(reader, n):
            problems.extend([check.lost(found)] if isinstance(found, DamagedChunkError) else check.event(found))
        problems.extend(check.start(row))
        (kept,) = reader.database.execute("SELECT seal FROM runs WHERE n = ?", (n,)).fetchone()
        problems.extend(check.ending(row, kept))
    except sqlite3.DatabaseError as error:
        problems.append(Problem(check.seq + 1, f"The database is damaged after event {check.seq}: {error}."))
    return Verification(check.run, check.count, len(check.seen), tuple(problems))
