"""Contents by their SHA-256: small ones in a table, those over 64 KB as files."""

from __future__ import annotations

import sqlite3
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256

from agentcli.journal.blob_files import FILES, BlobFiles, Packed
from agentcli.journal.packing import WINDOW, Coding, deflate, inflate_part, pack, unpack

INLINE_LIMIT = 65_536
"""Contents of more bytes become files."""

_BASE_MINIMUM = 64
KNOWN_BYTES = 4_194_304
"""Contents that a reader remembers, about: one that names a content reads it to check it, and again to use it."""

# Asked for as the index is built: by the first 8 bytes of the digest.
_FIND = "SELECT n, base FROM blobs WHERE substr(digest, 1, 8) = substr(:digest, 1, 8) AND digest = :digest"
_READ = "SELECT size, coding, data, base, n FROM blobs WHERE substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1"
_NEXT = "SELECT digest, size, coding, data, base FROM blobs WHERE n > ? AND n <= ? AND coding = ?"
_AHEAD = 128
"""So many rows behind one that was read are looked at for members of packs: theirs are a few bytes each."""
INSERT_BLOB = "INSERT INTO blobs (digest, size, coding, base, data) VALUES (?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Recent:
    """The last contents of a run that others may be compressed against."""

    kept: deque[tuple[bytes, bytes]] = field(default_factory=lambda: deque(maxlen=8))

    def related(self, data: bytes) -> tuple[bytes, bytes] | None:
        """One that holds `data`, or is held by it, but for what encloses it: a tool's result and its message, say."""
        for digest, other in reversed(self.kept):
            if other[1:-1] in data or data[1:-1] in other:
                return digest, other
        return None

    def add(self, packed: Packed, data: bytes) -> None:
        """Remember a content, unless it needs another one itself or is of no use to others."""
        if packed.base is None and _BASE_MINIMUM <= len(data) <= WINDOW:
            self.kept.append((packed.digest, data))


@dataclass(slots=True)
class Content:
    """Bytes on their way into the journal. `packed` is None where the journal seems to have them already."""

    data: bytes
    digest: bytes
    packed: Packed | None = None


def prepare(data: bytes, digest: bytes, blobs: BlobReader, recent: Recent) -> Content:
    """Compress a content; write it, if it is to be a file. Changes nothing in the database. Raises OSError."""
    content = Content(data, digest)
    if not blobs.holds(digest):
        content.packed = _pack(content, blobs.files, recent)
    return content


def keep(content: Content, database: sqlite3.Connection, files: BlobFiles) -> None:
    """Add the content inside the transaction that needs it, unless it is there already. Raises OSError."""
    if database.execute(_FIND, {"digest": content.digest}).fetchone():
        return
    packed, base = content.packed, None
    if packed is not None and packed.base is not None:
        base = _base_row(packed.base, database)
        packed = packed if base is not None else None
    if packed is None or not files.has(packed):
        packed = _pack(content, files, Recent())
    database.execute(INSERT_BLOB, (packed.digest, packed.size, packed.coding, base, packed.data))


def _base_row(digest: bytes, database: sqlite3.Connection) -> int | None:
    """The row of a content to compress against; None where it is gone, or leans on another one itself."""
    row = database.execute(_FIND, {"digest": digest}).fetchone()
    return row[0] if row and row[1] is None else None


def _pack(content: Content, files: BlobFiles, recent: Recent) -> Packed:
    data, digest = content.data, content.digest
    if len(data) > INLINE_LIMIT:
        return files.write(data, digest)
    packed = _against(recent, data, digest) or Packed(digest, len(data), *pack(data))
    recent.add(packed, data)
    return packed


def _against(recent: Recent, data: bytes, digest: bytes) -> Packed | None:
    found = recent.related(data) if len(data) >= _BASE_MINIMUM else None
    if found is None:
        return None
    return Packed(digest, len(data), Coding.DEFLATE_BASE, deflate(data, found[1]), found[0])


_Place = tuple[int, int, bytes | None, int | None]
"""How a content is kept: its size and coding, its data, and the row that these lean on."""


class BlobReader:
    """Reads contents, and checks them against their digests."""

    def __init__(self, database: sqlite3.Connection, files: BlobFiles) -> None:
        self.database = database
        self.files = files
        self._pack: tuple[int, bytes] | None = None
        """The pack that was read last: who reads one content of a run reads others of it."""
        self._next: dict[bytes, _Place] = {}
        """Where the contents lie that were put next: who reads two of a pack reads those behind them."""
        self._known: dict[bytes, bytes] = {}
        """What was read not long ago, by its digest."""
        self._room = KNOWN_BYTES

    def holds(self, digest: bytes) -> bool:
        """Whether there is a row for it."""
        return self.database.execute(_FIND, {"digest": digest}).fetchone() is not None

    def place(self, digest: bytes) -> tuple[int, int] | None:
        """The row of a content, and its coding; None where there is none."""
        query = "SELECT n, coding FROM blobs WHERE substr(digest, 1, 8) = substr(:digest, 1, 8) AND digest = :digest"
        found: tuple[int, int] | None = self.database.execute(query, {"digest": digest}).fetchone()
        return found

    def read(self, digest: bytes) -> bytes:
        """The content. Raises KeyError where the journal has none of that digest, ValueError where it is damaged."""
        known = self._known.get(digest)
        if known is not None:
            return known
        try:
            data = self._held(digest)
        except ValueError:
            # Another process may have put it elsewhere meanwhile, or another pack in the place of the one known here.
            self._pack, self._next = None, {}
            data = self._held(digest)
        self._remember(digest, data)
        return data

    def _held(self, digest: bytes) -> bytes:
        data = self._content(self._next.get(digest) or self._place(digest), digest)
        if sha256(data).digest() != digest:
            raise ValueError(f"content {digest.hex()} is not what its digest says")
        return data

    def forget(self) -> None:
        """Forget what was read: some of it may not be there any more."""
        self._known.clear()
        self._pack, self._next = None, {}

    def _place(self, digest: bytes) -> _Place:
        row = self.database.execute(_READ, (digest,)).fetchone()
        if row is None:
            raise KeyError(digest.hex())
        *place, n = row
        if self._pack is not None and self._pack[0] == place[3]:
            following = self.database.execute(_NEXT, (n, n + _AHEAD, Coding.MEMBER))
            self._next = {other: tuple(there) for other, *there in following}
        return tuple(place)

    def _remember(self, digest: bytes, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            self._known.clear()
            self._room = KNOWN_BYTES
        elif len(data) <= INLINE_LIMIT:
            self._known[digest] = data

    def _content(self, place: _Place, digest: bytes) -> bytes:
        size, coding, data, base = place[0], Coding(place[1]), place[2], place[3]
        if coding in FILES:
            try:
                data = self.files.read(digest, coding)
            except OSError as error:
                raise ValueError(f"the file of content {digest.hex()} cannot be read: {error.strerror}") from error
        if data is None:
            raise ValueError(f"content {digest.hex()} has no data")
        try:
            return unpack(coding, data, size, b"" if base is None else self._base(base, coding))
        except ValueError as error:
            raise ValueError(f"content {digest.hex()} is damaged: {error}") from error

    def _base(self, n: int, coding: Coding) -> bytes:
        """What a content leans on: a pack, or another content, which leans on a pack at most."""
        if coding is Coding.MEMBER:
            return self._packed(n)
        row = self.database.execute("SELECT size, coding, data, base FROM blobs WHERE n = ?", (n,)).fetchone()
        if row is None or row[2] is None or (row[3] is not None and row[1] != Coding.MEMBER):
            raise ValueError("what it was compressed against is gone")
        return unpack(Coding(row[1]), row[2], row[0], b"" if row[3] is None else self._packed(row[3]))

    def _packed(self, n: int) -> bytes:
        if self._pack is None or self._pack[0] != n:
            row = self.database.execute("SELECT size, coding, data FROM blobs WHERE n = ?", (n,)).fetchone()
            if row is None or row[1] != Coding.PACK or row[2] is None:
                raise ValueError("the pack that it is in is gone")
            # A member that is whole can be read, whatever became of those behind it.
            self._pack = n, inflate_part(row[2], row[0])
        return self._pack[1]
