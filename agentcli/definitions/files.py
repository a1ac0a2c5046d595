"""Reading a definition file: a regular file of bounded size in UTF-8, and, for a project's, one inside the project."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agentcli.definitions.problems import Problems
from agentcli.definitions.yaml_source import MAX_BYTES, place_of
from agentcli.errors import sentence

ENDINGS = (".yaml", ".yml")


def read_definition(path: Path, family: str, *, shown: str | None = None, inside: Path | None = None) -> str:
    """The file's text. `shown` is its name in errors, `inside` the folder that a link must not lead out of.

    Raises DefinitionError `…-UNREADABLE`, `…-SIZE` or `…-ENCODING`.
    """
    problems = Problems(family, shown or str(path))
    if inside is not None and not _is_inside(path, inside):
        why = f"It is a link to {os.path.realpath(path)}."
        problems.add(
            "UNREADABLE", "The file lies outside the project.", why=why, fix="Copy it into the project.", at=(1, 1)
        )
        problems.raise_any()
    data = _bytes(path, problems)
    if len(data) > MAX_BYTES:
        why, fix = f"Expected at most {MAX_BYTES} bytes.", "Move long texts into files of their own."
        problems.add("SIZE", "The file is too large.", why=why, fix=fix, at=(1, 1))
        problems.raise_any()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = place_of(data[: error.start].decode("utf-8-sig"), error.start)
        why = f"Expected UTF-8, found the byte 0x{data[error.start]:02X}."
        problems.add("ENCODING", "The file is not text in UTF-8.", why=why, fix="Save it as UTF-8.", at=place)
        raise problems.error() from error


def both_endings(folder: Path, stem: str) -> list[Path]:
    """The files that define `stem` in a folder: at most one each of `.yaml` and `.yml`."""
    candidates = [folder / f"{stem}{ending}" for ending in ENDINGS]
    return [path for path in candidates if os.path.lexists(path)]


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _bytes(path: Path, problems: Problems) -> bytes:
    """At most `MAX_BYTES`. Opened without waiting, so that a pipe in its place cannot hang the program."""
    fix = "Check its path and its permissions."
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError as error:
        problems.add(
            "UNREADABLE", "The file cannot be read.", why=sentence(error.strerror or str(error)), fix=fix, at=(1, 1)
        )
        raise problems.error() from error
    if data is None:
        problems.add("UNREADABLE", "The file cannot be read.", why="It is not a regular file.", fix=fix, at=(1, 1))
        raise problems.error()
    return data
