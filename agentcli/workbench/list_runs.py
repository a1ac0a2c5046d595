"""List runs."""

from __future__ import annotations

from agentcli.core.runs import RunQuery, RunRow
from agentcli.workbench.wiring import Workbench


def list_runs(bench: Workbench, query: RunQuery) -> list[RunRow]:
    """The runs that fit, newest first. Raises StorageError."""
    return bench.journal.runs(query)
