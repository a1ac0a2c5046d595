"""Contents that are kept together: one behind the other and deflated as one, each still with a row of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from agentcli.journal.blobs import INSERT_BLOB, BlobReader
from agentcli.journal.packing import Coding, deflate, to_base_128

PACK_BYTES: Final = 131_072
"""Bytes of contents in one pack, about: so many are unpacked to read one of them."""

_INLINE: Final = (Coding.RAW, Coding.DEFLATE, Coding.DEFLATE_DICTIONARY_1, Coding.DEFLATE_BASE)


@dataclass(slots=True)
class Pack:
    """A pack on its way into the database: its bytes, and for each member its row, its coding until now, its place."""

    digest: bytes
    size: int
    data: bytes
    members: list[tuple[int, int, int]]

    def write(self, database: sqlite3.Connection) -> None:
        """Insert the pack, and point its members to it; one that is not what it was any more keeps what it has."""
        pack = database.execute(INSERT_BLOB, (self.digest, self.size, Coding.PACK, None, self.data)).lastrowid
        # Rows that only shrink leave their pages half empty: all of them go, and then they come back.
        gone = "DELETE FROM blobs WHERE n = ? AND coding = ? RETURNING n, digest, size"
        rows = [row for member in self.members for row in database.execute(gone, member[:2]).fetchall() or [None]]
        database.executemany(
            "INSERT INTO blobs (n, digest, size, coding, base, data) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (*row, Coding.MEMBER, pack, to_base_128(at))
                for row, (_, _, at) in zip(rows, self.members, strict=True)
                if row is not None
            ],
        )


@dataclass(slots=True)
class _Open:
    data: bytearray = field(default_factory=bytearray)
    members: list[tuple[int, int, int]] = field(default_factory=list)

    def closed(self) -> Pack:
        data = bytes(self.data)
        return Pack(sha256(data).digest(), len(data), deflate(data), self.members)


def packs_of(digests: Iterable[bytes], blobs: BlobReader, codings: Iterable[int] = _INLINE) -> Iterator[Pack]:
    """Packs for those of these contents, in this order, whose coding is one of these, and which can be read.

    Raises sqlite3.Error.
    """
    codings, pack = frozenset(codings), _Open()
    for digest in dict.fromkeys(digests):
        place = blobs.place(digest)
        if place is None or place[1] not in codings:
            continue
        try:
            data = blobs.read(digest)
        except (KeyError, ValueError):
            continue  # damaged: it stays as it is, and is told by who verifies
        pack.members.append((*place, len(pack.data)))
        pack.data += data
        if len(pack.data) >= PACK_BYTES:
            yield pack.closed()
            pack = _Open()
    if pack.members:
        yield pack.closed()
