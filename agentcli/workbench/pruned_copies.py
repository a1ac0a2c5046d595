"""Copies of what tools fetched, kept beside the journal: those that no run names any more, and those that are old."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from agentcli.core.runs import RunRow
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.sandbox.artifacts import NAMED_BY
from agentcli.sandbox.atomic import TEMPORARY

_COPY: Final = re.compile(rf"([0-9a-f]{{{NAMED_BY}}})\.[a-z]{{1,10}}")

Needed = Callable[[], Container[bytes] | None]
"""The contents that runs name; None where nobody knows. Only asked where there are copies."""


@value(frozen=True, slots=True)
class PrunedCopy:
    """A copy that goes. `digest` is the beginning of its content's, none of an unfinished one; `used` when it was made
    last, in nanoseconds; `aged` says that it goes for its age, whatever names it.
    """

    name: str
    digest: bytes
    bytes: int
    used: int
    aged: bool


def settled_before(rows: Sequence[RunRow]) -> float:
    """Unix seconds before which a copy that no run names is nobody's: what a run does now it may be about to name."""
    return min([time.time(), *(row.start.started for row in rows if row.status == "running")])


def copies_of(folder: Path, needed: Needed, settled: float, before: float | None) -> tuple[PrunedCopy, ...]:
    """The copies that go: made before `settled` and named by no run, or made before `before`. Raises StorageError."""
    if folder.is_symlink() or not folder.is_dir():
        return ()
    try:
        there = list(_there(folder, before))
    except OSError as error:
        raise _failed(folder, error) from error
    names = needed() if any(not copy.aged for copy in there) else ()
    return tuple(copy for copy in there if copy.aged or (copy.used < settled * 1e9 and _is_nobodys(copy, names)))


def remove_copies(folder: Path, copies: Sequence[PrunedCopy], needed: Needed) -> tuple[PrunedCopy, ...]:
    """Remove those of them that are as they were and that no run names by now. Raises StorageError."""
    if not copies:
        return ()
    names = needed() if any(not copy.aged for copy in copies) else ()
    removed = []
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for copy in copies:
                with suppress(FileNotFoundError):
                    same = os.stat(copy.name, dir_fd=at, follow_symlinks=False).st_mtime_ns == copy.used
                    if same and (copy.aged or _is_nobodys(copy, names)):
                        os.unlink(copy.name, dir_fd=at)
                        removed.append(copy)
        finally:
            os.close(at)
    except OSError as error:
        raise _failed(folder, error) from error
    return tuple(removed)


def _there(folder: Path, before: float | None) -> Iterator[PrunedCopy]:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        found = _COPY.fullmatch(entry.name)
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode) and (found or entry.name.startswith(TEMPORARY)):
            digest = bytes.fromhex(found[1]) if found else b""
            aged = before is not None and status.st_mtime < before
            yield PrunedCopy(entry.name, digest, status.st_size, status.st_mtime_ns, aged)


def _is_nobodys(copy: PrunedCopy, names: Container[bytes] | None) -> bool:
    return names is not None and copy.digest not in names


def _failed(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        "E-PRUNE-COPIES",
        f"The copies of what was fetched cannot be removed: {folder}.",
        why=f"{error.strerror or error}.",
        fix="Check the permissions in there, then prune again.",
    )
