"""Making an ended run small: many rows become few, and its contents lie in packs.

Only the way in which it is kept changes: every event, hash and content reads as before. What cannot be read is left as
it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agentcli.journal.blobs import BlobReader
from agentcli.journal.chunks import CHUNK_EVENTS, pack_rows
from agentcli.journal.operations import Chain
from agentcli.journal.packs import Pack, packs_of
from agentcli.journal.records import INSERT, SELECT, Row, split_digests

LEAST_EVENTS: Final = 32
"""Fewer are not worth the work."""

SLICE_EVENTS: Final = 8 * CHUNK_EVENTS
"""Events that are rewritten in one transaction: other processes wait as long."""

MOST_PAGES: Final = 1_000
"""Free pages that one transaction cuts off at most: who prunes leaves more of them at once than one run does."""

_READ = SELECT + "WHERE run = ? AND seq BETWEEN ? AND ? AND type != '+' ORDER BY seq"
_COUNT = "SELECT count(*) FROM events WHERE run = ? AND seq BETWEEN ? AND ? AND type != '+'"
_DELETE = "DELETE FROM events WHERE run = ? AND seq BETWEEN ? AND ?"


@dataclass(slots=True)
class Compact:
    """Rewrite the events `first` to `last` of a run, and the contents that they name."""

    chain: Chain
    first: int
    last: int
    size: int = 64
    _chunks: list[Row] = field(default_factory=list)
    _packs: list[Pack] = field(default_factory=list)

    def prepare(self, blobs: BlobReader) -> None:
        """Read what there is, and deflate it."""
        rows = blobs.database.execute(_READ, (self.chain.n, self.first, self.last)).fetchall()
        if len(rows) < LEAST_EVENTS:
            return
        groups = [rows[at : at + CHUNK_EVENTS] for at in range(0, len(rows), CHUNK_EVENTS)]
        try:
            self._chunks = [pack_rows(group) for group in groups]
        except (ValueError, TypeError):
            return
        self._packs = list(packs_of(_named(rows), blobs))

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Put what is small in the place of what is large, if the run is still there."""
        here = "SELECT 1 FROM runs WHERE n = ? AND id = ?"
        if not self._chunks or database.execute(here, (self.chain.n, self.chain.run)).fetchone() is None:
            return
        for chunk in self._chunks:
            run, last, count = chunk[0], chunk[1], chunk[11]
            place = (run, last - count + 1, last)
            # Another process may have gone on with the run, ended it, and done this in a way of its own.
            if database.execute(_COUNT, place).fetchone() != (count,):
                continue
            database.execute(_DELETE, place)
            database.execute(INSERT, chunk)
        for pack in self._packs:
            pack.write(database)
        give_back(database)


def give_back(database: sqlite3.Connection) -> None:
    """Cut free pages off the file, as many as others can wait for: what stands behind them moves into them."""
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free, MOST_PAGES)):
        cut_page(database)


def cut_page(database: sqlite3.Connection) -> None:
    """Cut one free page off the file."""
    # Python steps this statement once, whatever number it is given.
    database.execute("PRAGMA incremental_vacuum(1)")


def compactions(run: str, n: int, last: int) -> Iterator[Compact]:
    """What makes a run with so many events small; nothing for a short one."""
    if last >= LEAST_EVENTS:
        for first in range(1, last + 1, SLICE_EVENTS):
            yield Compact(Chain(run, b"", n), first, min(last, first + SLICE_EVENTS - 1))


def _named(rows: Sequence[Row]) -> Iterator[bytes]:
    for row in rows:
        yield from split_digests(row[15])
