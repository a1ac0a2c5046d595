"""Carry a recorded run out anew with chosen parts of it real, mocked or failing, and all the rest from the record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentcli.core.agents import ToolUse
from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import RunStarted
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.keeping import KEEP_FILES
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink, ModelProvider
from agentcli.workbench.agent_run import Parts, agent_of, terms_of
from agentcli.workbench.boundaries import Boundaries, BoundaryTools, RecordedModel
from agentcli.workbench.fork_files import files_to_restore, make_workspace, workspace_folder
from agentcli.workbench.going_on import code_on, plan_on, policy_on, settling, tools_on, workspace_on
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.recorded_code import RecordedCode
from agentcli.workbench.recorded_run import RecordedRun, read_run, recording_of
from agentcli.workbench.run_agent import main_of, start_of, unpriced
from agentcli.workbench.system_clock import SystemClock

if TYPE_CHECKING:
    from agentcli.workbench.agent_plan import AgentPlan
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class RerunRequest:
    """Which run, what of it is not answered from the record, and which files its live tools work on."""

    run: str
    bounds: Boundaries = field(default_factory=Boundaries)
    files: Literal["snapshots", "current"] = "snapshots"


async def rerun(
    bench: Workbench,
    request: RerunRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
) -> RunOutcome:
    """Begin a run of its own, a fork of the recorded one at 0, and carry it to its end.

    Only live tools are executed, on files as they were before the run, by this machine's policy. The manifest says in
    `policy.answered` how each other tool was answered. A divergence ends the run with exit code 6.
    Raises UsageError, DefinitionError, StorageError, ModelError before anything is written.
    """
    run = read_run(bench, request.run)
    plan = _planned(bench, run, request.bounds)
    async with own_code(bench) as code:
        return await _rerun(bench, request, (run, plan), code, approver, sinks, interrupt or Interrupt())


async def _rerun(
    bench: Workbench,
    request: RerunRequest,
    planned: tuple[RecordedRun, AgentPlan],
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
) -> RunOutcome:
    run, plan = planned
    admission = Admission(bench.redactor)
    tools = BoundaryTools(run, plan, request.bounds, bench.places.private, bench.redactor)
    providers = bench.open_providers()
    try:
        model: ModelProvider = RecordedModel(recording_of(bench, run.id, run.events))
        if request.bounds.model:
            model = providers.open(plan.models)
            plan = replace(plan, unpriced=await unpriced(providers, plan))
        start = start_of(plan, "0" * 64, run.id, "fork", 0)
        with ExitStack() as stack:
            if request.bounds.live:
                plan = replace(plan, workspace=str(_own_files(bench, run, plan, request, start.id)))
                plan = await code_on(bench, replace(plan, uses=_live_uses(plan, request.bounds)), code)
                workspace, tools.real = tools_on(bench, plan, code)
                plan = replace(plan, uses=run.plans[-1].uses)
                stack.enter_context(closing(workspace))
            manifest = encode(plan.to_json())
            start = replace(start, manifest=digest_bytes(manifest))
            terms = [terms_of(bench, plan)]
            log = bench.journal.begin(start)
            log.put(manifest)
            settle = settling(approver, "ask", {})
            door = Effects(start.id, log, SystemClock(), sinks=sinks, parent=run.id, settle=settle)
            said = _said(bench, run)
            parts = Parts(lambda _: model, lambda _key, _plan: tools, approver, admission, code=lambda _: said)
            agent = agent_of(plan, door, log, parts, terms)
            started = RunStarted("agent", plan.agent, start.model, plan.task, plan.inputs, start.manifest)
            main, seconds = main_of(plan, agent), plan.limits.seconds
            return await execute(door, log, agent.budget, started, main, interrupt, admission, seconds=seconds)
    finally:
        await to_the_end(providers.aclose())


def _planned(bench: Workbench, run: RecordedRun, bounds: Boundaries) -> AgentPlan:
    plan = run.plans[-1]
    answered = bounds.answered(plan.tools)
    if plan.agent_code is not None:
        answered[KEEP_FILES.name] = "recorded"
    if bounds.model:
        plan = plan_on(bench, plan, {})
    else:
        plan = replace(plan, policy=policy_on(bench, plan), model_reason=f"from the record of {run.id}", unpriced=())
    return replace(plan, policy=replace(plan.policy, answered=answered))


def _said(bench: Workbench, run: RecordedRun) -> RecordedCode:
    """What a custom agent's code said, in place of the code."""
    return RecordedCode(recording_of(bench, run.id, run.events))


def _live_uses(plan: AgentPlan, bounds: Boundaries) -> tuple[ToolUse, ...]:
    """The uses that live tools are among: the code of all others does not run."""
    sources = {spec.source for spec in plan.tools if spec.name in bounds.live}
    return tuple(use for use in plan.uses if use.name in bounds.live or use.python_file in sources)


def _own_files(bench: Workbench, run: RecordedRun, plan: AgentPlan, request: RerunRequest, new: str) -> Path:
    """Where the live tools work: on files as they were before the run, unless the present ones are asked for."""
    source = workspace_on(bench, plan)
    if request.files == "current":
        return source
    files = files_to_restore(bench, run.row, run.events, 0)
    return make_workspace(bench, source, workspace_folder(bench, new), files).target
