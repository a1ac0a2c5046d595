"""Opening a journal to read it: never creates, locks or changes one that is up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from agentcli.errors import StorageError
from agentcli.journal.faults import storage_error
from agentcli.journal.foreign import MAX_CELL
from agentcli.journal.schema import BUSY_S, VERSION, check, migrate

_NO_ROOM = ("E-JOURNAL-UNWRITABLE", "E-JOURNAL-FULL")
"""Where a journal cannot be brought to the newest schema, and can be read."""


def open_reader(path: Path, renew: Callable[[], None]) -> sqlite3.Connection | None:
    """A connection that only reads; None for a file without a schema yet. Raises StorageError.

    `renew` brings an older journal to the newest schema; where it cannot be written, a private copy of it is.
    """
    try:
        database, version = _checked(_connect(path), path)
        if 0 < version < VERSION:
            database.close()
            database = _renewed(path, renew)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, path) from error
    if version == 0:
        database.close()
        return None
    return database


def _checked(database: sqlite3.Connection, path: Path) -> tuple[sqlite3.Connection, int]:
    try:
        return database, check(database, path)
    except BaseException:
        database.close()
        raise


def _renewed(path: Path, renew: Callable[[], None]) -> sqlite3.Connection:
    try:
        renew()
    except StorageError as error:
        if error.code not in _NO_ROOM:
            raise
        database, version = _checked(_copied(path), path)
        migrate(database, version)
        return database
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    database = _opened(path, "mode=ro")
    try:
        database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        database.close()
        # A folder that may not be written: SQLite can have no shared memory there, and nobody else can write either.
        return _opened(path, "immutable=1") if _log_is_empty(path) else _copied(path)
    except sqlite3.DatabaseError:
        _accept_shorter(database)
    return database


def _accept_shorter(database: sqlite3.Connection) -> None:
    """Read what is left of a file that was cut short. Raises sqlite3.DatabaseError for one that cannot be read."""
    try:
        # SQLite takes a file of fewer pages than it says for damaged as a whole, but where the schema may be repaired;
        # this connection can change nothing.
        database.execute("PRAGMA writable_schema = ON")
        database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except BaseException:
        database.close()
        raise


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?{mode}"
    database = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
    return database


def _log_is_empty(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return not log.exists() or log.stat().st_size == 0


def _copied(path: Path) -> sqlite3.Connection:
    """A private copy with the log applied; its files are gone from the folder as soon as they are open."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="agentcli-") as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            if (part := path.with_name(path.name + suffix)).exists():
                shutil.copyfile(part, copy.with_name(copy.name + suffix))
        database = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
        database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return database
