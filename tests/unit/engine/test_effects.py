"""The door: what is recorded, and what a playback answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.canonical import digest
from agentcli.core.events import ClockRead, Event
from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult
from agentcli.engine.effect import Effect
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import RunOutcome
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording, first_difference
from agentcli.engine.scope import Scope
from agentcli.errors import DivergenceError, ModelError
from tests.fakes.engine import RUN, FunctionTool, ManualClock, Rig, answer, calls, run_start, says
from tests.fakes.journal import InMemoryJournal


def refusing(events: list[Event]) -> Playback:
    return Playback(Recording(events, lambda event: {"seq": event.seq}), "refuse")


def continuing(events: list[Event]) -> Playback:
    return Playback(Recording(events, lambda event: {"seq": event.seq}), "live")


async def replay(rig: Rig, **changes: Any) -> tuple[Rig, RunOutcome]:
    """The same agent on the record of `rig`, with nothing behind it that could answer live."""
    values: dict[str, Any] = {"tools": rig.tools, "task": rig.task, "limits": rig.limits, "schema": rig.schema}
    again = Rig((), playback=refusing(rig.recorded()), **{**values, **changes})
    return again, await again.run()


async def test_a_replay_gives_the_same_run_and_performs_nothing() -> None:
    look = says("look", "blue")
    rig = Rig([calls(("look", {"at": 1}), ("look", {"at": 2})), answer("blue")], [look])
    first = await rig.run()
    look.called.clear()
    again, second = await replay(rig)
    assert (second.status, second.output, second.turns) == (first.status, first.output, first.turns)
    assert (look.called, again.provider.requests) == ([], [])
    assert again.seen.types("model.delta") == rig.seen.types("model.delta")


async def test_a_replayed_failure_fails_in_the_same_way() -> None:
    rig = Rig([ModelError("E-MODEL-UNREACHABLE", "No server answers.")])
    first = await rig.run()
    _, second = await replay(rig)
    assert (second.error, second.exit_code) == (first.error, 7)


async def test_a_changed_request_diverges_at_the_first_difference() -> None:
    rig = Rig([calls(("look", {})), answer()], [says("look", "x")])
    await rig.run()
    _, outcome = await replay(rig, task="Another task")
    assert outcome.exit_code == 6
    assert isinstance(outcome.cause, DivergenceError)
    assert outcome.cause.code == "E-REPLAY-DIFFERENT"
    assert outcome.cause.at == 3


async def test_an_effect_beyond_the_record_diverges() -> None:
    rig = Rig([answer('{"n": 1}')])
    await rig.run()
    _, outcome = await replay(rig, schema=None, limits=Limits(turns=5))
    assert outcome.status == "completed"
    cut = [event for event in rig.recorded() if event.seq < 4]
    late = Rig((), playback=refusing(cut))
    outcome = await late.run()
    assert isinstance(outcome.cause, DivergenceError)
    assert outcome.cause.code == "E-REPLAY-UNRECORDED"


async def test_a_recorded_result_that_nobody_asks_for_diverges() -> None:
    rig = Rig([calls(("look", {}), ("see", {})), answer()], [says("look", "x"), says("see", "y")])
    await rig.run()
    _, outcome = await replay(rig, tools=[says("look", "x")])
    assert isinstance(outcome.cause, DivergenceError)


async def test_a_cut_record_goes_on_live_from_its_end_and_repeats_no_event() -> None:
    look = says("look", "blue")
    rig = Rig([calls(("look", {})), answer("first")], [look])
    await rig.run()
    upto_tool = [event for event in rig.recorded() if event.seq <= 6]
    assert upto_tool[-1].body.type == "tool.completed"
    look.called.clear()
    again = Rig([answer("second")], [look], playback=continuing(upto_tool))
    outcome = await again.run()
    assert (outcome.output, look.called, len(again.provider.requests)) == ("second", [], 1)
    assert [event.body.type for event in again.recorded()] == [
        "turn.started",
        "model.started",
        "model.completed",
        "run.completed",
    ]


async def test_parallel_results_are_given_back_in_the_order_in_which_they_came() -> None:
    """Three calls finish in the order 3, 1, 2; what each sees of the others' results must be the same on replay."""
    order: list[str] = []
    gates = {name: asyncio.Event() for name in "abc"}

    def tool(name: str, opens: str | None) -> FunctionTool:
        async def function(_: Mapping[str, Any]) -> ToolResult:
            await gates[name].wait()
            if opens:
                gates[opens].set()
            return ToolResult(name)

        return FunctionTool(name, function)

    tools = [tool("a", "b"), tool("b", None), tool("c", "a")]
    gates["c"].set()
    rig = Rig([calls(("a", {}), ("b", {}), ("c", {})), answer()], tools)
    await rig.run()
    order = [done.tool for done in rig.seen.of("tool.completed")]
    assert order == ["c", "a", "b"]
    for _ in range(20):
        again, outcome = await replay(rig)
        assert outcome.status == "completed"
        assert [done.tool for done in again.seen.of("tool.completed")] == order


async def test_lanes_beyond_the_cap_replay_in_recorded_order() -> None:
    rig = Rig([calls(*[("look", {"n": n}) for n in range(13)]), answer("end")], [says("look", "x")])
    await rig.run()
    again, outcome = await replay(rig)
    assert outcome.output == "end"
    assert [done.call_id for done in again.seen.of("tool.completed")] == [
        done.call_id for done in rig.seen.of("tool.completed")
    ]


async def test_a_refused_time_is_replayed_as_recorded() -> None:
    rig = Rig(limits=Limits(seconds=5))

    async def eats_the_time(_: Mapping[str, Any]) -> ToolResult:
        rig.clock.seconds += 6
        return ToolResult("ok")

    rig.provider.replies = [calls(("eat", {})), answer()]
    rig.tools = [FunctionTool("eat", eats_the_time)]
    first = await rig.run()
    _, second = await replay(rig)
    assert (second.status, second.error) == ("limited", first.error)


async def test_small_effects_are_one_event_and_replay() -> None:
    journal = InMemoryJournal()
    log = journal.begin(run_start())
    clock = ManualClock()

    async def live(_event: Event) -> ClockRead:
        return ClockRead(clock.now())

    def effect() -> Effect:
        return Effect("clock", "now", digest("now"), lambda: "now", live)

    first = await Effects(RUN, log, clock).perform(effect(), Scope())
    clock.seconds = 99
    door = Effects(RUN, journal.begin(run_start("other")), clock, playback=refusing(journal.events(RUN)))
    assert await door.perform(effect(), Scope()) == first
    assert len(journal.events(RUN)) == 1


async def test_all_jobs_end_before_the_first_error_is_raised() -> None:
    door = Effects(RUN, InMemoryJournal().begin(run_start()), ManualClock())
    ended: list[int] = []

    async def job(number: int) -> int:
        await asyncio.sleep(0)
        ended.append(number)
        if number in (1, 2):
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="1"):
        await door.gather([lambda number=number: job(number) for number in range(4)], 2)
    assert sorted(ended) == [0, 1, 2, 3]
    assert await door.gather([], 2) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_equal_values_have_no_difference(value: Any) -> None:
    assert first_difference(value, value) is None


@given(JSON, JSON)
def test_different_values_have_a_first_difference(left: Any, right: Any) -> None:
    found = first_difference(left, right)
    if digest(left) != digest(right):
        assert found is not None
        assert found[0].startswith("$")


@pytest.mark.parametrize(
    ("recorded", "current", "expected"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ("$['a'][1]['b']", 2, 3)),
        ([1, 2], [1], ("$[1]", 2, None)),
        ({"a": 1}, {}, ("$['a']", 1, None)),
        (True, 1, ("$", True, 1)),
    ],
)
def test_a_difference_is_named_by_its_path(recorded: Any, current: Any, expected: Any) -> None:
    assert first_difference(recorded, current) == expected


async def test_what_continues_goes_on_under_the_intent_on_record() -> None:
    """The run of a row: what was begun is known by its id, and is not begun once more."""
    log = InMemoryJournal().begin(run_start())
    seen: list[Event] = []

    async def stopped(started: Event) -> ClockRead:
        seen.append(started)
        raise ModelError("E-TEST", "It stops.")

    async def ends(started: Event) -> ClockRead:
        seen.append(started)
        return ClockRead(2.0)

    def effect(live: Any) -> Effect:
        return Effect("run", "row", digest({}), dict, live, intent=lambda: ClockRead(1.0), continues=True)

    with pytest.raises(ModelError):
        await Effects(RUN, log, ManualClock()).perform(effect(stopped), Scope("row.1"))
    door = Effects(RUN, log, ManualClock(), playback=continuing(log.events), seq=log.last_seq)
    await door.perform(effect(ends), Scope("row.1"))
    assert [event.seq for event in seen] == [1, 1]
    assert [(event.seq, event.result is not None) for event in log.events] == [(1, False), (2, True)]


async def test_a_lane_that_was_left_counts_anew() -> None:
    """Nothing is remembered of a lane in which nothing more happens."""
    log = InMemoryJournal().begin(run_start())
    door = Effects(RUN, log, ManualClock())

    async def live(_started: Event) -> ClockRead:
        return ClockRead(1.0)

    for _ in range(2):
        await door.perform(Effect("clock", "now", digest({}), dict, live), Scope("row.1"))
        door.leave(Scope("row.1"))
    door.leave(Scope("row.2"))
    assert [event.key.ordinal for event in log.events if event.key] == [0, 0]
