"""What resuming and forking share: how a recorded run goes on live, here and by whoever does it now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from agentcli.catalog.catalog import LoadedAgent, LoadedWorkflow
from agentcli.core.agents import NAME
from agentcli.core.canonical import Digest
from agentcli.core.event_bodies import Body
from agentcli.core.events import Event, RunResumed, ToolCompleted
from agentcli.core.limits import Limits
from agentcli.core.policies import Layer
from agentcli.engine.effect import Settle, leave_in_doubt
from agentcli.errors import AgentcliError, UsageError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.roots import is_copy
from agentcli.tools.registry import Selection, ToolRegistry
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan, versions
from agentcli.workbench.agents_code import with_code_of_today
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.carrying import Plan
from agentcli.workbench.choose_model import BY_FLAG, refuse_foreign_files
from agentcli.workbench.fork_files import WORKSPACES, open_workspace
from agentcli.workbench.limits_given import limits_given
from agentcli.workbench.own_code import OwnCode, selected
from agentcli.workbench.permissions_here import policy_here
from agentcli.workbench.plan_agent import rules_of
from agentcli.workbench.plan_workflow import flow_rules
from agentcli.workbench.recorded_run import Recorded
from agentcli.workbench.rehearse import Rehearsed
from agentcli.workbench.run_agent import refuse_unpriced, unpriced
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.workflow_plan import FlowPlan, WorkflowPlan

if TYPE_CHECKING:
    from agentcli.engine.ports import Approver
    from agentcli.workbench.wiring import Workbench


P = TypeVar("P", bound=AgentPlan | CallPlan | FlowPlan)
A = TypeVar("A", bound=AgentPlan | CallPlan | WorkflowPlan)
W = TypeVar("W", AgentPlan, WorkflowPlan)

_UNTOLD = frozenset({"policy", "versions", "model_reason", "unpriced"})
_PARTS = ("agents", "flows")
"""Fields that change with the machine, or only because the models do."""


def plan_on(bench: Workbench, plan: AgentPlan, limits: Mapping[str, float], models: Sequence[str] = ()) -> AgentPlan:
    """The plan in force from here on: the recorded one, with this machine's rules and limits and the caller's flags.

    What a record says of permissions counts for nothing here, and its limits only where they are lower: it may have
    come from anywhere. Raises UsageError, DefinitionError.
    """
    chosen = tuple(bench.from_here(name) for name in models or bench.options.model or ())
    if not chosen:
        refuse_foreign_files(bench, plan.models, of_project=True)
    return replace(
        plan,
        models=chosen or plan.models,
        model_reason=BY_FLAG if chosen else plan.model_reason,
        policy=policy_on(bench, plan),
        limits=limits_given(limits, bench.loaded.no_more_than_mine(plan.limits)),
        versions=versions(),
    )


def call_on(bench: Workbench, plan: CallPlan, limits: Mapping[str, float]) -> CallPlan:
    """The same for a call by hand: no template adds rules to those of this machine. Raises UsageError."""
    mine = bench.loaded.no_more_than_mine(plan.limits)
    return replace(plan, policy=policy_here(bench), limits=limits_given(limits, mine), versions=versions())


async def priced(bench: Workbench, plan: W) -> W:
    """The plan, if its cost can be counted where it is limited. Raises LimitError E-LIMIT-COST-UNKNOWN."""
    found = replace(plan, unpriced=await unpriced(bench.open_providers(), plan))
    refuse_unpriced(found)
    return found


def workflow_on(
    bench: Workbench, plan: WorkflowPlan, limits: Mapping[str, float], models: Sequence[str] = ()
) -> WorkflowPlan:
    """The same for a workflow: each of its agents and workflows, and the limits of the whole."""
    agents = {name: plan_on(bench, agent, {}, models) for name, agent in plan.agents.items()}
    asked = tuple(bench.from_here(name) for name in models or bench.options.model or ())
    each, whole = plan.each, whole_on(bench, plan.limits)
    if each is not None:  # a limit that is given here holds for all rows together
        each = replace(each, limits=limits_given(limits, whole_on(bench, each.limits)))
    return replace(
        plan,
        agents=agents,
        flows={key: replace(flow, policy=flow_policy_on(bench, flow)) for key, flow in plan.flows.items()},
        models=asked or plan.models,
        limits=limits_given(limits, whole) if each is None else whole,
        versions=versions(),
        each=each,
    )


def whole_on(bench: Workbench, limits: Limits) -> Limits:
    """The limits of a whole workflow, no higher than this user's. How many turns one conversation has is not meant."""
    lowered = bench.loaded.no_more_than_mine(limits)
    return lowered if "turns" in bench.loaded.user_limits else replace(lowered, turns=limits.turns)


def flow_policy_on(bench: Workbench, flow: FlowPlan) -> PolicyPlan:
    """The rules for the calls that the steps of a workflow are: as `policy_on`."""
    ours = _flow_as_it_is_here(bench, flow)
    return _policy(bench, flow.policy, flow_rules(bench, ours) if ours is not None else None)


def _flow_as_it_is_here(bench: Workbench, flow: FlowPlan) -> LoadedWorkflow | None:
    if re.fullmatch(NAME, flow.name) is None:
        return None
    try:
        loaded = bench.catalog.workflow(flow.name)
    except AgentcliError:
        return None
    return loaded if loaded.text == flow.source else None


def policy_on(bench: Workbench, plan: AgentPlan) -> PolicyPlan:
    """The rules of this machine, its flags, and the template's: its own where it is here, else those on record.

    A record may hold the text of a trusted template and beside it rules that were never in it: what it allows is asked.
    """
    ours = _as_it_is_here(bench, plan)
    return _policy(bench, plan.policy, rules_of(bench, ours) if ours is not None else None)


def _policy(bench: Workbench, recorded_policy: PolicyPlan, here: Layer | None) -> PolicyPlan:
    if here is not None:
        rules = [here]
    else:
        recorded = (layer.permissions for layer in recorded_policy.layers if layer.name == "agent")
        # Where nothing is allowed there is nothing to distrust, and nothing that a comparison should tell.
        rules = [Layer("agent", permissions, trusted=not permissions.allow) for permissions in recorded]
    return PolicyPlan((*bench.loaded.permissions, *rules), yes=bench.options.yes, allow=tuple(bench.options.allow))


def _as_it_is_here(bench: Workbench, plan: AgentPlan) -> LoadedAgent | None:
    """The template of this name, if the recorded one is word for word the same; a record names no file by its path."""
    if re.fullmatch(NAME, plan.agent) is None or not bench.catalog.is_agent(plan.agent):
        return None
    try:
        loaded = bench.catalog.agent(plan.agent)
    except AgentcliError:
        return None
    return loaded if loaded.text == plan.source else None


def workspace_on(bench: Workbench, plan: Plan) -> Path:
    """Where the run's tools go on: where they were, if that is a place this command would use by itself.

    Raises UsageError E-RUN-WORKSPACE: a record does not open a folder of its own choice to tools.
    """
    recorded = Path(plan.workspace)
    if bench.options.workspace is not None:
        return bench.workspace
    if recorded in (bench.workspace, bench.workspace.resolve()) or is_copy(recorded, copies_of(bench)):
        return recorded
    raise UsageError(
        "E-RUN-WORKSPACE",
        f"The run worked in {recorded}, which is not the workspace here.",
        why="What a record names is not opened to tools by itself.",
        fix=f"Name it, or another folder: --workspace {recorded}",
    )


def copies_of(bench: Workbench) -> Path:
    """Where forks have their own workspaces."""
    return bench.journal_folder / WORKSPACES


async def code_on(bench: Workbench, plan: A, code: OwnCode) -> A:
    """The plan with the code of its own tools as it is now, loaded. Raises DeniedError, DefinitionError."""
    if isinstance(plan, WorkflowPlan):
        parts = {key: await _part_on(bench, part, code.part(key)) for key, part in plan.parts.items()}
        return cast("A", plan.with_parts(parts))
    return await _part_on(bench, plan, code)


async def _part_on(bench: Workbench, plan: P, code: OwnCode) -> P:
    if isinstance(plan, AgentPlan):
        plan = cast("P", with_code_of_today(bench, plan))
    await code.load(plan.uses, Path(plan.path), Path(plan.workspace), plan.tools)
    return replace(plan, code=tuple(bench.redactor.redact(list(code.sources)))) if code.sources else plan


def tools_on(bench: Workbench, plan: AgentPlan, code: OwnCode) -> tuple[Workspace, Selection]:
    """The plan's tools over its workspace, which whoever asked for them closes. Raises UsageError, DefinitionError."""
    workspace = workspace_of(bench, plan)
    registry = ToolRegistry(bench.tool_context(workspace))
    return workspace, selected(registry, plan.uses, plan.limits.tool_seconds, code)


def workspace_of(bench: Workbench, plan: Plan) -> Workspace:
    """The plan's workspace, which whoever asked for it closes. Raises UsageError."""
    folder = Path(plan.workspace)
    if is_copy(folder, copies_of(bench)):
        return open_workspace(bench, folder)
    return Workspace(folder, private=bench.places.private)


def changes_between(before: Plan, after: Plan) -> dict[str, Any]:
    """The fields of the plan that are not as they were, by name, with their new values."""
    return _changed(before.to_json(), after.to_json())


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as it was. Of a workflow's agents and workflows, only the fields that are not."""
    found = {name: value for name, value in new.items() if old.get(name) != value and name not in _UNTOLD}
    for name in _PARTS:
        if name in found:
            parts = {key: _changed(old.get(name, {}).get(key, {}), part) for key, part in found.pop(name).items()}
            found.update({name: told} if (told := {key: part for key, part in parts.items() if part}) else {})
    return found


def marker_of(run: Recorded, plan: Plan, manifest: Digest, *, retries: bool = False) -> Event:
    """The event with which a run goes on under a plan."""
    clock = SystemClock()
    body = RunResumed(manifest, changes_between(run.plans[-1], plan), retries)
    return Event(run.id, run.events[-1].seq + 1, clock.now(), clock.monotonic(), body, parent=run.row.start.parent)


def refuse_divergence(done: Rehearsed) -> None:
    """Raises DivergenceError where the record cannot be gone on with: the run would not come to where it stopped."""
    if done.playback.divergence is not None:
        raise done.playback.divergence


def settling(approver: Approver, in_doubt: str, results: Mapping[int, str]) -> Settle:
    """How what may have happened is decided: by a given result (by the seq of its intent), a choice, or a person."""

    async def settle(started: Event) -> Body | None:
        given = results.get(started.seq)
        if given is not None:
            return _given(started, given)
        if in_doubt == "retry":
            return None
        if in_doubt == "ask" and await approver.again(started):
            return None
        return await leave_in_doubt(started)

    return settle


def _given(started: Event, text: str) -> ToolCompleted:
    body = started.body.to_json()
    return ToolCompleted(body["tool"], body["call_id"], "ok", text, None, 0.0)
