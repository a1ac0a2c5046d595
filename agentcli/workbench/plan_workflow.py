"""Decide a run of a workflow: all that it can reach, its inputs, rules and limits become one plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from agentcli.catalog.inputs import convert, unknown_input
from agentcli.core.agents import InputSpec, Permissions, ToolUse
from agentcli.core.limits import Limits
from agentcli.core.policies import Layer
from agentcli.core.values import value
from agentcli.core.workflows import Action, WorkflowTemplate
from agentcli.engine.admission import Admission
from agentcli.engine.limits import NO_LIMITS
from agentcli.tools.registry import permissions_of
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan, versions
from agentcli.workbench.agents_code import runnable_code
from agentcli.workbench.choose_model import BY_FLAG, choose_models, choose_models_if_any, refuse_foreign_files
from agentcli.workbench.limits_given import limits_given
from agentcli.workbench.plan_agent import limits_of, refuse_disabled, rules_of, settings_of
from agentcli.workbench.workflow_plan import Each, FlowPlan, WorkflowPlan

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedAgent, LoadedWorkflow
    from agentcli.workbench.own_code import OwnCode
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class WorkflowRequest:
    """Which workflow (a name or a path), with which inputs (texts, JSON values). `limits` overrides the template's."""

    workflow: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    each: EachRequest | None = None


@value(frozen=True, slots=True)
class EachRequest:
    """That the workflow is to be run for each row of a source: a file's name, or `-`. Then `limits` hold for all rows.

    `concurrency` rows are at work at a time; None leaves it to the template.
    """

    source: str
    concurrency: int | None = None


async def plan_workflow(
    bench: Workbench, request: WorkflowRequest, admission: Admission, code: OwnCode
) -> WorkflowPlan:
    """The plan, free of secrets. Raises AgentcliError; the code of people's own tools is loaded."""
    loaded = bench.catalog.workflow(request.workflow)
    inputs = admission.admit(_inputs(loaded.template.inputs, request))
    planning = _Planning(bench, code)
    key = loaded.template.name
    await planning.flow(key, loaded)
    plan = WorkflowPlan(
        workflow=key,
        flows=planning.flows,
        agents=planning.agents,
        agent=bench.settings.agent,
        models=tuple(dict.fromkeys(planning.models)),
        limits=limits_given({} if request.each is not None else request.limits, run_limits(bench, loaded)),
        inputs=inputs,
        workspace=str(bench.workspace),
        versions=versions(),
        each=_each(request, loaded.template),
    )
    return WorkflowPlan.from_json(admission.admit(plan.to_json()))


def _inputs(specs: Mapping[str, InputSpec], request: WorkflowRequest) -> dict[str, Any]:
    """The inputs, converted; of a run for each row what is given for all of them, as it is, once it is seen to fit."""
    given = dict(request.inputs)
    if request.each is None:
        return convert(specs, given)
    if any(name not in specs for name in given):
        raise unknown_input(next(name for name in given if name not in specs), specs)
    convert({name: specs[name] for name in given}, given)
    return given


def _each(request: WorkflowRequest, template: WorkflowTemplate) -> Each | None:
    if (each := request.each) is None:
        return None
    return Each(each.source, each.concurrency or template.concurrency, limits_given(request.limits, NO_LIMITS))


def run_limits(bench: Workbench, loaded: LoadedWorkflow) -> Limits:
    """What all steps together may use up: the workflow's limits over the settings'.

    How many turns a run has by default is meant for one conversation: it holds for each prompt, not for the whole.
    """
    given, of_project = loaded.template.limits, loaded.source == "project"
    limits = bench.loaded.limits(given, of_project=of_project)
    turns = limits.turns if given.turns is not None else bench.loaded.user_limits.get("turns")
    return replace(limits, turns=int(turns) if turns is not None else None)


def actions_of(template: WorkflowTemplate) -> Iterator[Action]:
    """Every action that the steps may come to."""
    for step in template.steps:
        if step.switch is None:
            yield step
        yield from step.cases.values()
        if step.default is not None:
            yield step.default


def uses_of(template: WorkflowTemplate) -> tuple[ToolUse, ...]:
    """The tools that the steps call, set up as the template says, or as they are where it does not say."""
    listed = {use.name for use in template.tools}
    called = dict.fromkeys(str(action.tool) for action in actions_of(template) if action.tool is not None)
    return (*template.tools, *(ToolUse(name=name) for name in called if name not in listed and _is_plain(name)))


def _is_plain(name: str) -> bool:
    """Whether a tool can be used by its name alone; the tools of a Python file come with the file."""
    from agentcli.tools.registry import BUILT_IN

    return name in BUILT_IN


class _Planning:
    """Goes through everything that the workflow can reach, each once."""

    def __init__(self, bench: Workbench, code: OwnCode) -> None:
        self.flows: dict[str, FlowPlan] = {}
        self.agents: dict[str, AgentPlan] = {}
        self.models: list[str] = []
        self._bench = bench
        self._code = code

    async def flow(self, key: str, loaded: LoadedWorkflow) -> None:
        template, uses = loaded.template, uses_of(loaded.template)
        code = self._code.part(f"workflow:{key}")
        await code.load(uses, loaded.path, self._bench.workspace)
        self.flows[key] = FlowPlan(
            name=template.name,
            path=str(loaded.path),
            source=loaded.text,
            tools=tuple(self._bench.tools.select(uses, code).specs()),
            uses=uses,
            policy=PolicyPlan(
                (*self._bench.loaded.permissions, flow_rules(self._bench, loaded)),
                yes=self._bench.options.yes,
                allow=tuple(self._bench.options.allow),
            ),
            workspace=str(self._bench.workspace),
            code=code.sources,
        )
        for action in actions_of(template):
            if action.prompt is not None:
                await self._prompt(action, loaded)
            elif action.workflow is not None and action.workflow not in self.flows:
                await self.flow(action.workflow, self._bench.catalog.workflow(action.workflow))

    async def _prompt(self, action: Action, loaded: LoadedWorkflow) -> None:
        refuse_foreign_files(self._bench, action.model or (), of_project=loaded.source == "project")
        name = action.agent or loaded.template.agent or self._bench.settings.agent
        if name not in self.agents:
            self.agents[name] = await self._agent(name, self._bench.catalog.agent(name))
        self.models += models_of(self.agents[name], action)

    async def _agent(self, name: str, loaded: LoadedAgent) -> AgentPlan:
        bench, template = self._bench, loaded.template
        refuse_disabled(template)
        agent_code = runnable_code(bench, loaded)
        models, reason = await (choose_models_if_any if agent_code else choose_models)(bench, loaded)
        code = self._code.part(f"agent:{name}")
        await code.load(template.tools, loaded.path, bench.workspace)
        layers = (*bench.loaded.permissions, rules_of(bench, loaded))
        return AgentPlan(
            agent=template.name,
            path=str(loaded.path),
            source=loaded.text,
            instructions=template.instructions or "",
            models=models,
            model_reason=reason,
            tools=tuple(bench.tools.select(template.tools, code).specs()),
            uses=template.tools,
            policy=PolicyPlan(layers, yes=bench.options.yes, allow=tuple(bench.options.allow)),
            limits=limits_of(bench, loaded),
            settings=settings_of(bench, template),
            output_schema=None,
            inputs={},
            task="",
            message="",
            history=(),
            workspace=str(bench.workspace),
            versions=versions(),
            code=code.sources,
            agent_code=agent_code,
        )


def models_of(agent: AgentPlan, action: Action) -> tuple[str, ...]:
    """The models that a prompt asks: the command line's, else the step's, else the agent's."""
    return action.model if action.model and agent.model_reason != BY_FLAG else agent.models


def flow_rules(bench: Workbench, loaded: LoadedWorkflow) -> Layer:
    """A workflow's own rules and those of its tools' options; a project's are as trusted as the project."""
    own, of_tools = loaded.template.permissions, permissions_of(loaded.template.tools)
    rules = Permissions(**{name: (*mine, *getattr(of_tools, name)) for name, mine in own})
    return Layer("agent", rules, loaded.source != "project" or bench.loaded.trusted)
