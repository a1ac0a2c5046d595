"""Workflows of six lanes at the level of the engine: what their lanes do depends on who was first.

A lane is a conversation of several steps. Six of them share a budget of tokens, which ends somewhere, and fewer slots
than they are; steps fail, and are tried again; with `stop` a failed lane stops the others. What each step is told holds
what all had used by then, so that requests, too, depend on the order in which results came.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from agentcli.core.canonical import encode
from agentcli.core.events import Body, EffectKey, Event, RunStarted, Warned
from agentcli.core.limits import Limits
from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.core.models import ModelReply, ModelRequest, RequestHead, Usage
from agentcli.core.policies import Policy
from agentcli.core.runs import RunStart
from agentcli.core.tools import ToolResult
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Effect
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.limits import Budget, limit_error
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Journal, ModelObserver, RunLog
from agentcli.engine.recording import Recording
from agentcli.engine.scope import Scope
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import AgentcliError, DivergenceError, ModelError, RunError
from agentcli.workbench.system_clock import SystemClock
from tests.fakes.engine import Answering, FunctionTool, MarkingRedactor, ToolTable, answer, run_start
from tests.fakes.journal import InMemoryJournal

LANES = 6
TRIES = 2
KEEPS_ALL = MarkingRedactor()

Pause = Callable[[], Awaitable[None]]
"""Lets others go first, for a time that nobody can tell before."""


@dataclass(frozen=True)
class Step:
    """One request to the model and the calls that it asks for, all at once."""

    tokens: int
    calls: tuple[str, ...] = ()
    """Of `read`, `write` (which changes the world) and `fail`."""
    unreachable: bool = False


@dataclass(frozen=True)
class Workflow:
    """Six lanes of steps. With `on_error: stop` the first lane that fails stops the others."""

    lanes: tuple[tuple[Step, ...], ...]
    slots: int
    tokens: int
    on_error: Literal["continue", "stop"]


def some_workflow(dice: random.Random, on_error: Literal["continue", "stop"]) -> Workflow:
    """A workflow with a budget that ends before its steps do, and some steps that fail, the first of a lane never."""

    def step(place: int) -> Step:
        called = tuple(dice.choices(("read", "write", "fail"), (6, 3, place > 0), k=dice.randint(0, 3)))
        return Step(dice.randint(50, 150), called, unreachable=place > 0 and dice.random() < 0.04)

    lanes = tuple(tuple(step(place) for place in range(dice.randint(3, 6))) for _ in range(LANES))
    wanted = sum(step.tokens for lane in lanes for step in lane)
    return Workflow(lanes, dice.randint(2, 5), int(wanted * dice.uniform(0.4, 0.9)), on_error)


@dataclass
class World:
    """What is outside: a model and tools that take their time. `done` counts what was performed."""

    workflow: Workflow
    pause: Pause
    done: int = 0

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        messages = request.conversation.messages
        lane, place = int(messages[0].content), sum(message.role == "assistant" for message in messages)
        step = self.workflow.lanes[lane][place]
        await self.pause()
        self.done += 1
        if step.unreachable:
            raise ModelError("E-MODEL-UNREACHABLE", "No server answers.")
        made = tuple(ToolCall(f"c{n}", name, {"place": place, "n": n}) for n, name in enumerate(step.calls))
        reply = answer(usage=Usage(step.tokens - 10, 10))
        return ModelReply(Message("assistant", f"step {place}", made), reply.usage, "tool_calls", reply.model, 0.0, 0.0)

    async def aclose(self) -> None:
        return None

    def tools(self) -> ToolTable:
        effects: dict[str, Any] = {"read": "read-only", "write": "irreversible", "fail": "idempotent"}
        return ToolTable({name: FunctionTool(name, partial(self._call, name), kind) for name, kind in effects.items()})

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        await self.pause()
        self.done += 1
        if name == "fail":
            raise RuntimeError("it is broken")
        return ToolResult(f"{name} {arguments}")


@dataclass
class Conductor:
    """Runs a workflow through a door. `seen` is what was decided, in the order in which it was."""

    workflow: Workflow
    door: Effects
    model: Callable[[], ModelCalls]
    tools: ToolCalls
    budget: Budget
    pause: Pause
    seen: list[Any] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)

    async def run(self, scope: Scope) -> Any:
        """What each lane came to."""
        jobs = [partial(self._lane, number, scope.child(f"step.{number}")) for number in range(LANES)]
        error = None
        try:
            await self.door.gather(jobs, self.workflow.slots, stop=self.workflow.on_error == "stop")
        except AgentcliError as failed:
            error = failed
        self.door.emit(Warned("W-USED", f"{self.budget.usage.total} tokens, {self.seen}", ""), scope)
        if error is not None:
            raise RunError("E-STEPS", str(error.info), why=str(sorted(self.ended.items())))
        return sorted(self.ended.items())

    async def _lane(self, number: int, scope: Scope) -> None:
        self.ended[scope.lane] = "stopped"
        for attempt in range(1, TRIES + 1):
            try:
                await self._steps(number, scope.child(f"attempt.{attempt}"))
            except RunError as error:
                self._decide(scope, f"again after {error.code}")
                if attempt == TRIES:
                    self.ended[scope.lane] = error.code
                    raise
            except AgentcliError as error:
                self.ended[scope.lane] = error.code
                raise
            else:
                self.ended[scope.lane] = "done"
                return

    async def _steps(self, number: int, scope: Scope) -> None:
        conversation = Conversation([Message("system", str(number)), Message("user", scope.lane)])
        model, head = self.model(), RequestHead(("fake:model",))
        for place in range(len(self.workflow.lanes[number])):
            here = scope.at_turn(place + 1)
            await self.pause()
            if reached := self.budget.exhausted():
                self.door.emit(reached, here)
                raise limit_error(reached)
            reply = await model.ask(head, conversation, here)
            self.budget.count(reply.usage, reply.cost_usd)
            self._decide(here, reply.message.content)
            conversation.append(reply.message)
            jobs = [partial(self._call, call, here) for call in reply.message.tool_calls]
            for call, told in zip(reply.message.tool_calls, await self.door.gather(jobs, 2), strict=True):
                conversation.append(Message("tool", told, tool_call_id=call.id))

    async def _call(self, call: ToolCall, scope: Scope) -> str:
        await self.pause()
        done = await self.tools.call(call, scope.child(f"call.{call.id}"))
        self._decide(scope, f"{call.id} {done.status}")
        if done.status != "ok":
            raise RunError("E-STEP-FAILED", f"{call.name} failed.")
        return f"{done.result}, and {self.budget.usage.total} tokens are used"

    def _decide(self, scope: Scope, what: str) -> None:
        self.seen.append([scope.lane, what, self.budget.usage.total])


@dataclass
class Ran:
    """What came of a run, what was decided in it and shown of it, and how often something was performed."""

    outcome: RunOutcome
    seen: list[Any]
    shown: list[bytes]
    performed: int

    def result(self) -> bytes:
        """What whoever started it is told."""
        outcome, error = self.outcome, self.outcome.error
        return encode(
            [outcome.status, outcome.output, error and error.to_json(), outcome.exit_code, outcome.usage.to_json()]
        )

    def whole(self) -> bytes:
        """All that must be the same when it is replayed."""
        return b"\n".join([self.result(), encode(self.seen), *self.shown])


@dataclass
class Shown:
    """Everything that is shown but the run's last event: how long it took is not the same again."""

    events: list[bytes] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        if event.body.type != "run.completed":
            key = [event.key.lane, event.key.kind, event.key.name, event.key.ordinal] if event.key else None
            self.events.append(encode([event.to_json(), event.mono, key, event.request, event.result]))


async def carry_out(
    workflow: Workflow, door: Effects, log: RunLog, shown: Shown, latency: Pause, stagger: Pause
) -> Ran:
    """A run through a door: what is outside takes its `latency`, and every lane waits before it goes to the door."""
    world, budget, admission = World(workflow, latency), Budget(Limits(None, workflow.tokens)), Admission(KEEPS_ALL)
    terms = [Terms(RequestHead(("fake:model",)), (), budget.limits, Policy(yes=True))]
    tools = ToolCalls(door, log, world.tools(), Answering(), admission, terms)
    conductor = Conductor(workflow, door, lambda: ModelCalls(door, log, world, admission), tools, budget, stagger)
    started = RunStarted("workflow", "six", None, "Go.", {}, "0" * 64)
    outcome = await execute(door, log, budget, started, conductor.run, Interrupt(), admission)
    return Ran(outcome, conductor.seen, shown.events, world.done)


async def record(workflow: Workflow, journal: Journal, start: RunStart, latency: Pause, stagger: Pause) -> Ran:
    """Live, through the real door."""
    log, shown = journal.begin(start), Shown()
    door = Effects(start.id, log, SystemClock(), sinks=[shown])
    return await carry_out(workflow, door, log, shown, latency, stagger)


async def replay(workflow: Workflow, events: Sequence[Event], stagger: Pause) -> Ran:
    """Strictly from the record, through the real door. Raises AssertionError where something was not as recorded."""
    recording, shown = Recording(events, lambda event: {"seq": event.seq}), Shown()
    playback, log = Playback(recording, "refuse"), InMemoryJournal().begin(run_start(events[0].run))
    door = Effects(log.run, log, SystemClock(), sinks=[shown], playback=playback, seq=recording.last_seq)
    ran = await carry_out(workflow, door, log, shown, stagger, stagger)
    assert playback.divergence is None, playback.divergence.info
    assert (list(recording.order), log.records, ran.performed) == ([], [], 0)
    return ran


async def go_on(workflow: Workflow, events: Sequence[Event], latency: Pause, stagger: Pause) -> tuple[Ran, list[Event]]:
    """From a record that ends somewhere, live where it does. Returns also the whole record."""
    journal = InMemoryJournal()
    log, shown = journal.begin(run_start(events[0].run)), Shown()
    for event in events:
        log.append(event)
    playback = Playback(Recording(events, lambda event: {"seq": event.seq}), "live")
    door = Effects(log.run, log, SystemClock(), sinks=[shown], playback=playback, seq=len(events), settle=do_again)
    return await carry_out(workflow, door, log, shown, latency, stagger), journal.events(log.run)


async def do_again(_started: Event) -> None:
    """What may have happened has not."""


class AtOnce(Effects):
    """A door for comparison: it finds a result by its place, and gives it to whoever asks, whenever that is."""

    recorded: Mapping[EffectKey, Event]

    async def perform(self, effect: Effect, scope: Scope) -> Body:
        place = (scope.lane, effect.kind, effect.name)
        key = EffectKey(*place, self._ordinals[place])
        self._ordinals[place] += 1
        if key not in self.recorded:
            raise DivergenceError("E-REPLAY-UNRECORDED", f"{key} is not on record.")
        return self.recorded[key].body


async def replay_at_once(workflow: Workflow, events: Sequence[Event], stagger: Pause) -> Ran:
    """The same with results that are given at once."""
    log = InMemoryJournal().begin(run_start(events[0].run))
    door = AtOnce(log.run, log, SystemClock())
    door.recorded = {event.key: event for event in events if event.key and event.result}
    return await carry_out(workflow, door, log, Shown(), stagger, stagger)


def ticks(dice: random.Random, most: int) -> Pause:
    """Goes round the event loop a random number of times."""

    async def pause() -> None:
        for _ in range(dice.randint(0, most)):
            await asyncio.sleep(0)

    return pause
