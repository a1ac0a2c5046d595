"""List runs."""

from __future__ import annotations

from dataclasses import replace

from agentcli.core.runs import RunQuery, RunRow
from agentcli.workbench.wiring import Workbench


def list_runs(bench: Workbench, query: RunQuery, of: str | None = None) -> list[RunRow]:
    """The runs that fit, newest first; only forks and children of a run, where `of` names one.

    Raises UsageError for a run that is not there, StorageError.
    """
    if of is not None:
        query = replace(query, parent=bench.journal.find(of).start.id)
    return bench.journal.runs(query)
