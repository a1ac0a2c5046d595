"""A workflow at work: each step as soon as those are done that it waits for, and what a failure does to the others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from agentcli.core.canonical import Json
from agentcli.core.events import StepCancelled, StepCompleted, StepFailed, StepSkipped
from agentcli.core.graphs import Graph
from agentcli.core.step_bodies import OnFailure, Unmet
from agentcli.core.workflows import Fallback, Step
from agentcli.engine.effects import Effects
from agentcli.engine.lanes import Signal, Slots
from agentcli.engine.limits import NO_LIMITS, Budget
from agentcli.engine.scope import Scope
from agentcli.engine.workflow.ports import Parts, Place
from agentcli.engine.workflow.results import PartlyError, StepResult, failure_of, named
from agentcli.engine.workflow.step_run import Around, StepRun, within
from agentcli.errors import AgentcliError, RunError, sentence


class GraphRun:
    """One pass through one workflow, in the run's own lane or in that of a step.

    `budget` is what it counts in, `outer` the slots of the workflow around it.
    """

    def __init__(
        self,
        door: Effects,
        parts: Parts,
        key: str,
        inputs: Mapping[str, Json],
        budget: Budget,
        outer: Slots | None = None,
    ) -> None:
        self._template = parts.workflows.template(key)
        self._graph = Graph.of(self._template)
        self._steps = dict(zip(self._graph.ids, self._template.steps, strict=True))
        self._done = {step_id: Signal() for step_id in self._graph.ids}
        self._results: dict[str, StepResult] = {}
        self._ended_by: dict[str, str] = {}
        """What happened in a step that ended the run whatever its `on_error` says."""
        self._key = key
        self._door = door
        self._parts = parts
        self._budget = budget
        slots = Slots(self._template.concurrency, outer)
        self._around = Around(door, parts, slots, self._template.concurrency, self._nested)
        self._seen: dict[str, Json] = {}
        """The results so far, as expressions see them."""
        self._data = {"inputs": dict(inputs), "steps": self._seen}

    async def run(self, scope: Scope) -> Json:
        """The workflow's output. Raises AgentcliError: of the step that stopped it, or RunError E-STEPS-FAILED."""
        jobs = [partial(self._lane, step_id, scope.at_step(step_id)) for step_id in self._graph.order]
        try:
            await self._door.gather(jobs, len(jobs), stop=True)
        except BaseException:
            self._cancelled(scope)
            raise
        failed = [step_id for step_id in self._graph.ids if self._results[step_id].is_failure]
        if failed:
            raise self._failed(failed)
        try:
            return self._output()
        except AgentcliError as error:
            raise failure_of(error) or error from error

    def _output(self) -> Json:
        """What the template says, or the last step's output; of a fallback, that of the step that it stands in for."""
        if self._template.output is not None:
            return self._parts.expressions.value(self._template.output, self._data)
        last = self._graph.ids[-1]
        while last in self._graph.stands_in:
            last = self._graph.stands_in[last]
        return self._results[last].output

    def _failed(self, steps: list[str]) -> RunError:
        first = self._results[steps[0]].error
        error = RunError(
            "E-STEPS-FAILED",
            f"{len(steps)} of {len(self._steps)} steps failed.",
            why=sentence(f"`{steps[0]}`: {first.what}") if first is not None else "",
            fix="`agentcli resume RUN` tries them again.",
        )
        with suppress(AgentcliError):  # the failure is told, not what cannot be made of its output
            error.output = self._output()
        return error

    def _cancelled(self, scope: Scope) -> None:
        for step_id in self._graph.ids:
            if step_id not in self._results:
                reason = self._ended_by.get(step_id, "The workflow was stopped.")
                self._door.emit(StepCancelled(reason), scope.at_step(step_id))

    # -- one step -----------------------------------------------------------------------------------------------

    async def _lane(self, step_id: str, scope: Scope) -> None:
        for need in self._graph.waits[step_id]:
            await self._door.wait(self._done[need])
        step = self._steps[step_id]
        result = self._skipped(step_id, step, scope) or await self._worked(step_id, step, scope)
        self._keep(step_id, result)
        if result.status == "completed":
            self._stand_in(step_id, result)
        self._door.give(self._done[step_id])

    def _keep(self, step_id: str, result: StepResult) -> None:
        self._results[step_id] = result
        self._seen[step_id] = result.to_json()

    def _stand_in(self, step_id: str, result: StepResult) -> None:
        """A fallback's output is that of the step, or steps, whose place it took."""
        failing = self._graph.stands_in.get(step_id)
        while failing is not None:
            error = self._results[failing].error
            self._keep(failing, StepResult("completed", result.output, error, f"`{step_id}` took its place."))
            failing = self._graph.stands_in.get(failing)

    def _skipped(self, step_id: str, step: Step, scope: Scope) -> StepResult | None:
        """The result of a step that is not begun."""
        failing = self._graph.stands_in.get(step_id)
        if failing is not None and self._results[failing].status != "failed":
            return self._skip("fallback", f"It is not needed: `{failing}` did not fail.", scope)
        for need in self._graph.needs[step_id]:
            if need != failing and self._results[need].lost:
                how = "failed" if self._results[need].status == "failed" else "was skipped"
                return self._skip("need", f"It needs `{need}`, which {how}.", scope)
        return None

    def _skip(self, because: Unmet, reason: str, scope: Scope) -> StepResult:
        self._door.emit(StepSkipped(because, reason), scope)
        return StepResult("skipped", reason=reason, lost=because == "need")

    async def _worked(self, step_id: str, step: Step, scope: Scope) -> StepResult:
        place, then = Place(self._key, step_id), self._then(step)
        try:
            if step.foreach is None and not self._parts.expressions.value(step.when, self._data):
                return self._skip("when", "Its `when` is false.", scope)
            work = StepRun(self._around, place, step, self._data, self._budget, then)
            output = await work.run(scope)
        except AgentcliError as error:
            failure = failure_of(error)
            if failure is None:
                self._ended_by[step_id] = error.info.what
                raise
            self._door.emit(StepFailed(failure.info, then), scope)
            if then == "stop":
                self._keep(step_id, StepResult("failed", error=failure.info, lost=True))
                raise named(failure, scope.step or step_id) from error
            partly = error.output if isinstance(error, PartlyError) else None
            return StepResult("failed", partly, failure.info, lost=then != "ignore")
        self._door.emit(StepCompleted(output), scope)
        return StepResult("completed", output)

    def _then(self, step: Step) -> OnFailure:
        chosen = step.on_error if step.on_error is not None else self._template.on_error
        return "fallback" if isinstance(chosen, Fallback) else chosen

    async def _nested(self, key: str, inputs: dict[str, Json], scope: Scope, budget: Budget) -> Any:
        limits = self._parts.workflows.template(key).limits
        own = Budget(limits.to_limits(NO_LIMITS), budget) if limits.given() else budget
        inside = within(scope, limits.seconds, self._door)
        return await GraphRun(self._door, self._parts, key, inputs, own, self._around.slots).run(inside)
