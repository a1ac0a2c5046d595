"""A workflow's run put together: the engine's ports, from its plans and from what it reaches the outside through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentcli.catalog.inputs import convert
from agentcli.core.canonical import Json
from agentcli.core.events import rfc3339
from agentcli.core.workflows import WorkflowTemplate
from agentcli.engine.effects import Effects
from agentcli.engine.limits import NO_LIMITS, Budget
from agentcli.engine.ports import RunLog, ToolSet
from agentcli.engine.scope import Scope
from agentcli.engine.terms import OnDemand
from agentcli.engine.tool_calls import ToolCalls
from agentcli.engine.workflow import ports
from agentcli.engine.workflow.graph_run import GraphRun
from agentcli.engine.workflow.ports import Data, Place
from agentcli.workbench.agent_run import Agent, Parts, agent_with
from agentcli.workbench.run_agent import refuse_unpriced, warn_of_deprecated
from agentcli.workbench.workflow_terms import WorkflowTerms, filled

if TYPE_CHECKING:
    from agentcli.workbench.workflow_plan import WorkflowPlan


class WorkflowRun:
    """A run of a workflow under the terms of each of its eras; the first ones decide which steps there are.

    It is the engine's `Expressions`, `Workflows` and `Agents` at once.
    """

    def __init__(self, door: Effects, log: RunLog, parts: Parts, terms: Sequence[WorkflowTerms]) -> None:
        self._door = door
        self._log = log
        self._parts = parts
        self._terms = terms
        self._always: dict[int, set[str]] = defaultdict(set)
        self._toolsets: dict[str, ToolSet] = {}
        self._calls_made: dict[tuple[str, float | None], ToolCalls] = {}
        self.plan: WorkflowPlan = terms[-1].plan
        self.budget = Budget(terms[0].plan.limits, parts.whole)

    async def main(self, scope: Scope) -> Any:
        """The workflow's output. Raises AgentcliError."""
        plan = self._terms[0].plan
        refuse_unpriced(self.plan)
        warn_of_deprecated(self._door, self.plan.tools, scope)
        engine = ports.Parts(self, self, self, self._parts.files, self.calls_at)
        return await GraphRun(self._door, engine, plan.workflow, plan.inputs, self.budget).run(scope)

    # -- ports --------------------------------------------------------------------------------------------------

    def value(self, value: Json, data: Data) -> Json:
        """See `Expressions`."""
        return filled(value, data, self._now)

    def template(self, key: str) -> WorkflowTemplate:
        """See `Workflows`."""
        return self._terms[0].templates[key]

    def nested(self, key: str, name: str) -> str:
        """See `Workflows`: templates call a workflow by its key."""
        return name

    def inputs(self, key: str, given: Mapping[str, Json]) -> dict[str, Json]:
        """See `Workflows`. What is null counts as not given."""
        return convert(self.template(key).inputs, {name: value for name, value in given.items() if value is not None})

    def loop(self, place: Place, data: Data, budget: Budget) -> Agent:
        """See `Agents`."""
        terms = OnDemand(len(self._terms), lambda era: self._terms[era].of_prompt(place, data, self._now))
        newest = self._terms[-1]
        provider = self._parts.models(newest.models_at(place))
        calls = self._calls(self._tools(f"agent:{newest.agent_name(place)}"), terms)
        own = Budget(NO_LIMITS, budget)
        return agent_with(newest.agent_at(place), self._door, self._log, self._parts, calls, provider, own)

    def calls_at(self, place: Place) -> ToolCalls:
        """The calls that the steps of a workflow are: for each time that a call may take, made when first needed."""
        seconds = self._terms[0].steps[place.workflow][place.step].limits.tool_seconds
        made = self._calls_made.get((place.workflow, seconds))
        if made is None:
            terms = [one.of_calls(place.workflow, seconds) for one in self._terms]
            made = self._calls(self._tools(f"workflow:{place.workflow}"), terms)
            self._calls_made[place.workflow, seconds] = made
        return made

    def _calls(self, tools: ToolSet, terms: Sequence[Any]) -> ToolCalls:
        parts = self._parts
        calls = ToolCalls(self._door, self._log, tools, parts.approver, parts.admission, terms, parts.happened)
        calls.always = self._always
        return calls

    def _tools(self, key: str) -> ToolSet:
        if key not in self._toolsets:
            self._toolsets[key] = self._parts.tools(key, self.plan.parts[key])
        return self._toolsets[key]

    def _now(self) -> str:
        """The time at which the run began: the same in each of its replays."""
        return rfc3339(self._door.began or 0.0)
