"""The plan of a recorded run of a workflow as it would be under edited templates: as `replan` does for an agent's.

What no edited template decides stays as it was recorded. An agent or a workflow that only an edited one names is taken
from the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.catalog.catalog import LoadedAgent, LoadedWorkflow, parse_workflow
from agentcli.core.agents import NAME
from agentcli.core.canonical import Json
from agentcli.core.limits import Limits
from agentcli.core.values import value
from agentcli.core.workflows import Action, WorkflowTemplate
from agentcli.engine.admission import Admission
from agentcli.errors import CheckError, UsageError
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan
from agentcli.workbench.plan_agent import refuse_disabled
from agentcli.workbench.plan_workflow import actions_of, flow_rules, models_of, run_limits, uses_of
from agentcli.workbench.replan import Edit, inputs_under, newly_set, replan, tools_under
from agentcli.workbench.workflow_plan import FlowPlan, WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class Edited:
    """Templates that count instead of the recorded ones, by the names that the plan calls them."""

    agents: Mapping[str, LoadedAgent] = field(default_factory=dict)
    workflows: Mapping[str, LoadedWorkflow] = field(default_factory=dict)


def edited_file(bench: Workbench, plan: WorkflowPlan, path: Path) -> Edited:
    """The template in a file: that of the run's workflow, or of one that it carries out, or of one of its agents.

    Raises UsageError E-AGENT-UNKNOWN, E-REPLAY-TEMPLATE; DefinitionError.
    """
    if not _is_workflow(path):
        agent = bench.catalog.edited_agent(path)
        if agent.template.name not in plan.agents:
            raise _no_part(agent.template.name, "agent", plan)
        return Edited(agents={agent.template.name: agent})
    workflow = bench.catalog.edited_workflow(path)
    keys = [key for key, flow in plan.flows.items() if flow.name == workflow.template.name]
    if not keys:
        raise _no_part(workflow.template.name, "workflow", plan)
    return Edited(workflows=dict.fromkeys(keys, workflow))


def of_today(bench: Workbench, plan: WorkflowPlan) -> Edited:
    """The templates that the plan's names stand for now. A name is a recording's word: it leads to no file by its path.

    Raises CheckError E-TEST-AGENT, E-TEST-WORKFLOW for one that is not here any more; DefinitionError.
    """
    agents = {name: agent_here(bench, name) for name in plan.agents}
    here = set(bench.catalog.names("workflows"))
    workflows = {}
    for key in plan.flows:
        if re.fullmatch(NAME, key) is None and key != plan.workflow:
            continue  # one that is named by its path: it stays as it was recorded
        if key not in here:
            raise _gone("E-TEST-WORKFLOW", "workflow", key)
        workflows[key] = bench.catalog.workflow(key)
    return Edited(agents, workflows)


def agent_here(bench: Workbench, name: str) -> LoadedAgent:
    """The agent that a recording's name stands for now. Raises as `of_today` does."""
    if re.fullmatch(NAME, name) is None or not bench.catalog.is_agent(name):
        raise _gone("E-TEST-AGENT", "agent", name)
    return bench.catalog.agent(name)


def _gone(code: str, kind: str, name: str) -> CheckError:
    return CheckError(
        code,
        f"The {kind} of the recording is not here any more: {name[:100]!r}.",
        why="No template of the project, of yours or of the built-in ones has this name.",
        fix="Bring its template back, or remove the recording.",
    )


def _no_part(name: str, kind: str, plan: WorkflowPlan) -> UsageError:
    from agentcli.definitions.nearest import listed, suggestion

    names = sorted(plan.agents) if kind == "agent" else sorted(flow.name for flow in plan.flows.values())
    return UsageError(
        "E-REPLAY-TEMPLATE",
        f"The run had no {kind} `{name}`.",
        why=f"It had: {listed(names)}." if names else "It had none.",
        fix=suggestion(name, names, "Name the template of its workflow, or of one of its agents."),
    )


def _is_workflow(path: Path) -> bool:
    """Whether a file says that it is one, or has steps; what cannot be read is told by who reads it whole."""
    try:
        text = path.expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^(kind:\s*['\"]?workflow\b|steps:)", text, re.MULTILINE) is not None


async def replan_workflow(bench: Workbench, plan: WorkflowPlan, edited: Edited) -> WorkflowPlan:
    """The plan under other templates. Needs no key, no network and no workspace; no code is run.

    Raises as `replan` does.
    """
    return await _Replanning(bench, plan, edited).whole()


@dataclass(slots=True)
class _Replanning:
    """Goes through what the workflow can reach now, each once."""

    bench: Workbench
    plan: WorkflowPlan
    edited: Edited
    flows: dict[str, FlowPlan] = field(default_factory=dict)
    agents: dict[str, AgentPlan] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)

    async def whole(self) -> WorkflowPlan:
        key = self.plan.workflow
        await self._flow(key)
        plan = replace(self.plan, flows=self.flows, agents=self.agents, models=tuple(dict.fromkeys(self.models)))
        loaded = self.edited.workflows.get(key)
        if loaded is None or loaded.text == self.plan.flows[key].source:
            return plan
        old, new = _recorded(self.plan.flows[key]), loaded.template
        inputs = inputs_under(self.plan.inputs, old.inputs, new.inputs)
        changed = newly_set(old.limits, new.limits, run_limits(self.bench, loaded))
        admitted: dict[str, Json] = Admission(self.bench.redactor).admit(inputs)
        return replace(plan, inputs=admitted, limits=replace(plan.limits, **changed))

    async def _flow(self, key: str) -> None:
        self.flows[key] = flow = self._flow_plan(key)
        template = _recorded(flow)
        for action in actions_of(template):
            if action.prompt is not None:
                await self._prompt(action, template)
            elif action.workflow is not None and action.workflow not in self.flows:
                await self._flow(action.workflow)

    def _flow_plan(self, key: str) -> FlowPlan:
        recorded, loaded = self.plan.flows.get(key), self.edited.workflows.get(key)
        if recorded is not None and (loaded is None or loaded.text == recorded.source):
            return recorded
        loaded = loaded or self.bench.catalog.workflow(key)
        uses, policy = uses_of(loaded.template), PolicyPlan((), yes=False)
        recorded = recorded or replace(self.plan.flows[self.plan.workflow], source="", tools=(), uses=(), code=())
        old = _recorded(recorded) if recorded.source else None
        same_rules = old is not None and (old.permissions, old.tools) == (
            loaded.template.permissions,
            loaded.template.tools,
        )
        others = (layer for layer in recorded.policy.layers if layer.name != "agent")
        policy = replace(recorded.policy, layers=(*others, flow_rules(self.bench, loaded)))
        return replace(
            recorded,
            name=loaded.template.name,
            path=str(loaded.path),
            source=Admission(self.bench.redactor).admit(loaded.text),
            tools=recorded.tools if uses == recorded.uses else tools_under(uses, self.plan.tools, recorded.workspace),
            uses=uses,
            policy=recorded.policy if same_rules else policy,
        )

    async def _prompt(self, action: Action, template: WorkflowTemplate) -> None:
        name = action.agent or template.agent or self.plan.agent
        if name not in self.agents:
            self.agents[name] = await self._agent(name)
        self.models += models_of(self.agents[name], action)

    async def _agent(self, name: str) -> AgentPlan:
        recorded, loaded = self.plan.agents.get(name), self.edited.agents.get(name)
        if recorded is not None:
            return recorded if loaded is None else await replan(self.bench, recorded, loaded, PartEdit)
        loaded = loaded or self.bench.catalog.agent(name)
        refuse_disabled(loaded.template)
        return await replan(self.bench, self._blank(name), loaded, PartEdit)

    def _blank(self, name: str) -> AgentPlan:
        """What an agent that the run did not have is begun from: another one of it, with nothing of its own."""
        source = f"version: 1\nkind: agent\nname: {name}\ninstructions: none\n"
        pattern = next(iter(self.plan.agents.values()), None)
        if pattern is None:
            raise _no_part(name, "agent", self.plan)
        limits = Limits(turns=pattern.limits.turns, tool_seconds=pattern.limits.tool_seconds)
        return replace(
            pattern, agent=name, source=source, instructions="none", tools=(), uses=(), limits=limits, code=()
        )


class PartEdit(Edit):
    """An edit of an agent that is a part of a workflow: what its texts are filled in with comes with each step."""

    def _inputs(self) -> dict[str, Json]:
        return {}

    def _instructions(self, inputs: dict[str, Json]) -> str:
        return self.plan.instructions if self._keeps("instructions") else self.new.instructions or ""

    def _output_schema(self, inputs: dict[str, Json]) -> dict[str, Any] | None:
        return None


def _recorded(flow: FlowPlan) -> WorkflowTemplate:
    return parse_workflow(flow.source, f"{flow.path} (as recorded)")
