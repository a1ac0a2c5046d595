"""Going on live after what is on record: the common end of resuming and forking."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentcli.core.events import RunStarted
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Settle
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Approver, EventSink
from agentcli.engine.recording import Recording
from agentcli.engine.terms import Terms
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.agents_code import confined_code
from agentcli.workbench.carrying import Plan, carrying
from agentcli.workbench.going_on import tools_on
from agentcli.workbench.own_code import OwnCode
from agentcli.workbench.rehearse import Closed
from agentcli.workbench.run_agent import model_for, opened
from agentcli.workbench.system_clock import SystemClock

if TYPE_CHECKING:
    from agentcli.journal.run_log import SqliteRunLog
    from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True, slots=True)
class Continuation:
    """A run with a record: its first event, the plan in force, the terms of its eras, what is on record, its code.

    `happened` are the lanes of calls in doubt whose results are given.
    """

    started: RunStarted
    plan: Plan
    terms: Sequence[Terms]
    recording: Recording
    parent: str | None
    code: OwnCode
    happened: frozenset[str] = frozenset()


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
    try:
        workspace, tools = tools_on(bench, run.plan, run.code)
        async with AsyncExitStack() as stack:
            stack.enter_context(closing(workspace))
            providers = await stack.enter_async_context(opened(bench))
            code = await stack.enter_async_context(confined_code(bench, run.plan, lambda: workspace))
            model = model_for(providers, run.plan) if isinstance(run.plan, AgentPlan) else Closed()
            parts = Parts(model, tools, approver, admission, run.happened, code)
            playback, seq = Playback(run.recording, "live"), run.recording.last_seq
            door = Effects(
                log.run,
                log,
                SystemClock(),
                sinks=sinks,
                parent=run.parent,
                playback=playback,
                seq=seq,
                settle=settle,
            )
            main, budget = carrying(door, log, parts, run.terms, run.plan)
            interrupt, seconds = interrupt or Interrupt(), run.plan.limits.seconds
            return await execute(door, log, budget, run.started, main, interrupt, admission, seconds=seconds)
    finally:
        await log.abandon()
