"""Runs as a table, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentcli.cli.render.origin import short_fork_mark
from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.quantity import count, duration, moment, money
from agentcli.cli.render.table import Cell, Column, print_table
from agentcli.cli.render.text import one_line
from agentcli.core.events import rfc3339
from agentcli.core.runs import RunRow, RunStatus

STATUS_STYLE: dict[RunStatus, Style] = {
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "limited": "yellow",
    "denied": "yellow",
}

_COLUMNS = (
    Column("RUN"),
    Column("STARTED", drop=1),
    Column("STATUS"),
    Column("NAME", least=6),
    Column("TIME", right=True, drop=2),
    Column("TURNS", right=True, drop=5),
    Column("TOKENS", right=True, drop=3),
    Column("COST", right=True, drop=4),
    Column("TASK", least=12, drop=6),
)
_FROM = Column("FROM", drop=3)
_TAGS = Column("TAGS", least=6, drop=7)


def print_runs(out: Printer, rows: Sequence[RunRow], now: float) -> None:
    """The table; `now` is Unix seconds."""
    columns = list(_COLUMNS)
    cells = [_cells(row, now) for row in rows]
    marks = [short_fork_mark(out.glyphs, row.start) for row in rows]
    if any(marks):
        columns.insert(-1, _FROM)
        for mark, line in zip(marks, cells, strict=True):
            line.insert(-1, mark)
    if any(row.tags for row in rows):
        columns.insert(-1, _TAGS)
        for row, line in zip(rows, cells, strict=True):
            line.insert(-1, Cell(", ".join(row.tags), ("cyan",)))
    print_table(out, columns, cells)


def _cells(row: RunRow, now: float) -> list[str | Cell]:
    end = row.end
    cost = "-" if end is None else "?" if end.cost_usd is None else money(end.cost_usd)
    return [
        Cell(row.start.id, ("bold",)),
        moment(row.start.started, now),
        Cell(row.status, (STATUS_STYLE[row.status],)),
        one_line(row.start.name),
        duration(end.duration_s if end else None),
        count(end.turns if end else None),
        count(end.usage.total if end else None),
        cost,
        Cell(one_line(row.start.task, 200), ("dim",)),
    ]


def row_json(row: RunRow) -> dict[str, Any]:
    """One object of `runs list --json`; `started` is RFC 3339, UTC."""
    return {**row.to_json(), "started": rfc3339(row.start.started)}
