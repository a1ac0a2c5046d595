"""Runs to count: journals with calls of models and tools whose figures are known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Body,
    ModelCompleted,
    ModelStarted,
    ToolCompleted,
)
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunEnd
from agentcli.core.tools import ToolStatus
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.wiring import Options, Workbench, open_workbench
from tests.fakes.recorded import MANIFEST, NOW, end, event, said, start

MODEL = "fake:model"

Placed = Body | tuple[str, Body]
"""What happens, and the lane where it is not the run's own."""


def opened(folder: Path) -> Workbench:
    """A workbench on a folder, with a home of its own."""
    return open_workbench(Options(cwd=folder, environ={**os.environ, "AGENTCLI_HOME": str(folder / "home")}))


def asking(model: str = MODEL) -> ModelStarted:
    provider, _, name = model.partition(":")
    return ModelStarted(provider, name, RequestDelta(None, 0, (), MANIFEST))


def answer(read: int = 10, written: int = 2, cost: float | None = 0.25, **changes: Any) -> ModelCompleted:
    values: dict[str, Any] = {"finish_reason": "stop", "model": MODEL, "duration_s": 0.5, "attempts": 1}
    return ModelCompleted(said("It is."), Usage(read, written), cost_usd=cost, **{**values, **changes})


def asked(tool: str = "t") -> ApprovalRequested:
    return ApprovalRequested(tool, "c", {}, tool)


def resolved(decision: Any, by: Any, tool: str = "t") -> ApprovalResolved:
    return ApprovalResolved(tool, "c", decision, by)


def called(status: ToolStatus = "ok", seconds: float = 0.1, tool: str = "t") -> ToolCompleted:
    return ToolCompleted(tool, "c", status, "", None, seconds)


async def run_of(
    journal: SqliteJournal, number: int, bodies: Sequence[Placed], ending: RunEnd | None = None, **row: Any
) -> str:
    """The `number`-th run, with these events (in a lane, where one is given); interrupted where it has no ending."""
    log = journal.begin(start(number, **row))
    for item in bodies:
        lane, body = item if isinstance(item, tuple) else ("", item)
        log.append(event(log, body, lane=lane))
    await (log.end(ending) if ending else log.abandon())
    return log.run


def whole(number: int, usage: Usage | None = None, **changes: Any) -> RunEnd:
    """An end of the `number`-th run, five seconds after it began."""
    return end(ended=NOW + 60 * number + 5, usage=usage or Usage(10, 2), **changes)


def copied(journal: SqliteJournal, run: str, cut: int) -> list[Placed]:
    """What a fork takes over."""
    return [(one.lane, one.body) for one in journal.events(run) if one.seq <= cut]
