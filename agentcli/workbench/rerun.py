"""Carry a recorded run out anew with chosen parts of it real, mocked or failing, and all the rest from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from agentcli.core.agents import ToolUse
from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.keeping import KEEP_FILES
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink
from agentcli.sandbox.paths import Workspace
from agentcli.tools.recorded import RecordedTools
from agentcli.tools.registry import ToolRegistry
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan
from agentcli.workbench.agent_run import Parts, terms_of
from agentcli.workbench.boundaries import Boundaries, BoundaryTools, RecordedModel
from agentcli.workbench.carrying import carrying, started_of
from agentcli.workbench.fork_files import files_to_restore, make_workspace, workspace_folder
from agentcli.workbench.going_on import (
    code_on,
    flow_policy_on,
    plan_on,
    policy_on,
    settling,
    workflow_on,
    workspace_of,
    workspace_on,
)
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.recorded_calls import RecordedCalls, RecordedRows
from agentcli.workbench.recorded_code import RecordedCode
from agentcli.workbench.recorded_run import Recorded, read_any, recording_of
from agentcli.workbench.run_agent import start_of, unpriced
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.workflow_plan import FlowPlan, WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench

Plan: TypeAlias = AgentPlan | WorkflowPlan
Part: TypeAlias = AgentPlan | FlowPlan


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
    run = read_any(bench, request.run)
    plan = _planned(bench, run, request.bounds)
    async with own_code(bench) as code:
        return await _rerun(bench, request, (run, plan), code, approver, sinks, interrupt or Interrupt())


async def _rerun(
    bench: Workbench,
    request: RerunRequest,
    planned: tuple[Recorded, Plan],
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
) -> RunOutcome:
    run, plan = planned
    admission = Admission(bench.redactor)
    tools = _boundary_tools(bench, run, plan, request.bounds)
    providers = bench.open_providers()
    try:
        recorded = RecordedModel(recording_of(bench, run.id, run.events))
        models = providers.open if request.bounds.model else lambda _: recorded
        if request.bounds.model:
            providers.open(plan.models)  # what can be wrong with a name is told here, before there is a run
            plan = replace(plan, unpriced=await unpriced(providers, plan))
        start = start_of(plan, "0" * 64, run.id, "fork", 0)
        with ExitStack() as stack:
            if request.bounds.live:
                plan = plan.in_workspace(str(_own_files(bench, run, plan, request, start.id)))
                plan, workspace = await _execute_live(bench, plan, request.bounds, tools, code)
                stack.enter_context(closing(workspace))
            manifest = encode(plan.to_json())
            start = replace(start, manifest=digest_bytes(manifest))
            log = bench.journal.begin(start)
            log.put(manifest)
            settle = settling(approver, "ask", {})
            door = Effects(start.id, log, SystemClock(), sinks=sinks, parent=run.id, settle=settle)
            rows, said = RecordedRows(run.events), RecordedCode(recording_of(bench, run.id, run.events))
            parts = Parts(models, lambda key, _part: tools[key], approver, admission, code=lambda _: said, files=rows)
            main, budget = carrying(door, log, parts, [terms_of(bench, plan)], plan)
            started, seconds = started_of(plan, start.manifest), plan.limits.seconds
            return await execute(door, log, budget, started, main, interrupt, admission, seconds=seconds)
    finally:
        await to_the_end(providers.aclose())


def parts_of(plan: Plan) -> dict[str, Part]:
    """Whoever calls tools in a run by this plan, by the keys that `Parts.tools` is asked with."""
    return {**plan.parts} if isinstance(plan, WorkflowPlan) else {"": plan}


def plan_with(plan: Plan, parts: Mapping[str, Part]) -> Plan:
    """The plan with these parts."""
    return plan.with_parts(parts) if isinstance(plan, WorkflowPlan) else cast("AgentPlan", parts[""])


def _boundary_tools(bench: Workbench, run: Recorded, plan: Plan, bounds: Boundaries) -> dict[str, BoundaryTools]:
    """The tools of each part of the plan. What is answered for one is answered for no other."""
    folder, private = Path(run.plans[-1].workspace), bench.places.private
    parts = parts_of(plan)
    uses = [use for part in parts.values() for use in part.uses]
    calls = RecordedCalls(run.events, RecordedTools(plan.tools, uses, folder, private))
    seconds = plan.limits.tool_seconds
    return {
        key: BoundaryTools(
            RecordedTools(part.tools, part.uses, folder, private),
            calls,
            bounds,
            _seconds(part, seconds),
            bench.redactor,
        )
        for key, part in parts.items()
    }


def _seconds(part: Part, otherwise: float) -> float:
    return part.limits.tool_seconds if isinstance(part, AgentPlan) else otherwise


async def _execute_live(
    bench: Workbench, plan: Plan, bounds: Boundaries, tools: Mapping[str, BoundaryTools], code: OwnCode
) -> tuple[Plan, Workspace]:
    """Let the live tools be executed in the plan's workspace, which whoever asked for that closes; the plan with their
    code.
    """
    real = plan_with(plan, {key: replace(part, uses=_live_uses(part, bounds)) for key, part in parts_of(plan).items()})
    real = await code_on(bench, real, code)
    workspace = workspace_of(bench, real)
    selected = part_tools(ToolRegistry(bench.tool_context(workspace)), code, plan.limits.tool_seconds)
    for key, part in parts_of(real).items():
        tools[key].real = selected(key, part)
    loaded = parts_of(real)
    return plan_with(
        plan, {key: replace(part, code=loaded[key].code) for key, part in parts_of(plan).items()}
    ), workspace


def _planned(bench: Workbench, run: Recorded, bounds: Boundaries) -> Plan:
    plan = cast("Plan", run.plans[-1])
    answered = {**bounds.answered(plan.tools), KEEP_FILES.name: "recorded"}
    if bounds.model:
        plan = workflow_on(bench, plan, {}) if isinstance(plan, WorkflowPlan) else plan_on(bench, plan, {})
    else:
        plan = replace(plan, unpriced=())
    parts = {key: _part_planned(bench, run.id, part, bounds) for key, part in parts_of(plan).items()}
    return plan_with(plan, {key: replace(part, policy=_answering(part, answered)) for key, part in parts.items()})


def _part_planned(bench: Workbench, run: str, part: Part, bounds: Boundaries) -> Part:
    if not isinstance(part, AgentPlan):
        return replace(part, policy=flow_policy_on(bench, part))
    if bounds.model:
        return part
    return replace(part, policy=policy_on(bench, part), model_reason=f"from the record of {run}")


def _answering(part: Part, answered: Mapping[str, str]) -> PolicyPlan:
    own = {spec.name for spec in part.tools}
    if isinstance(part, AgentPlan) and part.agent_code is not None:
        own.add(KEEP_FILES.name)
    return replace(part.policy, answered={name: how for name, how in answered.items() if name in own})


def _live_uses(part: Part, bounds: Boundaries) -> tuple[ToolUse, ...]:
    """The uses that live tools are among: the code of all others does not run."""
    sources = {spec.source for spec in part.tools if spec.name in bounds.live}
    return tuple(use for use in part.uses if use.name in bounds.live or use.python_file in sources)


def _own_files(bench: Workbench, run: Recorded, plan: Plan, request: RerunRequest, new: str) -> Path:
    """Where the live tools work: on files as they were before the run, unless the present ones are asked for."""
    source = workspace_on(bench, plan)
    if request.files == "current":
        return source
    files = files_to_restore(bench, run.row, run.events, 0)
    return make_workspace(bench, source, workspace_folder(bench, new), files).target
