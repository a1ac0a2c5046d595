"""Journals to prune: runs that share contents, and what is left when some are gone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentcli.core.canonical import decode, digest_bytes, encode
from agentcli.core.events import ModelStarted, RunForked, ToolCompleted
from agentcli.core.models import RequestDelta
from agentcli.core.runs import RunQuery, RunRow
from agentcli.core.tools import FileTouch
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import opened
from tests.fakes.recorded import completed, end, event, start

SMALL, MIDDLE = b"small " * 20, b"middle " * 3_000


def large(seed: int) -> bytes:
    """A content that becomes a file."""
    return (b"%d large " % seed) * 12_000


def planned(*history: bytes) -> bytes:
    """A plan that goes on with these messages."""
    return encode({"history": [digest_bytes(message) for message in history]})


def begun_with(journal: SqliteJournal, number: int, manifest: bytes, **changes: Any) -> SqliteRunLog:
    """A run that has its plan."""
    log = journal.begin(start(number, manifest=digest_bytes(manifest), **changes))
    log.put(manifest)
    return log


def ask(log: SqliteRunLog, *messages: bytes) -> None:
    """A request to a model with these messages."""
    added = tuple(log.put(message) for message in messages)
    log.append(event(log, ModelStarted("fake", "model", RequestDelta(None, 0, added, log.put(b'{"models":[]}')))))


def change(log: SqliteRunLog, result: str, before: bytes | None, after: bytes | None) -> None:
    """A call that changes a file."""
    digests = [None if data is None else log.put(data) for data in (before, after)]
    files = (FileTouch("a.txt", digests[0], digests[1], True),)
    log.append(event(log, ToolCompleted("t", "c", "ok", result, None, 0.1, files)))


async def recorded_with(journal: SqliteJournal, number: int, *contents: bytes, **changes: Any) -> str:
    """A whole run that names these contents, each as a message and as a file."""
    log = begun_with(journal, number, planned(b"old %d" % number), **changes)
    log.put(b"old %d" % number)
    for content in contents:
        ask(log, content)
        change(log, f"result of {number} " * 10, None, content)
    log.append(event(log, completed()))
    await log.end(end())
    return log.run


async def forked(journal: SqliteJournal, number: int, parent: str, cut: int) -> str:
    """A fork: its parent's events up to the cut, whose contents are not put again."""
    manifest = planned(b"forked %d" % number)
    log = journal.begin(start(number, manifest=digest_bytes(manifest), parent=parent, relation="fork", cut=cut))
    log.put(manifest)
    log.put(b"forked %d" % number)
    for one in list(journal.events(parent))[:cut]:
        log.append(event(log, one.body))
    log.append(event(log, RunForked(parent, cut, digest_bytes(manifest), {})))
    log.append(event(log, completed()))
    await log.end(end())
    return log.run


def all_rows(journal: SqliteJournal) -> list[RunRow]:
    """Every run, newest first."""
    return journal.runs(RunQuery(children=True, limit=None))


def rows_of(journal: SqliteJournal, *runs: str) -> list[RunRow]:
    """The rows of these runs, in this order."""
    return [journal.find(run) for run in runs]


def reading(journal: SqliteJournal, runs: Sequence[str]) -> dict[str, Any]:
    """All that these runs say: their rows, events, and every content that is named in them.

    Read anew, since a journal remembers contents.
    """
    with opened(journal.folder) as fresh:
        return {
            run: (
                fresh.find(run),
                list(fresh.events(run)),
                {name: fresh.blob(name) for name in sorted(needed(fresh, run))},
                fresh.verify(run),
            )
            for run in runs
        }


def problems_in(journal: SqliteJournal) -> list[str]:
    """What is wrong with any run, read anew."""
    with opened(journal.folder) as fresh:
        return [problem.what for found in fresh.verify_all() for problem in found.problems]


def needed(journal: SqliteJournal, run: str) -> set[str]:
    """The contents that a run cannot do without, by what its events say and nothing that stands in the tables."""
    found = {journal.find(run).start.manifest}
    for one in journal.events(run):
        if isinstance(one.body, ModelStarted):
            found.update((one.body.request.head, *one.body.request.added))
        elif isinstance(one.body, ToolCompleted):
            found.update(name for touch in one.body.files for name in (touch.before, touch.after) if name)
        elif isinstance(one.body, RunForked):
            found.add(one.body.manifest)
    histories = [str(_history(journal.blob(name))) for name in found]
    return found.union(*(re.findall(r"[0-9a-f]{64}", history) for history in histories))


def _history(data: bytes) -> Any:
    try:
        plan = decode(data)
    except ValueError:
        return None
    return plan.get("history") if isinstance(plan, dict) else None


def named(journal: SqliteJournal) -> set[str]:
    """What any run names, fields that are kept by content included."""
    found = set[str]()
    for row in all_rows(journal):
        found |= needed(journal, row.start.id)
        for one in journal.events(row.start.id):
            fields = one.body.to_json()
            found.update(sha256(encode(fields[name])).hexdigest() for name in one.body.LARGE)
            found.update(re.findall(r"[0-9a-f]{64}", encode(fields).decode()))
    return found


def leftovers(folder: Path, journal: SqliteJournal) -> list[str]:
    """Rows and files of contents that no run needs, and events and tags of runs that are not there."""
    wanted = named(journal)
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        rows = database.execute("SELECT n, digest, coding, base FROM blobs").fetchall()
        events = database.execute("SELECT run, seq FROM events WHERE run NOT IN (SELECT n FROM runs)").fetchall()
        tags = database.execute("SELECT run, tag FROM tags WHERE run NOT IN (SELECT n FROM runs)").fetchall()
    live = {n for n, digest, _, _ in rows if digest.hex() in wanted}
    for _ in range(2):
        live |= {base for n, _, _, base in rows if n in live and base is not None}
    found = [f"content {digest.hex()} kept as {coding}" for n, digest, coding, _ in rows if n not in live]
    files = {digest.hex() for _, digest, coding, _ in rows if coding in (4, 5)}
    paths = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    found += [str(path) for path in paths if path.parent.name + path.name.removesuffix(".z") not in files]
    return [*found, *(f"event {one}" for one in events), *(f"tag {one}" for one in tags)]
