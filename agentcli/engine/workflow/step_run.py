"""One step at work: over a list or once, tried again, repeated until a condition holds; inside of it, its action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

from agentcli.core.canonical import Json, encode
from agentcli.core.events import StepCompleted, StepFailed, StepRetried, StepSkipped, StepStarted
from agentcli.core.messages import ToolCall
from agentcli.core.step_bodies import OnFailure
from agentcli.core.values import value
from agentcli.core.workflows import Action, Step
from agentcli.engine.effects import Effects
from agentcli.engine.lanes import Slots
from agentcli.engine.limits import NO_LIMITS, Budget
from agentcli.engine.output import OutputSchema
from agentcli.engine.scope import Deadline, Scope
from agentcli.engine.superseding import STEP_CALL
from agentcli.engine.workflow.items import items_of
from agentcli.engine.workflow.pausing import pause
from agentcli.engine.workflow.ports import Data, Parts, Place
from agentcli.engine.workflow.results import PartlyError, failure_of
from agentcli.errors import AgentcliError, RunError, sentence

CALL_ID = "call_1"
TOLD = 300
"""Characters of a failed call's result that an error repeats."""

Nested = Callable[[str, dict[str, Json], Scope, Budget], Awaitable[Any]]
"""Carries out the workflow of that key, with those inputs, in that scope."""


@value(frozen=True, slots=True)
class Around:
    """What a step shares with the others of its workflow. `width` is the concurrency."""

    door: Effects
    parts: Parts
    slots: Slots
    width: int
    nested: Nested


class StepRun:
    """One step of the workflow `key`, with the data that its expressions may use."""

    def __init__(self, around: Around, place: Place, step: Step, data: Data, budget: Budget, then: OnFailure) -> None:
        self._around = around
        self._place = place
        self._step = step
        self._data = data
        self._then: OnFailure = "continue" if then == "fallback" else then
        """What the failure of one item does to the others."""
        limits = step.limits.given()
        self._budget = Budget(step.limits.to_limits(NO_LIMITS), budget) if limits else budget

    async def run(self, scope: Scope) -> Json:
        """The step's output. Raises AgentcliError: a failure of the step, or what ends the run."""
        scope = within(scope, self._step.limits.seconds, self._around.door)
        if self._step.foreach is None:
            self._around.door.emit(StepStarted(self._step.kind), scope)
            return await self._tries(scope, self._data)
        items = await items_of(self._step.foreach, self._data, self._around, scope)
        self._around.door.emit(StepStarted(self._step.kind, len(items)), scope)
        return await self._each(items, scope)

    # -- over a list --------------------------------------------------------------------------------------------

    async def _each(self, items: list[Json], scope: Scope) -> list[Json]:
        failed: dict[int, AgentcliError] = {}
        jobs = [
            partial(self._item, index, item, scope.child(f"item.{index + 1}"), failed)
            for index, item in enumerate(items)
        ]
        outputs = await self._around.door.gather(jobs, self._around.width, stop=True) if jobs else []
        if failed and self._then != "ignore":
            first = failed[min(failed)].info
            error = PartlyError(
                "E-STEP-ITEMS",
                f"{len(failed)} of {len(items)} items failed.",
                why=sentence(f"Item {min(failed) + 1}: {first.what}"),
                fix=first.fix,
            )
            error.output = outputs
            raise error
        return outputs

    async def _item(self, index: int, item: Json, scope: Scope, failed: dict[int, AgentcliError]) -> Json:
        """One item; where the others are to go on without it, null in place of its output."""
        door, data = self._around.door, {**self._data, "item": item, "index": index}
        try:
            if not self._holds(self._step.when, data):
                door.emit(StepSkipped("when", "Its `when` is false."), scope)
                return None
            door.emit(StepStarted(self._step.kind), scope)
            output = await self._tries(scope, data)
        except AgentcliError as error:
            failure = failure_of(error)
            if failure is None:
                raise
            door.emit(StepFailed(failure.info, self._then), scope)
            if self._then == "stop":
                raise failure from error
            failed[index] = failure
            return None
        door.emit(StepCompleted(output), scope)
        return output

    def _holds(self, condition: bool | str, data: Data) -> bool:
        return bool(self._around.parts.expressions.value(condition, data))

    # -- tries and rounds ---------------------------------------------------------------------------------------

    async def _tries(self, scope: Scope, data: Data) -> Json:
        retry, door = self._step.retry, self._around.door
        for attempt in range(1, retry.attempts + 1):
            here = scope if attempt == 1 else scope.child(f"attempt.{attempt}")
            try:
                return await self._try(here, data)
            except AgentcliError as error:
                failure = failure_of(error)
                if failure is None or attempt == retry.attempts:
                    raise
                wait_s = retry.delay * 2 ** (attempt - 1)
                door.emit(StepRetried(attempt, failure.info, wait_s), scope)
                await pause(door, wait_s, scope)
        raise AssertionError("a step is tried at least once")

    async def _try(self, scope: Scope, data: Data) -> Json:
        case, action = self._chosen(data)
        place = Place(self._place.workflow, self._place.step, case)
        async with self._slot(action):
            return await self._rounds(place, action, within(scope, self._step.timeout, self._around.door), data)

    def _slot(self, action: Action) -> AbstractAsyncContextManager[None]:
        """A nested workflow takes none itself: its steps do."""
        return nullcontext() if action.kind == "workflow" else self._around.door.slot(self._around.slots)

    def _chosen(self, data: Data) -> tuple[str | None, Action]:
        """The case and the action that `switch` chooses; without it the step's own."""
        step = self._step
        if step.switch is None:
            return None, step
        value = self._around.parts.expressions.value(step.switch, data)
        case = printed(value)
        if (action := step.cases.get(case)) is not None:
            return case, action
        if step.default is not None:
            return "", step.default
        raise RunError(
            "E-STEP-CASE",
            f"There is no case for {case[:100]!r}.",
            why=f"The cases are {', '.join(f'`{name}`' for name in step.cases)}, and there is no `default`.",
            fix="Add the case, or a `default`.",
        )

    async def _rounds(self, place: Place, action: Action, scope: Scope, data: Data) -> Json:
        until = self._step.until
        if until is None:
            return await self._act(place, action, scope, data)
        last: Json = None
        for number in range(1, until.rounds + 1):
            known = {**data, "last": last, "round": number}
            last = await self._act(place, action, scope.child(f"round.{number}"), known)
            if self._holds(until.condition, {**known, "output": last}):
                return last
        if until.otherwise == "keep":
            return last
        raise RunError(
            "E-STEP-ROUNDS",
            f"The condition of `until` did not hold in {until.rounds} rounds.",
            why=f"It is {until.condition}.",
            fix="Raise `rounds`, change the condition, or write `otherwise: keep`.",
        )

    # -- the action ---------------------------------------------------------------------------------------------

    async def _act(self, place: Place, action: Action, scope: Scope, data: Data) -> Json:
        if action.kind == "prompt":
            return await self._around.parts.agents.loop(place, data, self._budget).run(scope)
        if action.kind == "tool":
            return self._fitting(action, await self._call(action, scope, data))
        workflows = self._around.parts.workflows
        key = workflows.nested(place.workflow, str(action.workflow))
        inputs = workflows.inputs(key, self._filled(action.inputs, data))
        return self._fitting(action, await self._around.nested(key, inputs, scope, self._budget))

    async def _call(self, action: Action, scope: Scope, data: Data) -> Json:
        tool, arguments = str(action.tool), self._filled(action.with_, data)
        calls = self._around.parts.calls(self._place)
        done = await calls.call(ToolCall(CALL_ID, tool, arguments), scope.child(STEP_CALL))
        if done.status == "ok":
            return done.result
        told = " ".join(done.result.split())
        raise RunError(
            "E-STEP-CALL",
            f"The call of `{tool}` was {'denied' if done.status == 'denied' else 'no success'}.",
            why=sentence(told if len(told) <= TOLD else f"{told[:TOLD]}…"),
            fix=f"See `agentcli tools show {tool}`.",
        )

    def _filled(self, values: dict[str, Json], data: Data) -> dict[str, Json]:
        return {name: self._around.parts.expressions.value(value, data) for name, value in values.items()}

    def _fitting(self, action: Action, output: Json) -> Json:
        """The output, read as JSON where a schema says what it must be. Raises RunError E-OUTPUT-SCHEMA."""
        if action.output is None:
            return output
        schema = self._around.parts.expressions.value(action.output.schema_, self._data)
        checked = OutputSchema(schema if isinstance(schema, dict) else {})
        value, problems = checked.read(output) if isinstance(output, str) else (output, checked.problems(output))
        if problems:
            raise RunError(
                "E-OUTPUT-SCHEMA",
                "The output does not fit `output.schema`.",
                why=sentence(problems[0]),
                fix="Change the schema, or what is asked for.",
            )
        return value


def within(scope: Scope, seconds: float | None, door: Effects) -> Scope:
    """The place with no more than so many seconds from now on."""
    return scope if seconds is None else scope.until(Deadline(door.clock.monotonic() + seconds, seconds))


def printed(value: Json) -> str:
    """A value as the cases of a `switch` are written."""
    if isinstance(value, str):
        return value
    return encode(value).decode()
