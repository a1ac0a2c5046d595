"""A journal may have come with a project that somebody else made: what is looked at before any of it is used."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, get_args

from agentcli.core.runs import Relation, RunKind, RunStatus
from agentcli.errors import StorageError

MAX_CONTENT: Final = 256 * 1024 * 1024
"""The most bytes of one content, unpacked: far more than any message has, and less than would fill the memory."""

MAX_CELL: Final = 32 * 1024 * 1024
"""The most bytes of one value in a table; larger contents are files."""

RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")

LAST_SECOND: Final = 253_402_300_800
"""The year 10000, which no calendar of Python's has."""

_KINDS: Final = frozenset(get_args(RunKind))
_STATUSES: Final = frozenset(get_args(RunStatus))
_RELATIONS: Final = frozenset((None, *get_args(Relation)))

_PARTS: Final = ("journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal", "blobs", "locks", "workspaces")


def refuse_links(folder: Path) -> None:
    """Raises StorageError E-JOURNAL-LINK where the folder, or what is the journal's in it, is a symbolic link.

    It would lead what is written, made private and swept out of the folder.
    """
    for path in (folder, *(folder / name for name in _PARTS)):
        if path.is_symlink():
            raise StorageError(
                "E-JOURNAL-LINK",
                f"A part of the journal is a symbolic link: {path}.",
                why="What is recorded would be written to where it leads.",
                fix="Remove the link, or replace it by what it leads to.",
            )


def read_file(path: Path) -> bytes:
    """A content's file: a regular one of bounded size, through no link. Raises OSError, ValueError."""
    if path.parent.is_symlink():
        raise ValueError("its folder is a symbolic link")
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_CONTENT:
            raise ValueError("it is no file of a content")
        return file.read(MAX_CONTENT)


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, each once. Raises ValueError for what is none."""
    found = tuple(dict.fromkeys(tags))
    for tag in found:
        if TAG.fullmatch(tag) is None:
            raise ValueError(f"not a tag: {tag!r}")
    return found


def fault_of_row(
    run: str, kind: str, started: float, parent: str | None, relation: str | None, status: str
) -> str | None:
    """Why a row of `runs` was never written by us, or None: what it says is printed, and chooses what is done."""
    if RUN_ID.fullmatch(run) is None or (parent is not None and RUN_ID.fullmatch(parent) is None):
        return "A run has an id that is none"
    known = kind in _KINDS and status in _STATUSES and relation in _RELATIONS
    if not known or not 0 <= started < LAST_SECOND:
        return f"The row of run {run} holds what no run has"
    return None


def fault_of(database: sqlite3.Connection, statements: tuple[str, ...]) -> str | None:
    """Why a database that calls itself a journal is none; None where its tables are those that `statements` make.

    A view in a table's place could compute without end, and a trigger would act on what is written.
    """
    there = _schema(database)
    if any(kind == "trigger" for kind, _ in there):
        return "It has triggers."
    if any(there.get(key) != sql for key, sql in _expected(statements).items()):
        return "Its tables are not those of a journal."
    return None


@cache
def _expected(statements: tuple[str, ...]) -> dict[tuple[str, str], str | None]:
    database = sqlite3.connect(":memory:")
    try:
        for statement in statements:
            database.execute(statement)
        return _schema(database)
    finally:
        database.close()


def _schema(database: sqlite3.Connection) -> dict[tuple[str, str], str | None]:
    return {(kind, name): sql for kind, name, sql in database.execute("SELECT type, name, sql FROM sqlite_schema")}
