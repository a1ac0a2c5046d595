"""Runs of any shape: recorded, replayed, and cut anywhere and gone on with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentcli.core.events import Body, Event, RunResumed
from agentcli.core.limits import Limits
from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.engine.lifecycle import RunOutcome
from agentcli.engine.playback import Playback
from agentcli.engine.ports import ModelObserver
from agentcli.engine.recording import Recording
from agentcli.errors import ModelError
from tests.fakes.engine import RUN, Answering, FunctionTool, Rig, Said, answer, calls, run_start
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

TOOLS = ("read", "write", "wipe", "fail", "picky", "unknown")


@dataclass(frozen=True)
class Call:
    """A call of a tool that lets others go first so many times."""

    tool: str
    waits: int


@dataclass(frozen=True)
class Shape:
    """What a model asks for, turn by turn, how people answer, and what ends it."""

    turns: tuple[tuple[Call, ...], ...]
    answers: tuple[tuple[str, int], ...]
    fails: bool
    retries: bool
    max_turns: int | None
    disk_waits: int


CALLS = st.builds(Call, st.sampled_from(TOOLS), st.integers(0, 4))
ANSWERS = st.tuples(st.sampled_from(["once", "once", "always", "always", "no", "nobody"]), st.integers(0, 4))
SHAPES = st.builds(
    Shape,
    turns=st.lists(st.lists(CALLS, min_size=1, max_size=9).map(tuple), max_size=3).map(tuple),
    answers=st.lists(ANSWERS, min_size=1, max_size=6).map(tuple),
    fails=st.booleans(),
    retries=st.booleans(),
    max_turns=st.none() | st.integers(1, 4),
    disk_waits=st.integers(0, 3),
)


async def let_others_go_first(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


class SlowDisk(MemoryRunLog):
    """A log whose barrier takes a while."""

    waits = 0

    async def barrier(self) -> None:
        await let_others_go_first(self.waits)
        await super().barrier()


@dataclass(slots=True)
class InTurn(Answering):
    """An approver with an answer for each question, which takes a while."""

    shape: Shape | None = None

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Said:
        assert self.shape is not None
        word, waits = self.shape.answers[len(self.asked) % len(self.shape.answers)]
        self.asked.append(spec.name)
        await let_others_go_first(waits)
        if word == "nobody":
            return Said("no", "nobody")
        return Said(word)


@dataclass
class World:
    """Where runs of one shape happen; `done` are the calls that were performed, by turn and place."""

    shape: Shape
    done: Counter[tuple[int, int]] = field(default_factory=Counter)
    asked: list[int] = field(default_factory=list)

    def rig(self, record: Sequence[Event] = (), playback: Playback | None = None, cut: int = 0) -> Rig:
        journal = InMemoryJournal()
        log = SlowDisk(journal, run_start())
        log.waits = self.shape.disk_waits
        journal.logs[log.run] = log
        for event in record[:cut]:
            log.append(event)
        rig = Rig([self._reply] * 9, [self._tool(name) for name in TOOLS[:-1]], journal=journal, log=log)
        rig.limits = Limits(turns=self.shape.max_turns)
        rig.approver = InTurn(shape=self.shape)
        rig.settle = do_it_again
        rig.playback = playback
        return rig

    def _tool(self, name: str) -> FunctionTool:
        async def function(arguments: Mapping[str, Any]) -> ToolResult:
            await let_others_go_first(arguments["waits"])
            self.done[arguments["turn"], arguments["place"]] += 1
            if name == "fail":
                raise RuntimeError("it is broken")
            return ToolResult(f"{name} {arguments['turn']}.{arguments['place']}")

        effects: Any = {"write": "idempotent", "wipe": "irreversible"}.get(name, "read-only")
        return FunctionTool(name, function, effects, required=("never",) if name == "picky" else ())

    async def _reply(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        turn = sum(message.role == "assistant" for message in request.conversation.messages)
        self.asked.append(turn)
        if self.shape.retries:
            observer.retried("busy", 0.1)
        if turn < len(self.shape.turns):
            wanted = enumerate(self.shape.turns[turn])
            return calls(*[(c.tool, {"turn": turn, "place": place, "waits": c.waits}) for place, c in wanted])
        if self.shape.fails:
            raise ModelError("E-MODEL-UNREACHABLE", "No server answers.")
        return answer("the end")


async def do_it_again(_started: Event) -> Body | None:
    return None


def told(outcome: RunOutcome) -> tuple[Any, ...]:
    return outcome.status, outcome.output, outcome.error, outcome.exit_code, outcome.turns, outcome.usage


def described(event: Event) -> Any:
    return {"seq": event.seq}


async def replay(shape: Shape, record: list[Event]) -> tuple[World, Rig, RunOutcome]:
    world = World(shape)
    rig = world.rig(playback=Playback(Recording(record, described), "refuse"))
    return world, rig, await rig.run()


@given(SHAPES)
@settings(max_examples=150, deadline=None)
def test_a_replay_ends_as_the_run_did_shows_the_same_events_and_does_nothing(shape: Shape) -> None:
    async def scenario() -> None:
        first = World(shape).rig()
        outcome = await first.run()
        record = first.recorded()
        assert outcome.error is None or outcome.error.code != "E-INTERNAL"
        world, again, second = await replay(shape, record)
        assert told(second) == told(outcome)
        assert again.seen.events == record
        assert (world.done, world.asked, again.recorded(), again.approver.asked) == (Counter(), [], [], [])

    asyncio.run(scenario())


@given(SHAPES, st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_a_run_cut_anywhere_goes_on_without_repeating_what_was_done_or_said(shape: Shape, where: float) -> None:
    async def scenario() -> None:
        first = World(shape).rig()
        await first.run()
        record = first.recorded()
        cut = round(where * len(record))
        world = World(shape)
        going_on = world.rig(record, Playback(Recording(record[:cut], described), "live"), cut)
        outcome = await going_on.run()
        whole = going_on.recorded()
        assert whole[:cut] == record[:cut]
        assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
        assert whole[-1].body.type == "run.completed"
        assert not performed(record[:cut]) & set(world.done)
        assert max(Counter(world.done).values(), default=0) <= 1
        derived = Counter((event.lane, event.body.type) for event in whole if event.key is None)
        assert max(derived.values()) == 1
        results = Counter(event.key for event in whole if event.result is not None)
        assert max(results.values(), default=1) == 1
        _, again, second = await replay(shape, whole)
        assert told(second) == told(outcome)
        assert again.seen.events == whole

    asyncio.run(scenario())


ONE_IS_REFUSED = Shape(((Call("write", 0), Call("write", 0)),), (("once", 0), ("nobody", 0)), False, False, None, 0)


@given(SHAPES, st.floats(0, 1), st.floats(0, 1))
@example(ONE_IS_REFUSED, 0.0, 0.75)
@settings(max_examples=150, deadline=None)
def test_a_run_that_stopped_anywhere_twice_and_was_resumed_replays_as_one(
    shape: Shape, first_cut: float, second_cut: float
) -> None:
    async def scenario() -> None:
        rig = World(shape).rig()
        await rig.run()
        record, eras = rig.recorded(), 0
        for where in (first_cut, second_cut):
            kept = record[: max(1, round(where * len(record)))]
            record = [*kept, Event(RUN, len(kept) + 1, 0.0, 0.0, RunResumed("0" * 64, {}))]
            eras = sum(isinstance(event.body, RunResumed) for event in record)
            world = World(shape)
            rig = world.rig(record, Playback(Recording(record, described), "live"), len(record))
            rig.later = [rig.terms()] * eras
            outcome = await rig.run()
            assert not performed(kept) & set(world.done)
            record = rig.recorded()
        assert record[-1].body.type == "run.completed"
        again = World(shape).rig(playback=Playback(Recording(record, described), "refuse"))
        again.later = [again.terms()] * eras
        second = await again.run()
        assert told(second) == told(outcome)
        assert again.recorded() == []
        hidden = {"run.completed", "limit.reached", "model.failed", "approval.resolved", "warning"}
        shown = {event.seq for event in again.seen.events}
        assert {event.body.type for event in record if event.seq not in shown} <= hidden

    asyncio.run(scenario())


def performed(events: Sequence[Event]) -> set[tuple[int, int]]:
    """The calls with a result on record."""
    ended = {event.key for event in events if event.result is not None}
    begun = [event for event in events if event.body.type == "tool.started" and event.key in ended]
    arguments: list[Any] = [replace(event).body.to_json()["arguments"] for event in begun]
    return {(given["turn"], given["place"]) for given in arguments}
