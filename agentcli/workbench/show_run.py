"""Show one run."""

from __future__ import annotations

from dataclasses import dataclass

from agentcli.core.events import Event
from agentcli.core.runs import RunRow
from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and everything on its record, in order."""

    row: RunRow
    events: list[Event]


def show_run(bench: Workbench, ref: str) -> RunView:
    """The run that `ref` names: an id, a unique part of one, `last`, `last~1`. Raises UsageError, StorageError."""
    row = bench.journal.find(ref)
    return RunView(row, list(bench.journal.events(row.start.id)))
