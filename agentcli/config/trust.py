"""Which projects this user trusts: a list in the user's own folder, by the real path of the project."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agentcli.config.places import Places
from agentcli.errors import StorageError, sentence

_VERSION = 1


def is_trusted(places: Places, root: Path) -> bool:
    """Whether the project in this folder is trusted. A list that cannot be read trusts nothing."""
    try:
        return _key(root) in _read(places.trusted)
    except StorageError:
        return False


def trust(places: Places, root: Path) -> None:
    """Trust the project in this folder. Raises StorageError."""
    _change(places, lambda projects: {*projects, _key(root)})


def untrust(places: Places, root: Path) -> None:
    """Trust it no longer. Raises StorageError."""
    _change(places, lambda projects: projects - {_key(root)})


def trusted_projects(places: Places) -> list[Path]:
    """Every trusted project's folder, sorted. Raises StorageError for a list that cannot be read."""
    return sorted(Path(path) for path in _read(places.trusted))


def _key(root: Path) -> str:
    return os.path.realpath(root)


def _read(path: Path) -> set[str]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise _unusable(path, sentence(str(error))) from error
    projects = value.get("projects") if isinstance(value, dict) and value.get("version") == _VERSION else None
    if not isinstance(projects, list) or not all(isinstance(project, str) for project in projects):
        raise _unusable(path, "It is not the list that agentcli writes.")
    return set(projects)


def _change(places: Places, change: Callable[[set[str]], set[str]]) -> None:
    path = places.trusted
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.with_suffix(".lock")):
            projects = sorted(change(_read(path)))
            _write(path, json.dumps({"version": _VERSION, "projects": projects}, indent=2) + "\n")
    except OSError as error:
        raise _unusable(path, sentence(error.strerror or str(error))) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two commands that trust at the same time both count."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    """All or nothing, readable by this user alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _unusable(path: Path, why: str) -> StorageError:
    fix = f"Check {path.parent}; deleting the file forgets every trust."
    return StorageError("E-TRUST-STORAGE", f"The list of trusted projects cannot be used: {path}.", why=why, fix=fix)
