"""Large contents as files, below one folder of the journal."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from agentcli.core.values import value
from agentcli.journal.foreign import read_file
from agentcli.journal.packing import Coding, deflate

FILES: Final = (Coding.FILE_RAW, Coding.FILE_DEFLATE)


@value(frozen=True, slots=True)
class Packed:
    """A content ready for its row. `base` is the digest of the content it was compressed against."""

    digest: bytes
    size: int
    coding: Coding
    data: bytes | None
    base: bytes | None = None


class BlobFiles:
    """Large contents, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: bytes, coding: Coding) -> Path:
        """Where a content lies. What is compressed has an ending of its own: either file is whole by itself."""
        name = digest.hex()
        return self.folder / name[:2] / (name[2:] + (".z" if coding is Coding.FILE_DEFLATE else ""))

    def write(self, data: bytes, digest: bytes) -> Packed:
        """Put the content on disk for good, under its name only when it is whole. Raises OSError."""
        small = deflate(data)
        # Under a tenth saved is not worth the time of every reader.
        coding, kept = (Coding.FILE_DEFLATE, small) if len(small) < len(data) * 0.9 else (Coding.FILE_RAW, data)
        path = self.path(digest, coding)
        if not path.exists():
            # `parents=True` would give the outer folder the usual mode.
            for folder in (self.folder, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            _write_whole(path, kept)
        return Packed(digest, len(data), coding, None)

    def has(self, packed: Packed) -> bool:
        """Whether the file is there, for a content that needs one: who prunes removes files that no row names yet."""
        return packed.coding not in FILES or self.path(packed.digest, packed.coding).exists()

    def size(self, digest: bytes, coding: Coding) -> int:
        """What the file takes; nothing where there is none. Raises OSError."""
        try:
            return self.path(digest, coding).lstat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, folder: str, *names: str) -> None:
        """Remove files of one of the folders, through no link; those that are not there are gone. Raises OSError."""
        try:
            at = os.open(self.folder / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            for name in names:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=at)
        finally:
            os.close(at)

    def read(self, digest: bytes, coding: Coding) -> bytes:
        """What lies in the file. Raises OSError, ValueError."""
        return read_file(self.path(digest, coding))


def _write_whole(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name[:16]}.{os.urandom(8).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    _sync_folder(path.parent.parent)


def _sync_folder(path: Path) -> None:
    """Make a new name in the folder safe from a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def bytes_of(path: Path, files: BlobFiles) -> int:
    """What the files of a journal take: the database at `path`, its log, and the contents. Raises OSError."""
    total = 0
    for part in (path, path.with_name(path.name + "-wal"), *files.folder.glob("*/*")):
        with suppress(FileNotFoundError):  # a writer gave it its name just now
            total += part.lstat().st_size
    return total
