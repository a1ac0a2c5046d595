"""What is left of the archive of a damaged bundle: where its members stand, and as much of each as can be unpacked.

An archive that was cut short has lost its directory, which stands at its end. Each member also has a header of its own
right before it, and ours say there how long the member is, so that the next one is found. Nothing of it is believed
here either, and nothing is written to a path that it names.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.bundle import MAX_MEMBERS, MAX_UNPACKED
from agentcli.journal.bundle_archive import Archive, fault_of, opened
from agentcli.journal.foreign import MAX_CONTENT

_LOCAL: Final = struct.Struct("<4s5H3L2H")
"""Before each member: signature, version, flags, method, time, date, CRC, packed and whole size, two lengths."""
_SIGNATURE: Final = b"PK\x03\x04"
_FLAGS: Final = 0x0800
"""A name in UTF-8. With any other flag the sizes stand elsewhere, or the member is encrypted."""
_PIECE: Final = 64 * 1024


@value(frozen=True, slots=True)
class Member:
    """Where the packed bytes of a member begin, how many they are, of how many, and how they are packed."""

    at: int
    packed: int
    size: int
    method: int


class Remains:
    """The members of what may be a bundle, by name. A context: the file is open until it ends.

    By the archive's directory if that is sound, else by what stands before each member, up to where that ends. Opening
    raises UsageError E-USAGE-FILE; StorageError E-BUNDLE-DAMAGED for what cannot be a bundle, ValueError for an archive
    that was never one.
    """

    def __init__(self, path: Path) -> None:
        self._file = opened(path)
        try:
            directory = _directory(path)
            self._members = _located(self._file, directory) if directory is not None else _scanned(self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Remains:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def read(self, name: str, most: int = MAX_CONTENT, *, thorough: bool = False) -> bytes | None:
        """A member, or a part of one that is damaged: which of the two, its hash says.

        The part is all that comes before the damage only where it is looked for thoroughly, which takes longer. None
        where the member is not there, or larger than it may be.
        """
        member = self._members.get(name)
        if member is None or member.size > most:
            return None
        self._file.seek(member.at)
        if member.method == zipfile.ZIP_STORED:
            return self._file.read(min(member.packed, member.size))
        return self._inflated(member, thorough)

    def _inflated(self, member: Member, thorough: bool) -> bytes:
        inflating, out, left = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), member.packed
        while (room := member.size - len(out)) > 0 and (piece := self._file.read(min(left, _PIECE))):
            left -= len(piece)
            before = inflating.copy()
            try:
                out += inflating.decompress(piece, room)
            except zlib.error:
                return bytes(out + (_until_it_fails(before, piece, room) if thorough else b""))
        return bytes(out)


def _until_it_fails(inflating: zlib._Decompress, piece: bytes, room: int) -> bytes:
    """What comes before the place in a piece that cannot be unpacked."""
    out, rest = bytearray(), iter(piece)
    with suppress(zlib.error, StopIteration):
        while True:
            out += inflating.decompress(bytes((next(rest),)), max(room - len(out), 1))  # 0 would be no bound
    return bytes(out[:room])


def _directory(path: Path) -> list[zipfile.ZipInfo] | None:
    """The archive's directory, if it is one of a bundle."""
    try:
        with Archive(path) as archive:
            archive.check_members()
            return archive.members
    except StorageError:
        return None


def _located(file: BinaryIO, directory: list[zipfile.ZipInfo]) -> dict[str, Member]:
    """What the directory names. The header before a member says where that begins, and is not asked for more."""
    found = {}
    for info in directory:
        file.seek(info.header_offset)
        *_, name, extra = _LOCAL.unpack(file.read(_LOCAL.size).ljust(_LOCAL.size))
        at = info.header_offset + _LOCAL.size + name + extra
        found[info.filename] = Member(at, info.compress_size, info.file_size, info.compress_type)
    return found


def _scanned(file: BinaryIO) -> dict[str, Member]:
    """What stands one after the other from the beginning of the file. Raises ValueError for what no bundle has."""
    found: dict[str, Member] = {}
    at, size = 0, 0
    while (next_one := _member_at(file, at)) is not None:
        name, member = next_one
        if name in found:
            raise ValueError("two of its members have the same name")
        found[name] = member
        at, size = member.at + member.packed, size + member.size
        if len(found) > MAX_MEMBERS or size > MAX_UNPACKED:
            raise ValueError("it would unpack to more than a bundle has")
    return found


def _member_at(file: BinaryIO, at: int) -> tuple[str, Member] | None:
    """The member whose header begins here; None where there is no whole header. Raises as `_scanned` does."""
    file.seek(at)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(_SIGNATURE):
        return None
    _, _, flags, method, _, _, _, packed, size, length, extra = _LOCAL.unpack(head)
    named = file.read(length)
    if len(named) < length:
        return None
    name = named.decode("ascii", "replace")
    fault = fault_of(name, method, flags, size)
    if fault is None and flags & ~_FLAGS:
        fault = "is packed in a way that no bundle uses"
    if fault is not None:
        raise ValueError(f"its member {name[:100]!r} {fault}")
    return name, Member(at + _LOCAL.size + length + extra, packed, size, method)
