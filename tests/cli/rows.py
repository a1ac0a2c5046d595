"""Events of a run for each of many rows, made by hand, for what renders them."""

from __future__ import annotations

from typing import Any

from agentcli.core.events import RowCompleted, RowsRead, RowStarted
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus
from agentcli.errors import ErrorInfo
from tests.cli.events import DIGEST
from tests.cli.steps import Told, outlined

DOWN = ErrorInfo("E-STEP-CALL", "The call was\x1b[2J no success.", "It is down.", "Look at it.")


def began(rows: int, **changes: Any) -> list[Told]:
    """The run, and that its rows were read."""
    return [(outlined(**changes), ""), read(1, rows)]


def read(first: int, rows: int, *, more: bool = False) -> Told:
    return (RowsRead("rows.csv", first, rows, DIGEST, more), "")


def run_of(row: int) -> str:
    return f"20261121-081533-{row:06}"


def begun(row: int) -> Told:
    return (RowStarted(row, run_of(row), {"n": row}), f"row.{row}")


def ended(row: int, status: RunStatus = "completed", cost_usd: float | None = 0.001, attempt: int = 1) -> Told:
    error = None if status == "completed" else DOWN
    lane = f"row.{row}" if attempt == 1 else f"row.{row}/attempt.{attempt}"
    return (RowCompleted(row, run_of(row), status, None, error, Usage(90, 10), cost_usd, 1.5, 2), lane)


def unable(row: int) -> list[Told]:
    """A row that nothing can be run for."""
    error = ErrorInfo("E-INPUT-UNKNOWN", "There is no input `m`.", "", "")
    end = RowCompleted(row, None, "failed", None, error, Usage(), 0.0, 0.0, 0)
    return [(RowStarted(row, None, {"m": 1}), f"row.{row}"), (end, f"row.{row}")]
