"""What can go wrong with the disk and with SQLite, as errors of ours."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from agentcli.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EEXIST}

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_FULL: "E-JOURNAL-FULL",
    sqlite3.SQLITE_READONLY: "E-JOURNAL-UNWRITABLE",
    sqlite3.SQLITE_CANTOPEN: "E-JOURNAL-UNWRITABLE",
    sqlite3.SQLITE_PERM: "E-JOURNAL-UNWRITABLE",
    sqlite3.SQLITE_CORRUPT: "E-JOURNAL-DAMAGED",
    sqlite3.SQLITE_NOTADB: "E-JOURNAL-DAMAGED",
    sqlite3.SQLITE_TOOBIG: "E-JOURNAL-DAMAGED",
    sqlite3.SQLITE_BUSY: "E-JOURNAL-BUSY",
    sqlite3.SQLITE_LOCKED: "E-JOURNAL-BUSY",
}

_SHMSIZE = sqlite3.SQLITE_IOERR_SHMSIZE

_TEXTS = {
    "E-JOURNAL-FULL": (
        "The disk of the journal is full.",
        "Free some space and run it again: what was recorded is safe.",
    ),
    "E-JOURNAL-UNWRITABLE": (
        "The journal cannot be opened or written.",
        "Check that the folder exists, is yours and may be written.",
    ),
    "E-JOURNAL-DAMAGED": (
        "The journal is damaged, or not a journal.",
        "`agentcli runs verify` names what is intact; move the file away to start a new one.",
    ),
    "E-JOURNAL-BUSY": (
        "Another process keeps the journal locked.",
        "Find out what holds it (a suspended agentcli, a database browser) and end that.",
    ),
    "E-JOURNAL-IO": (
        "Reading or writing the journal failed.",
        "Check the disk (`dmesg`), then run it again: what was recorded is safe.",
    ),
}


def storage_error(error: sqlite3.Error | OSError, path: Path) -> StorageError:
    """The error that says what happened to the journal at `path`."""
    code = _sqlite_code(error) if isinstance(error, sqlite3.Error) else _os_code(error)
    what, fix = _TEXTS[code]
    return StorageError(code, f"{what[:-1]}: {path}.", why=_reason(error), fix=fix)


def damaged(path: Path, why: str) -> StorageError:
    """The journal at `path` holds something that it never wrote."""
    what, fix = _TEXTS["E-JOURNAL-DAMAGED"]
    return StorageError("E-JOURNAL-DAMAGED", f"{what[:-1]}: {path}.", why=why, fix=fix)


def broken(run: str, seq: int | None, why: str) -> StorageError:
    """The record of a run can be read, and is not what was written: at its event `seq`, or at its end."""
    place = f"at event {seq}" if seq is not None else "at its end"
    return StorageError(
        "E-REPLAY-DAMAGED",
        f"The record of run {run} is not what was written: it breaks {place}.",
        why=why,
        fix="What is intact can be read with `agentcli runs show`; see `agentcli runs verify`.",
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return f"{text} ({name})."


def _sqlite_code(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "E-JOURNAL-IO"
    # Extended codes keep the primary one in their low byte. That the memory which processes share cannot grow is a full
    # disk too.
    return _BY_SQLITE_CODE.get(sqlite3.SQLITE_FULL if code == _SHMSIZE else code & 0xFF, "E-JOURNAL-IO")


def _os_code(error: OSError) -> str:
    if error.errno in _FULL:
        return "E-JOURNAL-FULL"
    return "E-JOURNAL-UNWRITABLE" if error.errno in _UNWRITABLE else "E-JOURNAL-IO"
