"""The database's tables, version by version. What stands here never changes: it is what old journals were made with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from agentcli.core.values import value
from agentcli.journal.packing import unpack_body
from agentcli.journal.records import MARK, Line


@value(frozen=True, slots=True)
class Migration:
    """One step of the schema: what it brought, in a line, and how to get there from the version before.

    What no statement can say is a function: it changes rows and no tables.
    """

    version: int
    summary: str
    steps: tuple[str | Callable[[sqlite3.Connection], None], ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The statements, which alone make the tables."""
        return tuple(step for step in self.steps if isinstance(step, str))


def _mark(database: sqlite3.Connection) -> None:
    """An event's mark is what the one after it said of it: where a chain was broken before, it is still."""
    database.execute(
        """INSERT INTO marked
           SELECT run, seq, type, time, mono, lane, parent, turn, step, kind, name, ordinal, request, result,
                  body, digests, coalesce((SELECT substr(next.previous, 1, 4) FROM events AS next
                                           WHERE next.run = events.run AND next.seq = events.seq + 1), x'')
           FROM events"""
    )
    last = database.execute(
        """SELECT (SELECT id FROM runs WHERE n = run), run, seq, type, time, mono, lane, parent, turn, step, kind, name,
                  ordinal, request, result, body, digests, previous
           FROM events
           WHERE NOT EXISTS (SELECT 1 FROM events AS next WHERE next.run = events.run AND next.seq = events.seq + 1)"""
    )
    for run, n, *envelope, body, digests, previous in last.fetchall():
        try:
            mark = Line(tuple(envelope), unpack_body(body), digests).hash(run, previous)[:MARK]
        except (ValueError, TypeError):
            continue  # damaged, and named as that by who verifies
        database.execute("UPDATE marked SET mark = ? WHERE run = ? AND seq = ?", (mark, n, envelope[0]))


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
    Migration(
        2,
        "A mark of each event's own hash in place of the whole one before; several events in a row; packs of contents;"
        " runs found by kind and by the tail of their ids.",
        (
            # `mark` is the first bytes of the event's hash. A row of type `+` holds several events (see chunks.py), a
            # content may lie in a pack (see packs.py).
            """CREATE TABLE marked (
                run INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, time REAL NOT NULL,
                mono REAL NOT NULL, lane TEXT NOT NULL, parent TEXT, turn INTEGER, step TEXT,
                kind TEXT, name TEXT, ordinal INTEGER, request BLOB, result BLOB,
                body BLOB NOT NULL, digests BLOB NOT NULL, mark BLOB NOT NULL,
                PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID""",
            _mark,
            "DROP TABLE events",
            "ALTER TABLE marked RENAME TO events",
            "CREATE INDEX runs_kind ON runs (kind, started, n)",
            # The random part of an id, which is what people type of it.
            "CREATE INDEX runs_tail ON runs (substr(id, -6))",
        ),
    ),
)
