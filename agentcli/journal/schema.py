"""The database's tables, version by version, and how to open it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from agentcli.errors import StorageError
from agentcli.journal.faults import damaged
from agentcli.journal.foreign import fault_of

FILE = "journal.db"

APPLICATION_ID = 0x61676A6C
"""`agjl`: tells a journal from any other SQLite file."""

MINIMUM_SQLITE = (3, 37, 0)
"""STRICT tables came with it; all else that is used is older."""

BUSY_S = 20.0
"""How long to wait for a lock that a foreign program holds on the database."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: what it brought, in a line, and how to get there from the version before."""

    version: int
    summary: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "Runs, their hash-chained events, contents by digest, tags.",
        (
            # `n` stands for the run in other tables: 1-3 bytes instead of 22. `task` is a preview, for listings.
            # `seal` covers the chain's last hash and the columns of the end. `syncs` counts barriers that had
            # nothing else to write: a commit without a change would not reach the disk.
            """CREATE TABLE runs (
                n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
                task TEXT NOT NULL, model TEXT, manifest BLOB NOT NULL, started REAL NOT NULL,
                parent TEXT, relation TEXT, cut INTEGER, status TEXT NOT NULL, exit_code INTEGER, ended REAL,
                turns INTEGER, input INTEGER, output INTEGER, cached INTEGER, reasoning INTEGER,
                cost_usd REAL, duration_s REAL, seal BLOB, syncs INTEGER NOT NULL DEFAULT 0) STRICT""",
            "CREATE INDEX runs_top ON runs (started, n) WHERE relation IS NOT 'child'",
            "CREATE INDEX runs_status ON runs (status, started, n)",
            "CREATE INDEX runs_name ON runs (name, started, n)",
            "CREATE INDEX runs_parent ON runs (parent, started, n) WHERE parent IS NOT NULL",
            # `body` is packed (see packing.py); `digests` holds those it mentions, 32 bytes each, so that what an
            # event needs is known without unpacking it. `previous` is the hash of the event before.
            """CREATE TABLE events (
                run INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, time REAL NOT NULL,
                mono REAL NOT NULL, lane TEXT NOT NULL, parent TEXT, turn INTEGER, step TEXT,
                kind TEXT, name TEXT, ordinal INTEGER, request BLOB, result BLOB,
                body BLOB NOT NULL, digests BLOB NOT NULL, previous BLOB NOT NULL,
                PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID""",
            # `base` is the content that this one was compressed against; `data` is NULL for what lies in a file. The
            # index holds the first 8 bytes alone, a third of the size; writers see to it that a digest stands once.
            """CREATE TABLE blobs (
                n INTEGER PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL,
                coding INTEGER NOT NULL, base INTEGER, data BLOB) STRICT""",
            "CREATE INDEX blobs_digest ON blobs (substr(digest, 1, 8))",
            """CREATE TABLE tags (
                run INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (run, tag)) STRICT, WITHOUT ROWID""",
        ),
    ),
)

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
        # WAL outlives the connection that chose it; asking again costs a lock.
        if version == 0:
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
    """The schema's version, 0 for an empty file. Raises StorageError if it is newer than ours, or no journal."""
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
    made = tuple(text for migration in MIGRATIONS if migration.version <= version for text in migration.statements)
    if fault := fault_of(database, made):
        raise damaged(path, fault)
    return version


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the schema from `version` to the newest, all or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS:
            if migration.version > version:
                for statement in migration.statements:
                    database.execute(statement)
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
    """Make the file before SQLite does, so that nobody else may read it; -wal and -shm inherit its mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
