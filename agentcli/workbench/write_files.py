"""Put exported files on disk: each whole or not at all, and nothing is replaced unasked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from agentcli.errors import AgentcliError, StorageError, UsageError, sentence

MODE = 0o600
"""Who may read an exported file: whoever exported it."""


def write_files(files: Sequence[tuple[str, bytes]], target: Path, *, force: bool = False) -> Path:
    """Write the files, given by name and content, the main one first; returns where that one stands.

    `target` is the main file, or a folder for all of them: one that is there or, for several files, a name without an
    ending. Raises UsageError E-EXPORT-EXISTS without `force`, E-EXPORT-TARGET where something that is no file stands
    there; StorageError E-EXPORT-WRITE.
    """
    names_folder = _is_folder(target) or (len(files) > 1 and not target.suffix)
    path = target / files[0][0] if names_folder else target
    places = [path, *(path.parent / name for name, _ in files[1:])]
    for place in places:
        _check_free(place, force)
    for place, (_, data) in zip(places, files, strict=True):
        if place.parent != target.parent:
            _make_folder(place.parent)
        _write(place, data, force)
    return path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long: writing it says so
        return False


def _check_free(path: Path, force: bool) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_file() or path.is_symlink():
        raise UsageError(
            "E-EXPORT-TARGET",
            f"The export cannot stand at {path}.",
            why="What is there is no ordinary file.",
            fix="Choose another path with `-o`.",
        )
    if not force:
        raise _exists(path)


def _exists(path: Path) -> UsageError:
    return UsageError(
        "E-EXPORT-EXISTS",
        f"The file is there already: {path}.",
        why="An export replaces nothing by itself.",
        fix="Choose another path with `-o`, or replace the file with `--force`.",
    )


def _make_folder(folder: Path) -> None:
    """The folder that the files stand in, or a form's further ones beside the main one."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(path: Path, data: bytes, force: bool) -> None:
    from agentcli.sandbox.atomic import write_whole

    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            write_whole(folder, path.name, data, mode=MODE, replace=force)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError | ValueError) -> AgentcliError:
    reason = error.strerror if isinstance(error, OSError) else None
    return StorageError(
        "E-EXPORT-WRITE",
        f"The export cannot be written: {path}.",
        why=sentence(reason or str(error)),
        fix="Choose a folder that is there and yours with `-o`, or free some space.",
    )
