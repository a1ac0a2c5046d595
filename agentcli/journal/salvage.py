"""What can still be read of a run whose record is damaged."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from agentcli.core.events import Event
from agentcli.errors import StorageError
from agentcli.journal.reading import EventReader
from agentcli.journal.records import SELECT

_FORWARDS = "SELECT seq FROM events WHERE run = ? ORDER BY seq"
_BACKWARDS = "SELECT seq FROM events WHERE run = ? ORDER BY seq DESC"


def intact_events(reader: EventReader, n: int, run: str) -> Iterator[Event]:
    """The events that can be read, oldest first, whatever is missing between them. Raises nothing."""
    for seq in _seqs(reader.database, n):
        for row in _readable(reader.database, SELECT + "WHERE run = ? AND seq = ?", n, seq):
            with contextlib.suppress(StorageError):
                for part in reader.parts(run, row):
                    with contextlib.suppress(StorageError):
                        yield reader.event_in(run, part)


def _seqs(database: sqlite3.Connection, n: int) -> list[int]:
    """Of the rows that there are: from either end up to where the table is damaged."""
    found = set[int]()
    for query in (_FORWARDS, _BACKWARDS):
        found.update(seq for (seq,) in _readable(database, query, n))
    return sorted(found)


def _readable(database: sqlite3.Connection, query: str, *values: int) -> Iterator[tuple[int, ...]]:
    """The rows that come before the first that cannot be read."""
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from database.execute(query, values)
