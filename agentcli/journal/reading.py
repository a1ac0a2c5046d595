"""Reading a journal: never creates, locks or changes anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any

from agentcli.core.canonical import Digest, decode
from agentcli.core.events import Event, ModelStarted
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunStart
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import BlobReader
from agentcli.journal.chunks import CHUNK, DamagedChunkError, unpack_rows
from agentcli.journal.faults import broken, damaged, storage_error
from agentcli.journal.records import MARK, SELECT, Line, Parts, Row, event_of, line_in, origin, parts_of

_PAGE = 500
"""Events fetched at a time: no read transaction stays open between pages, so that the log can be checkpointed."""

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading an event raises where its row is not one that was written here."""


@value(frozen=True, slots=True)
class Totals:
    """What a run has used up to its last event. `cost_usd` is None where a price was not known."""

    turns: int
    usage: Usage
    cost_usd: float | None
    duration_s: float
    events: int


@value(frozen=True, slots=True)
class Outline:
    """An event without the contents that it names: what very many events are counted by.

    `fields` unpacks the event's own small fields, None for one that is kept by content. It raises StorageError
    where the event is damaged.
    """

    seq: int
    type: str
    time: float
    lane: str
    fields: Callable[[], dict[str, Any]]


class EventReader:
    """Events and contents of the runs of one database."""

    def __init__(self, database: sqlite3.Connection, files: BlobFiles, path: Path) -> None:
        self.path = path
        self.database = database
        self.blobs = BlobReader(database, files)
        self._chunk: tuple[Row | None, list[Row]] = None, []

    def rows(self, n: int, after: int = 0) -> Iterator[Row]:
        """The rows of a run's events, oldest first. Raises sqlite3.Error, DamagedChunkError."""
        query = SELECT + "WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        while page := self.database.execute(query, (n, after, _PAGE)).fetchall():
            for row in page:
                yield from _later(unpack_rows(row), after) if row[2] == CHUNK else (row,)
            after = page[-1][1]

    def tip(self, n: int, start: RunStart) -> tuple[int, bytes]:
        """The seq and hash of a run's last event. Raises StorageError where the chain is not whole."""
        seq, head = 0, origin(start)
        try:
            for row in self.rows(n):
                seq, head = seq + 1, line_in(row).hash(start.id, head)
                if row[1] != seq or row[16] != head[:MARK]:
                    raise broken(start.id, row[1], f"Event {row[1]} is not what was written.")
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
        except _UNREADABLE as error:
            raise broken(start.id, seq, f"An event cannot be read: {error}.") from error
        return seq, head

    def events(self, n: int, run: str, after: int) -> Iterator[Event]:
        """The events of a run after a seq. Raises StorageError where one is damaged; those before it were given."""
        try:
            for row in self.rows(n, after):
                yield self.event_in(run, row)
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
        except DamagedChunkError as error:
            raise self._lost(run, error) from error

    def outlines(self, run: str, types: tuple[str, ...], after: int) -> Iterator[Outline]:
        """The events of these types after a seq, oldest first; none of a run that is not there. Raises StorageError."""
        query = SELECT + "WHERE run = ? AND seq > ? AND instr(?, ' ' || type || ' ') ORDER BY seq LIMIT ?"
        wanted, more = f" {' '.join((*types, CHUNK))} ", True
        while more:
            try:
                n = self.database.execute("SELECT n FROM runs WHERE id = ?", (run,)).fetchone() or (None,)
                page = self.database.execute(query, (*n, after, wanted, _PAGE)).fetchall()
            except sqlite3.Error as error:
                raise storage_error(error, self.path) from error
            for row in page:
                for part in self.parts(run, row):
                    if part[1] > after and part[2] in types:
                        yield Outline(part[1], part[2], part[3], part[5], partial(self._fields, run, part))
                after = row[1]
            more = len(page) == _PAGE

    def parts(self, run: str, row: Row) -> Iterator[Row]:
        """The events of a row. Raises StorageError."""
        if row[2] != CHUNK:
            yield row
            return
        try:
            yield from unpack_rows(row)
        except DamagedChunkError as error:
            raise self._lost(run, error) from error

    def _lost(self, run: str, error: DamagedChunkError) -> StorageError:
        return damaged(self.path, f"Events {error.first} to {error.last} of run {run} cannot be read: {error}.")

    def blob(self, digest: bytes) -> bytes:
        """A content. Raises StorageError E-BLOB-MISSING, E-JOURNAL-DAMAGED."""
        try:
            return self.blobs.read(digest)
        except KeyError as error:
            raise _missing(digest) from error
        except ValueError as error:
            raise damaged(self.path, f"{error}.") from error
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error

    def conversation(self, n: int, run: str, seq: int) -> list[Message]:
        """The messages of the request that went out at `seq`. Raises StorageError."""
        deltas: list[RequestDelta] = []
        at: int | None = seq
        while at is not None:
            deltas.append(self._delta(n, run, at))
            # A request grows from an earlier one; anything else would never end.
            if (earlier := deltas[-1].previous) is not None and earlier >= at:
                raise damaged(self.path, f"Event {at} of run {run} names a request that is not before it.")
            at = earlier
        digests: list[Digest] = []
        for delta in reversed(deltas):
            digests[delta.kept :] = delta.added
        return [Message.from_json(decode(self.blob(bytes.fromhex(digest)))) for digest in digests]

    def totals(self, n: int, run: str) -> Totals:
        """What the events of a run add up to. Raises StorageError."""
        turns, usage, cost, first, last, count = 0, Usage(), 0.0, None, 0.0, 0
        known = True
        for row in self.rows(n):
            count, last = count + 1, row[3]
            first = last if first is None else first
            turns += row[2] == "turn.started"
            if row[2] == "model.completed":
                fields = self._fields(run, row)
                usage += Usage.from_json(fields["usage"])
                known = known and fields["cost_usd"] is not None
                cost += fields["cost_usd"] or 0.0
        duration = 0.0 if first is None else max(0.0, last - first)
        return Totals(turns, usage, cost if known else None, duration, count)

    def _delta(self, n: int, run: str, seq: int) -> RequestDelta:
        row = self._row(n, run, seq)
        body = self.event_in(run, row).body if row else None
        if not isinstance(body, ModelStarted):
            raise damaged(self.path, f"Event {seq} of run {run} is no request to a model.")
        return body.request

    def _row(self, n: int, run: str, seq: int) -> Row | None:
        query = SELECT + "WHERE run = ? AND seq >= ? ORDER BY seq LIMIT 1"
        row: Row | None = self.database.execute(query, (n, seq)).fetchone()
        if row is None or row[2] != CHUNK:
            return row if row and row[1] == seq else None
        if row != self._chunk[0]:  # who asks for one event of it asks for others
            self._chunk = row, list(self.parts(run, row))
        return next((part for part in self._chunk[1] if part[1] == seq), None)

    def event(self, run: str, line: Line, parts: Parts) -> Event:
        """The event of a line. Raises StorageError."""
        try:
            return event_of(run, line, parts, self.blob)
        except _UNREADABLE as error:
            raise self._unreadable(run, line.envelope[0], error) from error

    def event_in(self, run: str, row: Row) -> Event:
        """The event of a row of one. Raises StorageError."""
        try:
            line = line_in(row)
            parts = parts_of(line)
        except _UNREADABLE as error:
            raise self._unreadable(run, row[1], error) from error
        return self.event(run, line, parts)

    def _unreadable(self, run: str, seq: int, error: Exception) -> StorageError:
        return damaged(self.path, f"Event {seq} of run {run} cannot be read: {error}.")

    def _fields(self, run: str, row: Row) -> dict[str, Any]:
        try:
            return parts_of(line_in(row)).fields
        except _UNREADABLE as error:
            raise self._unreadable(run, row[1], error) from error


def _later(rows: Iterator[Row], after: int) -> Iterator[Row]:
    return dropwhile(lambda row: row[1] <= after, rows)


def _missing(digest: bytes) -> StorageError:
    return StorageError(
        "E-BLOB-MISSING",
        f"The journal does not hold the content {digest.hex()}.",
        why="It was never put, or pruned.",
        fix="Check the journal with `agentcli runs verify`.",
    )
