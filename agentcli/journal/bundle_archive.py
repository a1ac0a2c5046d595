"""Reading the archive of a bundle that anybody may have made: nothing of it is ever written to a path that it names."""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Final

from agentcli.core.safe_text import safe
from agentcli.errors import StorageError, UsageError, sentence
from agentcli.journal.bundle import CONTENTS, EVENTS, HEADER, MAX_MEMBERS, MAX_UNPACKED
from agentcli.journal.foreign import MAX_CONTENT

MAX_FILE: Final = MAX_UNPACKED
"""The most bytes of the file itself."""

MAX_DIRECTORY: Final = 16 * 1024 * 1024
"""The most bytes of the archive's directory."""

_MEMBER: Final = re.compile(f"{re.escape(HEADER)}|{re.escape(EVENTS)}|{CONTENTS}[0-9a-f]{{64}}")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 1
_END: Final = struct.Struct("<4s4H2LH")
"""The end of an archive's directory: signature, two disk numbers, two counts, size, place, length of the comment."""
_LOCATOR_SIZE: Final = 20

BROKEN: Final = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)
"""What reading an archive may raise: one that is damaged, on a bad disk, or made to do harm."""


def damaged(path: Path, why: str) -> StorageError:
    """The bundle at `path` is not what a bundle is; `why` says where."""
    return StorageError(
        "E-BUNDLE-DAMAGED",
        f"The bundle is damaged, or no bundle: {path}.",
        why=sentence(safe(why)),
        fix="Export the run again where it was recorded, or take what is intact:"
        " `agentcli runs import FILE --salvage`.",
    )


class Archive:
    """The members of one bundle, by name. A context: the file is open until it ends.

    Opening raises UsageError E-USAGE-FILE where the file cannot be read, StorageError E-BUNDLE-DAMAGED.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = opened(path)
        try:
            _check_end(self._file)
            self._zip = zipfile.ZipFile(self._file)
        except BROKEN as error:
            self._file.close()
            raise damaged(path, f"{error}.") from error
        self._members = {info.filename: info for info in self._zip.infolist()}

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._zip.close()
        self._file.close()

    @property
    def members(self) -> list[zipfile.ZipInfo]:
        """What there is, as the archive's directory says."""
        return list(self._members.values())

    @property
    def contents(self) -> list[str]:
        """The digests of the contents that are there, sorted."""
        return sorted(name.removeprefix(CONTENTS) for name in self._members if name.startswith(CONTENTS))

    def check_members(self) -> None:
        """Raises StorageError E-BUNDLE-DAMAGED for a member that no bundle has, or more than there may be."""
        infos = self._zip.infolist()
        for info in infos:
            if fault := _fault(info):
                raise damaged(self.path, f"Its member {info.orig_filename[:100]!r} {fault}.")
        if len(self._members) != len(infos):
            raise damaged(self.path, "Two of its members have the same name.")
        if sum(info.file_size for info in infos) > MAX_UNPACKED:
            raise damaged(self.path, "It would unpack to more than a bundle has.")

    def read(self, name: str, most: int = MAX_CONTENT) -> bytes:
        """One member, whole. Raises StorageError E-BUNDLE-DAMAGED."""
        info = self._members.get(name)
        if info is None:
            raise damaged(self.path, f"`{name}` is missing.")
        if info.file_size > most:
            raise damaged(self.path, f"`{name}` is larger than it may be.")
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except BROKEN as error:
            raise damaged(self.path, f"`{name}` cannot be unpacked: {error}.") from error
        if len(data) != info.file_size:
            raise damaged(self.path, f"`{name}` is cut short.")
        return data


def opened(path: Path) -> BinaryIO:
    """A file that may be a bundle. Raises UsageError E-USAGE-FILE, StorageError E-BUNDLE-DAMAGED if it can be none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE:
        return os.fdopen(fd, "rb")
    os.close(fd)
    raise damaged(path, "It is larger than a bundle." if stat.S_ISREG(status.st_mode) else "It is no regular file.")


def _unreadable(path: Path, error: OSError | ValueError) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else None
    return UsageError(
        "E-USAGE-FILE",
        f"The file cannot be read: {path}.",
        why=sentence(reason or str(error)),
        fix="Check the path.",
    )


def _check_end(file: BinaryIO) -> None:
    """Raises ValueError unless the archive ends as ours do: the directory just before its end, of bounded size.

    Whoever reads the directory takes its size as it is told, and its entries for as many as there are.
    """
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        raise ValueError("it is no zip archive")
    file.seek(size - _END.size)
    signature, disk, first, here, total, length, place, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise ValueError("it is cut short, or no zip archive")
    if disk or first or here != total or total > MAX_MEMBERS or length > MAX_DIRECTORY:
        raise ValueError("its directory is larger than a bundle's")
    if place + length + _END.size != size:
        raise ValueError("its directory is not where it says")
    file.seek(max(size - _END.size - _LOCATOR_SIZE, 0))
    if file.read(4) == b"PK\x06\x07":
        raise ValueError("it is an archive with extensions that no bundle needs")


def _fault(info: zipfile.ZipInfo) -> str | None:
    is_file = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
    fault = fault_of(info.orig_filename, info.compress_type, info.flag_bits, info.file_size)
    return fault if fault or is_file else "is no file"


def fault_of(name: str, method: int, flags: int, size: int) -> str | None:
    """Why no bundle has a member that is described so; None if one may."""
    if _MEMBER.fullmatch(name) is None:
        return "is none that a bundle has"
    if method not in _METHODS or flags & _ENCRYPTED:
        return "is packed in a way that no bundle uses"
    if size > MAX_CONTENT:
        return "is larger than a content may be"
    return None
