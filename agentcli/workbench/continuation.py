"""Going on live after what is on record: the common end of resuming and forking."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import RunStarted
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Settle
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Approver, EventSink
from agentcli.engine.recording import Recording
from agentcli.tools.registry import ToolRegistry
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.agents_code import confined_code
from agentcli.workbench.carrying import Plan, carrying, seconds_of
from agentcli.workbench.going_on import workspace_of
from agentcli.workbench.own_code import OwnCode
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.row_files import RowFiles
from agentcli.workbench.run_agent import model_for, opened
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
    admission, interrupt = Admission(bench.redactor), interrupt or Interrupt()
    try:
        async with opened(bench) as providers:
            with closing(workspace_of(bench, run.plan)) as workspace:
                tools = part_tools(ToolRegistry(bench.tool_context(workspace)), run.code, run.plan.limits.tool_seconds)
                code, models = confined_code(bench, lambda: workspace), partial(model_for, providers)
                parts = Parts(models, tools, approver, admission, run.happened, code, RowFiles(workspace))
                parts = _with_rows(bench, run, parts, log, interrupt, settle)
                door = _door(run, log, sinks, settle)
                main, budget = carrying(door, log, parts, run.terms, run.plan)
                seconds = seconds_of(run.plan)
                return await execute(door, log, budget, run.started, main, interrupt, admission, seconds=seconds)
    finally:
        await log.abandon()


def _door(run: Continuation, log: SqliteRunLog, sinks: Sequence[EventSink], settle: Settle) -> Effects:
    """The door that answers from the record as long as there is any."""
    playback, seq = Playback(run.recording, "live"), run.recording.last_seq
    clock, parent = SystemClock(), run.parent
    return Effects(log.run, log, clock, sinks=sinks, parent=parent, playback=playback, seq=seq, settle=settle)


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
