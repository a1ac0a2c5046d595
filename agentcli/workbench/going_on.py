"""What resuming and forking share: how a recorded run goes on live, here and by whoever does it now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agentcli.catalog.catalog import LoadedAgent
from agentcli.core.agents import NAME
from agentcli.core.event_bodies import Body
from agentcli.core.events import Event, ToolCompleted
from agentcli.core.policies import Layer
from agentcli.engine.effect import Settle, leave_in_doubt
from agentcli.errors import AgentcliError, UsageError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.roots import is_copy
from agentcli.tools.registry import Selection, ToolRegistry
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan, versions
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.carrying import Plan
from agentcli.workbench.choose_model import BY_FLAG, refuse_foreign_files
from agentcli.workbench.fork_files import WORKSPACES, open_workspace
from agentcli.workbench.limits_given import limits_given
from agentcli.workbench.own_code import OwnCode, selected
from agentcli.workbench.permissions_here import policy_here
from agentcli.workbench.plan_agent import rules_of
from agentcli.workbench.rehearse import Rehearsed
from agentcli.workbench.run_agent import refuse_unpriced, unpriced

if TYPE_CHECKING:
    from agentcli.engine.ports import Approver
    from agentcli.workbench.wiring import Workbench


P = TypeVar("P", AgentPlan, CallPlan)

_UNTOLD = frozenset({"policy", "versions", "model_reason", "unpriced"})
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


async def priced(bench: Workbench, plan: AgentPlan) -> AgentPlan:
    """The plan, if its cost can be counted where it is limited. Raises LimitError E-LIMIT-COST-UNKNOWN."""
    found = replace(plan, unpriced=await unpriced(bench.open_providers(), plan))
    refuse_unpriced(found)
    return found


def policy_on(bench: Workbench, plan: AgentPlan) -> PolicyPlan:
    """The rules of this machine, its flags, and the template's: its own where it is here, else those on record.

    A record may hold the text of a trusted template and beside it rules that were never in it: what it allows is asked.
    """
    ours = _as_it_is_here(bench, plan)
    if ours is not None:
        rules = [rules_of(bench, ours)]
    else:
        recorded = (layer.permissions for layer in plan.policy.layers if layer.name == "agent")
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


async def code_on(bench: Workbench, plan: P, code: OwnCode) -> P:
    """The plan with the code of its own tools as it is now, loaded. Raises DeniedError, DefinitionError."""
    await code.load(plan.uses, Path(plan.path), Path(plan.workspace), plan.tools)
    return replace(plan, code=tuple(bench.redactor.redact(list(code.sources)))) if code.sources else plan


def tools_on(bench: Workbench, plan: Plan, code: OwnCode) -> tuple[Workspace, Selection]:
    """The plan's tools over its workspace, which whoever asked for them closes. Raises UsageError, DefinitionError."""
    folder = Path(plan.workspace)
    if is_copy(folder, copies_of(bench)):
        workspace = open_workspace(bench, folder)
    else:
        workspace = Workspace(folder, private=bench.places.private)
    return workspace, selected(ToolRegistry(bench.tool_context(workspace)), plan, code)


def changes_between(before: Plan, after: Plan) -> dict[str, Any]:
    """The fields of the plan that are not as they were, by name, with their new values."""
    old, new = before.to_json(), after.to_json()
    return {name: value for name, value in new.items() if old.get(name) != value and name not in _UNTOLD}


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
