"""Show one run."""

from __future__ import annotations

from agentcli.core.events import Event
from agentcli.core.runs import RunRow
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class RunView:
    """A run and everything on its record, in order; with `damage`, what of it can still be read."""

    row: RunRow
    events: list[Event]
    damage: StorageError | None = None


def show_run(bench: Workbench, ref: str) -> RunView:
    """The run that `ref` names: an id, a unique part of one, `last`, `last~1`. Raises UsageError, StorageError."""
    row = bench.journal.find(ref)
    try:
        return RunView(row, list(bench.journal.events(row.start.id)))
    except StorageError as damage:
        return RunView(row, bench.journal.intact(row.start.id), damage)
