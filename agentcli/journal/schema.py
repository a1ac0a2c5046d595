"""Opening the database, with the newest tables."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from agentcli.errors import StorageError
from agentcli.journal.faults import damaged
from agentcli.journal.foreign import fault_of
from agentcli.journal.migrations import MIGRATIONS

FILE = "journal.db"

APPLICATION_ID = 0x61676A6C
"""`agjl`: tells a journal from any other SQLite file."""

MINIMUM_SQLITE = (3, 37, 0)
"""STRICT tables came with it; all else that is used is older."""

PAGE_BYTES = 2048

BUSY_S = 20.0
"""How long to wait for a lock that a foreign program holds on the database."""


VERSION = MIGRATIONS[-1].version


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write, with the newest schema. The caller holds the journal's write lock.

    Raises StorageError for a newer schema or a file that is no journal, sqlite3.Error, OSError.
    """
    _check_library()
    _create_private(path)
    database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        version = check(database, path)
        if version == 0:
            # Only a file without tables takes these two: half of a small journal would be half-empty pages, and what is
            # freed could not be given back.
            database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            # WAL outlives the connection that chose it; asking again costs a lock.
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        # On macOS fsync does not empty the drive's cache. Without effect elsewhere.
        database.execute("PRAGMA fullfsync = ON")
        database.execute("PRAGMA checkpoint_fullfsync = ON")
        database.execute("PRAGMA journal_size_limit = 4194304")
        if version < VERSION:
            migrate(database, version)
    except BaseException:
        database.close()
        raise
    return database


def check(database: sqlite3.Connection, path: Path) -> int:
    """The schema's version, 0 for an empty file. Raises StorageError if it is newer than ours, or no journal.

    Looked at in one transaction: another process may be making it just now.
    """
    database.execute("BEGIN")
    try:
        return _checked(database, path)
    finally:
        database.rollback()  # does nothing where SQLite has done it


def _checked(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION_ID:
        if application or database.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            raise damaged(path, "It is a database of another program.")
        return 0
    if version > VERSION:
        raise StorageError(
            "E-JOURNAL-NEWER",
            f"The journal {path} was written by a newer agentcli.",
            why=f"Its schema is version {version}; this one reads up to {VERSION}.",
            fix="Upgrade agentcli: pip install -U agentcli.",
        )
    made = tuple(text for migration in MIGRATIONS if migration.version <= version for text in migration.tables)
    if fault := fault_of(database, made):
        raise damaged(path, fault)
    return version


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the schema from `version` to the newest, all or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS:
            if migration.version > version:
                for step in migration.steps:
                    if isinstance(step, str):
                        database.execute(step)
                    else:
                        step(database)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.rollback()  # does nothing where SQLite has done it
        raise


def _check_library() -> None:
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        needed = ".".join(map(str, MINIMUM_SQLITE))
        raise StorageError(
            "E-JOURNAL-SQLITE",
            f"Python's SQLite is too old: {sqlite3.sqlite_version}.",
            why=f"The journal needs {needed} or newer.",
            fix="Use a Python that was built with a newer SQLite.",
        )


def _create_private(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else may read it; -wal and -shm inherit its mode.

    One that is there is left alone: closing it again would give up the locks of every connection that this process has
    to it (POSIX, fcntl), and another process would take the log away under them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
