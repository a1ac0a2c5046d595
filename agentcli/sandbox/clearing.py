"""Removing what programs of strangers left behind: however deep, however many, whatever permissions it has."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def clear(directory: int) -> None:
    """Empty the folder open as `directory`. Nothing may work in it meanwhile. Raises OSError.

    One folder is open at a time, and the way back is its parent: no depth is too deep for a path, a stack or the number
    of open files.
    """
    at = os.open(".", _FOLDER, dir_fd=directory)
    way: list[str] = []
    try:
        while (name := _first_folder(at)) is not None or way:
            entered = os.open("..", _FOLDER, dir_fd=at) if name is None else _opened(at, name)
            os.close(at)
            at = entered
            if name is None:
                os.rmdir(way.pop(), dir_fd=at)
            else:
                way.append(name)
    finally:
        os.close(at)


def remove_entry(directory: int, name: str) -> None:
    """Remove a file, a link or a folder with all below it, of the folder open as `directory`. Raises OSError."""
    if not _is_folder(directory, name):
        os.unlink(name, dir_fd=directory)
        return
    opened = _opened(directory, name)
    try:
        clear(opened)
    finally:
        os.close(opened)
    os.rmdir(name, dir_fd=directory)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it. What the system does not let go of stays."""
    with suppress(OSError):
        parent = os.open(folder.parent, _FOLDER)
        try:
            remove_entry(parent, folder.name)
        finally:
            os.close(parent)


def _first_folder(directory: int) -> str | None:
    """The name of a folder in it, None where there is none; what comes before it is deleted."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=directory)
    return None


def _opened(directory: int, name: str) -> int:
    """A folder, open; whatever it says of itself, its owner may enter and change it."""
    os.chmod(name, stat.S_IRWXU, dir_fd=directory)
    return os.open(name, _FOLDER, dir_fd=directory)


def _is_folder(directory: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
