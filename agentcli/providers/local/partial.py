"""A model file that is growing: the same bytes whichever their source, so that one goes on where another ended."""

from __future__ import annotations

import errno
import os
import shutil
from io import FileIO
from pathlib import Path
from types import TracebackType

from agentcli.errors import StorageError
from agentcli.providers.local.catalog import EmbeddedModel


class PartialFile:
    """The bytes so far, from the first on. Never holds more than the model has. Use as a context manager."""

    def __init__(self, path: Path, model: EmbeddedModel) -> None:
        self.path = path
        self._model = model
        self._file: FileIO | None = None

    def __enter__(self) -> PartialFile:
        self._file = self.path.open("ab", buffering=0)
        if self.done > self._model.size:
            self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @property
    def done(self) -> int:
        """Bytes that are there."""
        return self._open.tell()

    @property
    def complete(self) -> bool:
        """Whether all bytes are there; whether they are right is another question."""
        return self.done == self._model.size

    def append(self, data: bytes) -> None:
        """Add bytes. Raises ValueError for more than the model has, StorageError E-MODEL-DISK on a full disk."""
        if self.done + len(data) > self._model.size:
            raise ValueError("more bytes than the model has")
        try:
            left = memoryview(data)
            while left:
                left = left[self._open.write(left) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise disk_full(self.path.parent, self._model.size - self.done) from error
            raise

    def restart(self) -> None:
        """Forget the bytes so far."""
        self._open.truncate(0)
        self._open.seek(0)

    def sync(self) -> None:
        """Have the disk keep what is there."""
        os.fsync(self._open.fileno())

    @property
    def _open(self) -> FileIO:
        if self._file is None:
            raise ValueError("the file is not open")
        return self._file


def require_space(folder: Path, needed: int) -> None:
    """Raises StorageError E-MODEL-DISK where the disk has not this many bytes free."""
    if shutil.disk_usage(folder).free < needed:
        raise disk_full(folder, needed)


def disk_full(folder: Path, needed: int) -> StorageError:
    """There is no room for what is still to come."""
    free = shutil.disk_usage(folder).free
    return StorageError(
        "E-MODEL-DISK",
        "There is not enough room on the disk for the model.",
        why=f"{needed / 1e6:,.0f} MB more are needed in {folder}, and {free / 1e6:,.0f} MB are free.",
        fix="Free some space and pull again: what is there already is kept. AGENTCLI_HOME moves the folder.",
    )
