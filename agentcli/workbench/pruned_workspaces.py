"""The workspaces of forks that are gone, or are to go: what they take, and removing them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

from agentcli.core.values import value
from agentcli.errors import StorageError

SETTLED_S: Final = 24 * 3600
"""A fork's workspace is made before its run is on record: a folder without a run is nobody's only after so long."""


@value(frozen=True, slots=True)
class PrunedWorkspace:
    """The workspace of a run that goes or is gone, and what its files take."""

    run: str
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"run": self.run, "bytes": self.bytes}


def workspaces_of(folder: Path, going: Collection[str], staying: Collection[str]) -> tuple[PrunedWorkspace, ...]:
    """Those below `folder` of runs that are going, and of runs that have been gone for long. Raises StorageError."""
    from agentcli.journal.foreign import RUN_ID

    if folder.is_symlink() or not folder.is_dir():
        return ()
    found = []
    try:
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            if not entry.is_dir(follow_symlinks=False) or RUN_ID.fullmatch(entry.name) is None:
                continue
            settled = entry.stat(follow_symlinks=False).st_mtime < time.time() - SETTLED_S
            if entry.name in going or (settled and entry.name not in staying):
                found.append(PrunedWorkspace(entry.name, _size(Path(entry.path))))
    except OSError as error:
        raise _failed(folder, error) from error
    return tuple(found)


def remove_workspaces(folder: Path, runs: Iterable[str]) -> None:
    """Remove these folders, through no link. Raises StorageError for the first that cannot be."""
    at: int | None = None
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        for run in runs:
            try:
                shutil.rmtree(run, dir_fd=at)
            except FileNotFoundError:
                continue
    except OSError as error:
        raise _failed(folder, error) from error
    finally:
        if at is not None:
            os.close(at)


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; links are not followed, and what may not be read counts nothing."""
    total = 0
    for parent, _, names, at in os.fwalk(folder, follow_symlinks=False):
        del parent
        for name in names:
            try:
                total += os.stat(name, dir_fd=at, follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def _failed(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        "E-PRUNE-WORKSPACES",
        f"The workspaces of forks that are gone cannot be removed: {folder}.",
        why=f"{error.strerror or error}.",
        fix="Check the permissions in there, then run `agentcli runs prune --workspaces`.",
    )
