"""Going on live after what is on record: the common end of resuming and forking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import RunStarted
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Settle
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Approver, EventSink
from agentcli.engine.recording import Recording
from agentcli.tools.registry import ToolRegistry
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.carrying import Plan, carrying, seconds_of
from agentcli.workbench.going_on import workspace_of
from agentcli.workbench.own_code import OwnCode
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.row_files import RowFiles
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.workflow_plan import WorkflowPlan

if TYPE_CHECKING:
    from agentcli.journal.run_log import SqliteRunLog
    from agentcli.workbench.row_runs import RowsOut
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class Continuation:
    """A run with a record: its first event, the plan in force, the terms of its eras, what is on record, its code.

    `happened` are the lanes of calls in doubt whose results are given. `out` is told of rows.
    """

    started: RunStarted
    plan: Plan
    terms: Sequence[Any]
    recording: Recording
    parent: str | None
    code: OwnCode
    happened: frozenset[str] = frozenset()
    out: RowsOut | None = None


async def continue_run(
    bench: Workbench,
    run: Continuation,
    log: SqliteRunLog,
    approver: Approver,
    settle: Settle,
    sinks: Sequence[EventSink],
    interrupt: Interrupt | None,
) -> RunOutcome:
    """Carry the run to its end. The log is given up whatever happens."""
    admission = Admission(bench.redactor)
    providers = bench.open_providers()
    try:
        workspace = workspace_of(bench, run.plan)
        try:
            registry = ToolRegistry(bench.tool_context(workspace))
            tools = part_tools(registry, run.code, run.plan.limits.tool_seconds)
            interrupt = interrupt or Interrupt()
            parts = Parts(providers.open, tools, approver, admission, run.happened, RowFiles(workspace))
            parts = _with_rows(bench, run, parts, log, interrupt, settle)
            playback = Playback(run.recording, "live")
            door = Effects(
                log.run,
                log,
                SystemClock(),
                sinks=sinks,
                parent=run.parent,
                playback=playback,
                seq=run.recording.last_seq,
                settle=settle,
            )
            main, budget = carrying(door, log, parts, run.terms, run.plan)
            seconds = seconds_of(run.plan)
            return await execute(door, log, budget, run.started, main, interrupt, admission, seconds=seconds)
        finally:
            workspace.close()
    finally:
        await log.abandon()
        await to_the_end(providers.aclose())


def _with_rows(
    bench: Workbench, run: Continuation, parts: Parts, log: SqliteRunLog, interrupt: Interrupt, settle: Settle
) -> Parts:
    """The parts of a run that is the parent of rows' runs; those of any other as they are."""
    if not isinstance(run.plan, WorkflowPlan) or run.plan.each is None:
        return parts
    from agentcli.workbench.row_runs import Parent, RowRuns, shared

    terms, recorded = run.terms[-1], run.recording.last_seq
    manifest = digest_bytes(encode(run.plan.to_json()))
    parent = Parent(log.run, log, terms, manifest, interrupt, settle, recorded, out=run.out)
    return replace(parts, rows=RowRuns(bench, parent, shared(parts)))
