"""A plan of a workflow as the engine goes by it: its templates read, its texts ready to be filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from agentcli.catalog.catalog import parse_agent, parse_workflow
from agentcli.catalog.inputs import convert
from agentcli.catalog.rendering import evaluate, render, resolve_schema
from agentcli.core.agents import AgentTemplate
from agentcli.core.canonical import Json, digest_bytes
from agentcli.core.events import CodeStarted
from agentcli.core.messages import Message
from agentcli.core.models import RequestHead
from agentcli.core.outlines import StepOutline
from agentcli.core.policies import Policy
from agentcli.core.workflows import Action, ForeachRange, Step, WorkflowTemplate
from agentcli.engine.output import OutputSchema
from agentcli.engine.terms import Terms
from agentcli.engine.workflow.ports import Data, Place
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.plan_workflow import models_of
from agentcli.workbench.workflow_plan import WorkflowPlan

Now = Callable[[], str]


@dataclass(frozen=True)
class WorkflowTerms:
    """The terms of one era of a run of a workflow."""

    plan: WorkflowPlan

    @cached_property
    def templates(self) -> dict[str, WorkflowTemplate]:
        """The workflows by their keys."""
        return {key: parse_workflow(flow.source, flow.path) for key, flow in self.plan.flows.items()}

    @cached_property
    def agents(self) -> dict[str, AgentTemplate]:
        """The agents' templates by name."""
        return {name: parse_agent(agent.source, agent.path) for name, agent in self.plan.agents.items()}

    @cached_property
    def steps(self) -> dict[str, dict[str, Step]]:
        """The steps of each workflow by their ids."""
        return {
            key: dict(zip(template.step_ids(), template.steps, strict=True)) for key, template in self.templates.items()
        }

    @cached_property
    def policies(self) -> dict[str, Policy]:
        """The rules for the calls of each part of the plan, by its key there."""
        return {key: part.policy.to_policy() for key, part in self.plan.parts.items()}

    @property
    def outline(self) -> tuple[StepOutline, ...]:
        """The steps of the run, in the order in which they are written; a run for each of many rows has none itself."""
        if self.plan.each is not None:
            return ()
        return tuple(
            StepOutline(name, step.name, items_of(step)) for name, step in self.steps[self.plan.workflow].items()
        )

    def under(self, plan: WorkflowPlan) -> WorkflowTerms:
        """The terms of a plan that differs from this one only in what runs have of their own: inputs, and which row."""
        terms = WorkflowTerms(plan)
        for name in ("templates", "agents", "steps", "policies"):
            terms.__dict__[name] = getattr(self, name)
        return terms

    def action(self, place: Place) -> Action:
        """The action that stands there."""
        step = self.steps[place.workflow][place.step]
        if place.case is None:
            return step
        return step.cases.get(place.case, step.default or step)

    def agent_at(self, place: Place) -> AgentPlan:
        """Who answers there."""
        return self.plan.agents[self.agent_name(place)]

    def models_at(self, place: Place) -> tuple[str, ...]:
        """The models that are asked there: the command line's, the step's, the agent's."""
        return models_of(self.agent_at(place), self.action(place))

    def agent_name(self, place: Place) -> str:
        """Who that is, by the key in the plan."""
        return self.action(place).agent or self.templates[place.workflow].agent or self.plan.agent

    def of_calls(self, key: str, seconds: float | None) -> Terms:
        """The terms of the calls that steps of a workflow are; `seconds` is the time of one, where the step says it."""
        policy, limits = self.policies[f"workflow:{key}"], self.plan.limits
        return Terms(RequestHead(()), (), limits if seconds is None else replace(limits, tool_seconds=seconds), policy)

    def of_prompt(self, place: Place, data: Data, now: Now) -> Terms:
        """The terms of the conversation that a prompt begins, with all of its texts filled in.

        All that is filled in was let in before, and is not looked at again: a replay would find nothing to replace.
        Raises DefinitionError E-TEMPLATE-RENDER, E-TEMPLATE-SCHEMA; UsageError E-INPUT-….
        """
        name, action = self.agent_name(place), self.action(place)
        agent, template = self.plan.agents[name], self.agents[name]
        given = {key: filled(value, data, now) for key, value in action.inputs.items()}
        inputs = convert(template.inputs, {key: value for key, value in given.items() if value is not None})
        prompt = self.plan.prompts.get(f"{place.workflow}/{place.step}", action.prompt or "")
        step = self.steps[place.workflow][place.step]
        output = action.output or template.output
        schema = None
        if output is not None:
            schema = resolve_schema(output.schema_, inputs=data["inputs"] if action.output is not None else inputs)
        system = Message("system", render(agent.instructions, inputs=inputs, now=now))
        task, code = text_of(prompt, data, now), agent.agent_code
        opening = (system, Message("user", task)) if code is None else (system,) if agent.instructions else ()
        return Terms(
            head=RequestHead(self.models_at(place), agent.tools, agent.settings, schema if code is None else None),
            opening=opening,
            limits=replace(agent.limits, **{**step.limits.given(), "seconds": None}),
            policy=self.policies[f"agent:{name}"],
            output=OutputSchema(schema) if schema is not None else None,
            begins=None if code is None else CodeStarted(digest_bytes(code.text.encode()), task, inputs),
            whole=self.plan.limits,
        )


def items_of(step: Step) -> int | None:
    """How often the step's action is carried out where nothing fails; None where that turns out when it runs."""
    if isinstance(step.foreach, list):
        return len(step.foreach)
    if isinstance(step.foreach, ForeachRange):
        return max(step.foreach.last - step.foreach.first + 1, 0)
    return 1 if step.foreach is None and step.workflow is None else None


def filled(value: Json, data: Data, now: Now) -> Json:
    """The value with every text in it filled in; a text that is one expression becomes that one's value."""
    if isinstance(value, str):
        return evaluate(value, inputs=data["inputs"], now=now, data=others(data))
    if isinstance(value, dict):
        return {name: filled(item, data, now) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, data, now) for item in value]
    return value


def text_of(text: str, data: Data, now: Now) -> str:
    """A text with its expressions filled in."""
    return render(text, inputs=data["inputs"], now=now, data=others(data))


def others(data: Data) -> Mapping[str, Any]:
    """What expressions may use beside the inputs."""
    return {name: value for name, value in data.items() if name != "inputs"}
