"""The rows of `--each` as they are printed: a line of JSON for each, in their order, and a table at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.quantity import duration, money
from agentcli.cli.render.table import Cell, Column, print_table
from agentcli.cli.render.text import one_line
from agentcli.core.events import RowCompleted
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus

if TYPE_CHECKING:
    from agentcli.core.canonical import Json

FIRST_FAILURES = 3
"""So many rows that failed are named."""

_COLUMNS = (
    Column("STATUS"),
    Column("ROWS", right=True),
    Column("TURNS", right=True),
    Column("TOKENS", right=True),
    Column("COST", right=True),
    Column("MEAN TIME", right=True),
)


@dataclass(slots=True)
class _Sum:
    rows: int = 0
    turns: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0
    seconds: float = 0.0

    def add(self, end: RowCompleted) -> None:
        self.rows += 1
        self.turns += end.turns
        self.usage += end.usage
        known = self.cost_usd is not None and end.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (end.cost_usd or 0.0) if known else None
        self.seconds += end.duration_s

    def cells(self, status: str) -> list[Cell]:
        style: Style = "green" if status == "completed" else "red"
        tokens, mean = f"{self.usage.total:,}", duration(self.seconds / self.rows)
        texts = [f"{self.rows:,}", f"{self.turns:,}", tokens, money(self.cost_usd), mean]
        return [Cell(status, (style,)), *map(Cell, texts)]


class RowLines:
    """See `RowsOut`. `write` takes a line as JSON; None where the lines go nowhere. A row that is ready waits for those
    before it. What cannot be written is in `error`, and nothing is written after it: the rows are on record.
    """

    def __init__(self, write: Callable[[Json], None] | None, *, is_result: bool = False) -> None:
        self._is_result = is_result
        self.error: Exception | None = None
        self._write = write
        self._next = 1
        self._waiting: dict[int, tuple[Json, RowCompleted]] = {}
        self._sums: dict[RunStatus, _Sum] = {}
        self._failures: list[RowCompleted] = []

    @property
    def any(self) -> bool:
        """Whether there was a row."""
        return bool(self._sums)

    @property
    def is_result(self) -> bool:
        """Whether the rows are what the run gives: known beforehand, or because there was one."""
        return self._is_result or self.any

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        """See `RowsOut`."""
        self._sums.setdefault(end.status, _Sum()).add(end)
        if end.status != "completed":
            self._failures = sorted([*self._failures, end], key=lambda one: one.row)[:FIRST_FAILURES]
        if self._write is None:
            return
        self._waiting[row] = (given, end)
        while self._next in self._waiting:
            self._line(*self._waiting.pop(self._next))
            self._next += 1

    def close(self) -> None:
        """Write those that wait for a row that never came."""
        for row in sorted(self._waiting):
            self._line(*self._waiting.pop(row))

    def print_table(self, err: Printer) -> None:
        """How many rows came to which end, what they took, and the first that failed."""
        for end in self._failures:
            told = f": {one_line(end.error.what)} ({end.error.code})" if end.error is not None else ""
            err.line(err.style(f"row {end.row} {end.status}{told}", "red"))
        print_table(err, _COLUMNS, [found.cells(status) for status, found in sorted(self._sums.items())])

    def _line(self, given: Json, end: RowCompleted) -> None:
        if self.error is not None or self._write is None:
            return
        error = end.error.to_json() if end.error is not None else None
        line = {"row": end.row, "status": end.status, "input": given, "output": end.output}
        try:
            self._write({**line, "error": error, "run": end.child})
        except Exception as failed:
            self.error = failed
