"""Finding runs: listings and references."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from agentcli.core.models import Usage
from agentcli.core.runs import RunEnd, RunQuery, RunRow, RunStart
from agentcli.errors import UsageError
from agentcli.journal.foreign import fault_of_row

IsOwned = Callable[[str], bool]
"""Whether the run of this id has an owner now."""

_SELECT = """
    SELECT n, id, kind, name, task, model, manifest, started, parent, relation, cut, status,
           EXISTS (SELECT 1 FROM tags WHERE tags.run = runs.n), exit_code, ended, turns,
           input, output, cached, reasoning, cost_usd, duration_s FROM runs """
_LAST = re.compile(r"last(?:~(\d{1,9}))?")
TAIL = 6
"""Characters at the end of an id that are random, and have an index."""

# The head is a range of an index. The end is looked up by its last characters; where those are too few, every id is
# looked at, in the index alone.
_OF_END = """WHERE n IN (SELECT n FROM runs WHERE id >= :ref AND id < :ref || '~' UNION
                         SELECT n FROM runs WHERE substr(id, -6) = substr(:ref, -6) AND substr(id, :size) = :ref)
             ORDER BY started DESC, n DESC LIMIT 50"""
_OF_TAIL = """WHERE n IN (SELECT n FROM runs WHERE id >= :ref AND id < :ref || '~' UNION
                          SELECT n FROM runs INDEXED BY sqlite_autoindex_runs_1 WHERE substr(id, :size) = :ref)
              ORDER BY started DESC, n DESC LIMIT 50"""

_CANDIDATES = 5
_RECENT = 2_000
"""Among so many of the newest runs a misspelt id is looked for."""


class Listing:
    """The runs of one database."""

    def __init__(self, database: sqlite3.Connection, is_owned: IsOwned) -> None:
        self._database = database
        self._is_owned = is_owned

    def runs(self, query: RunQuery) -> list[RunRow]:
        """The runs asked for, newest first. Raises sqlite3.Error, ValueError."""
        where, values = _conditions(query)
        if query.status in ("running", "interrupted"):
            # The two differ in who holds a lock, which no query can see.
            return self._by_lock(where, values, query)
        limit = -1 if query.limit is None else query.limit
        rows = self._select(f"{where} ORDER BY started DESC, n DESC LIMIT ? OFFSET ?", [*values, limit, query.offset])
        return [self._row(row) for row in rows]

    def find(self, ref: str) -> tuple[int, RunRow]:
        """The run that `ref` names, and its number. Raises UsageError E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; sqlite3.Error."""
        last = _LAST.fullmatch(ref)
        found = self._newest(int(last[1] or 0)) if last else self._matching(ref)
        if len(found) == 1:
            return found[0][0], self._row(found[0])
        if found:
            raise _ambiguous(ref, [row[1] for row in found])
        if last:
            raise self._too_few(ref)
        raise self._unknown(ref)

    def exact(self, run: str) -> tuple[int, RunRow] | None:
        """The run of this whole id, and its number. Raises sqlite3.Error, ValueError."""
        return next(((row[0], self._row(row)) for row in self._select("WHERE id = ?", [run])), None)

    def numbers(self) -> list[tuple[int, str]]:
        """Number and id of every run, as they came. Raises sqlite3.Error."""
        return self._database.execute("SELECT n, id FROM runs ORDER BY n").fetchall()

    def numbered(self, n: int) -> RunRow | None:
        """The run of this number. Raises sqlite3.Error, ValueError."""
        return next((self._row(row) for row in self._select("WHERE n = ?", [n])), None)

    def _by_lock(self, where: str, values: list[Any], query: RunQuery) -> list[RunRow]:
        rows = (self._row(row) for row in self._select(f"{where} ORDER BY started DESC, n DESC", values))
        wanted = [row for row in rows if row.status == query.status]
        return wanted[query.offset : None if query.limit is None else query.offset + query.limit]

    def _select(self, rest: str, values: list[Any] | dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        return self._database.execute(_SELECT + rest, values)

    def _newest(self, back: int) -> list[tuple[Any, ...]]:
        rest = "WHERE relation IS NOT 'child' ORDER BY started DESC, n DESC LIMIT 1 OFFSET ?"
        return list(self._select(rest, [back]))

    def _matching(self, ref: str) -> list[tuple[Any, ...]]:
        exact = list(self._select("WHERE id = ?", [ref]))
        if exact or not ref:
            return exact
        ref = ref.lower()  # as the ids are that are made here
        return list(self._select(_OF_TAIL if len(ref) < TAIL else _OF_END, {"ref": ref, "size": -len(ref)}))

    def _row(self, row: tuple[Any, ...]) -> RunRow:
        n, run, kind, name, task, model, manifest, started, parent, relation, cut, status, tagged, *end = row
        fault = fault_of_row(run, kind, started, parent, relation, status)
        if fault is not None:
            raise ValueError(fault)
        start = RunStart(run, kind, name, task, model, manifest.hex(), started, parent, relation, cut)
        names = self._tags(n) if tagged else ()
        if status == "running":
            return RunRow(start, "running" if self._is_owned(run) else "interrupted", None, names)
        return RunRow(start, status, _end(status, *end), names)

    def _tags(self, n: int) -> tuple[str, ...]:
        found = self._database.execute("SELECT tag FROM tags WHERE run = ? ORDER BY tag", (n,))
        return tuple(tag for (tag,) in found)

    def _unknown(self, ref: str) -> UsageError:
        import difflib

        rows = self._database.execute("SELECT id FROM runs ORDER BY id DESC LIMIT ?", (_RECENT,))
        ids = [run for (run,) in rows]
        if not ids:
            return _none(ref)
        near = difflib.get_close_matches(ref.lower(), ids, 1, 0.5) or _near_tail(ref.lower(), ids)
        fix = f"Did you mean `{near[0]}`?" if near else "See `agentcli runs list`."
        return UsageError("E-RUN-UNKNOWN", f"There is no run `{ref}`.", why="No id begins or ends like that.", fix=fix)

    def _too_few(self, ref: str) -> UsageError:
        (count,) = self._database.execute("SELECT count(*) FROM runs WHERE relation IS NOT 'child'").fetchone()
        if not count:
            return _none(ref)
        return UsageError(
            "E-RUN-UNKNOWN",
            f"There is no run `{ref}`.",
            why=f"The journal holds {count}.",
            fix=f"Name one up to `last~{count - 1}`.",
        )


def no_journal(ref: str) -> UsageError:
    """The error for any reference where nothing was ever recorded."""
    return _none(ref)


def _conditions(query: RunQuery) -> tuple[str, list[Any]]:
    terms, values = [], []
    if not query.children and query.parent is None:
        terms.append("relation IS NOT 'child'")
    status = "running" if query.status == "interrupted" else query.status
    for term, value in (
        ("status = ?", status),
        ("name = ?", query.name),
        ("kind = ?", query.kind),
        ("model = ?", query.model),
        ("parent = ?", query.parent),
        ("started >= ?", query.after),
        ("started < ?", query.before),
        ("n IN (SELECT run FROM tags WHERE tag = ?)", query.tag),
    ):
        if value is not None:
            terms.append(term)
            values.append(value)
    return ("WHERE " + " AND ".join(terms) if terms else ""), values


def _end(status: Any, *columns: Any) -> RunEnd:
    exit_code, ended, turns, read, written, cached, reasoning, cost, duration = columns
    return RunEnd(status, exit_code, ended, turns, Usage(read, written, cached, reasoning), cost, duration)


def _near_tail(ref: str, ids: list[str]) -> list[str]:
    import difflib

    tails = {run.rpartition("-")[2]: run for run in reversed(ids)}
    return [tails[tail] for tail in difflib.get_close_matches(ref, tails, 1, 0.6)]


def _ambiguous(ref: str, ids: list[str]) -> UsageError:
    shown = ", ".join(ids[:_CANDIDATES]) + (", …" if len(ids) > _CANDIDATES else "")
    return UsageError(
        "E-RUN-AMBIGUOUS",
        f"`{ref}` names more than one run.",
        why=f"It fits {shown}.",
        fix="Type more of the id; its last six characters are random.",
    )


def _none(ref: str) -> UsageError:
    return UsageError(
        "E-RUN-UNKNOWN",
        f"There is no run `{ref}`.",
        why="Nothing is recorded here yet.",
        fix="Start with `agentcli run`.",
    )
