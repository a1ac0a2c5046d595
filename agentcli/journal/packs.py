"""Contents that are kept together: one behind the other and deflated as one, each still with a row of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from agentcli.core.values import value
from agentcli.journal.blobs import INSERT_BLOB, BlobReader
from agentcli.journal.packing import Coding, deflate, to_base_128

PACK_BYTES: Final = 131_072
"""Bytes of contents in one pack, about: so many are unpacked to read one of them."""

_TAKE: Final = "DELETE FROM blobs WHERE n = ? AND digest = ? AND coding = ?"
_PUT: Final = "INSERT INTO blobs (n, digest, size, coding, base, data) VALUES (?, ?, ?, ?, ?, ?)"

_INLINE: Final = (Coding.RAW, Coding.DEFLATE, Coding.DEFLATE_DICTIONARY_1, Coding.DEFLATE_BASE)


@value(frozen=True, slots=True)
class Member:
    """A content in a pack: its row, how it was kept until now, its bytes, and where in the pack they begin."""

    n: int
    digest: bytes
    coding: int
    size: int
    at: int


@dataclass(slots=True)
class Pack:
    """A pack on its way into the database."""

    data: bytearray = field(default_factory=bytearray)
    members: list[Member] = field(default_factory=list)
    _packed: bytes = b""

    def close(self) -> Pack:
        """Deflate it: nothing more is added."""
        self._packed = deflate(bytes(self.data))
        return self

    def write(self, database: sqlite3.Connection) -> None:
        """Insert the pack, and point its members to it; one that is not what it was any more keeps what it has."""
        digest = sha256(self.data).digest()
        row = (digest, len(self.data), Coding.PACK, None, self._packed)
        pack = database.execute(INSERT_BLOB, row).lastrowid
        # Rows that only shrink leave their pages half empty: all of them go, and then they come back.
        there = [one for one in self.members if database.execute(_TAKE, (one.n, one.digest, one.coding)).rowcount]
        rows = [(one.n, one.digest, one.size, Coding.MEMBER, pack, to_base_128(one.at)) for one in there]
        database.executemany(_PUT, rows)
        if not there:
            database.execute("DELETE FROM blobs WHERE n = ?", (pack,))


def packs_of(digests: Iterable[bytes], blobs: BlobReader, codings: Iterable[int] = _INLINE) -> Iterator[Pack]:
    """Packs for those of these contents, in this order, whose coding is one of these, and which can be read.

    Raises sqlite3.Error.
    """
    codings, pack = frozenset(codings), Pack()
    for digest in dict.fromkeys(digests):
        place = blobs.place(digest)
        if place is None or place[1] not in codings:
            continue
        try:
            data = blobs.read(digest)
        except (KeyError, ValueError):
            continue  # damaged: it stays as it is, and is told by who verifies
        n, coding = place
        pack.members.append(Member(n, digest, coding, len(data), len(pack.data)))
        pack.data += data
        if len(pack.data) >= PACK_BYTES:
            yield pack.close()
            pack = Pack()
    if pack.members:
        yield pack.close()
