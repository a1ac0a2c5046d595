"""What is done beneath an open folder: its names, the kinds of files, and their contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

from agentcli.sandbox import refusals
from agentcli.sandbox.atomic import kept_mode
from agentcli.sandbox.opening import Opener

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


def made(opener: Opener, directory: int, names: Sequence[str]) -> int:
    """The folder, made one name at a time, each beneath the handle of the one before; open. Raises OSError."""
    at = opener.open(directory, (), FOLDER)
    for name in names:
        try:
            at = _into(opener, at, name)
        except BaseException:
            os.close(at)
            raise
    return at


def _into(opener: Opener, folder: int, name: str) -> int:
    """The folder below, made if it is not there; closes the one above."""
    with suppress(FileExistsError):  # it was there, or another call made it just now
        os.mkdir(name, dir_fd=folder)
    below = opener.open(folder, (name,), FOLDER)
    os.close(folder)
    return below


def content_of(file: BinaryIO, path: str, cap: int) -> bytes:
    """All of an open file. Raises ToolError E-TOOL-TOO-LARGE for more than `cap` bytes."""
    size = os.fstat(file.fileno()).st_size
    data = b"" if size > cap else file.read(size + 1)
    if len(data) > size:  # it grew just now, or its size is not told
        data += file.read(cap + 1 - len(data))
    if size > cap or len(data) > cap:
        raise refusals.too_large(path, max(size, len(data)), cap)
    return data


def status_of(folder: int, name: str) -> os.stat_result | None:
    """What stands under the name; None for nothing. Raises OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def kept_of(path: str, status: os.stat_result) -> int:
    """The permission bits of what must be a regular file. Raises ToolError."""
    require_file(path, status)
    return kept_mode(status)


def require_file(path: str, status: os.stat_result) -> None:
    """Raises ToolError for what is no regular file."""
    if not stat.S_ISREG(status.st_mode):
        raise refusals.wrong_kind(path, refusals.kind_of(status.st_mode))
