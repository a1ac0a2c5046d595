"""What going on live would take, from what is on record."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.events import (
    Body,
    EffectKey,
    Event,
    ModelCompleted,
    ModelFailed,
    ModelStarted,
    ToolCompleted,
    ToolStarted,
)
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.tools import ToolSpec
from agentcli.errors import ErrorInfo
from agentcli.workbench.estimate import Estimate, estimate
from tests.fakes.engine import RUN

MODELS = ("fake:a", "fake:b")


def model(seq: int, *, usage: Usage | None = None, cost: float | None = 0.5, name: str = "fake:a", **at: Any) -> Event:
    body = ModelCompleted(Message("assistant", "."), usage or Usage(10, 2), "stop", name, at.get("took", 1.0), cost, 1)
    return event(seq, body, EffectKey("", "model", "model", seq), at.get("time", 10.0 * seq))


def tool(seq: int, name: str, *, refused: bool = False, took: float = 1.0) -> tuple[Event, Event]:
    """The two events of a call; the second has the next seq."""
    key = None if refused else EffectKey("", "tool", name, seq)
    done = ToolCompleted(name, "c", "denied" if refused else "ok", "", None, took)
    return event(seq, ToolStarted(name, "c", {}), key, 10.0 * seq), event(seq + 1, done, key, 10.0 * seq + 10)


def event(seq: int, body: Body, key: EffectKey | None, time: float) -> Event:
    return Event(RUN, seq, time, time, body, key=key)


def priced(name: str, usage: Usage) -> float | None:
    return {"fake:cheap": usage.total / 100, "local:small": 0.0}.get(name)


def spec(name: str, effects: Any) -> ToolSpec:
    return ToolSpec(name, "", {}, effects)


def test_what_comes_after_the_cut_is_counted_and_nothing_else() -> None:
    events = [model(1), *tool(2, "read"), model(4, usage=Usage(7, 3)), *tool(5, "read"), *tool(7, "write"), model(9)]
    found = estimate(events, 3, MODELS, MODELS, priced, ())
    assert found == Estimate(2, 17, 5, 1.0, 4.0, {"read": 1, "write": 1}, ())
    assert estimate(events, 9, MODELS, MODELS, priced, ()) == Estimate(0, 0, 0, 0.0, 0.0, {}, ())


def test_a_request_without_an_answer_counts_as_one() -> None:
    asked = ModelStarted("fake", "a", RequestDelta(None, 0, (), "0" * 64))
    failed = ModelFailed(ErrorInfo("E-MODEL-SERVER", "The server failed."), 7)
    keys = [EffectKey("", "model", "model", number) for number in range(2)]
    events = [event(1, asked, keys[0], 10.0), event(2, failed, keys[0], 20.0), event(3, asked, keys[1], 30.0)]
    assert [estimate(events, cut, MODELS, MODELS, priced, ()).model_calls for cut in range(4)] == [2, 2, 1, 0]


def test_it_is_one_object_of_json() -> None:
    found = estimate([*tool(1, "drop")], 0, MODELS, MODELS, priced, [spec("drop", "irreversible")])
    assert found.to_json() == {
        "model_calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.0,
        "seconds": 1.0,
        "tools": {"drop": 1},
        "irreversible": ["drop"],
    }


def test_another_model_is_priced_by_the_table() -> None:
    events = [model(1), model(2, usage=Usage(100, 50))]
    assert estimate(events, 0, ("fake:cheap",), MODELS, priced, ()).cost_usd == 1.62
    assert estimate(events, 0, ("local:small",), MODELS, priced, ()).cost_usd == 0.0
    assert estimate(events, 0, ("fake:unknown",), MODELS, priced, ()).cost_usd is None


def test_a_model_that_answered_then_costs_what_it_cost() -> None:
    events = [model(1, name="fake:b", cost=0.25)]
    assert estimate(events, 0, ("fake:b",), MODELS, priced, ()).cost_usd == 0.25
    assert estimate(events, 0, MODELS, MODELS, priced, ()).cost_usd == 0.25


def test_a_cost_that_was_not_known_then_is_not_known_now() -> None:
    assert estimate([model(1), model(2, cost=None)], 0, MODELS, MODELS, priced, ()).cost_usd is None


def test_a_call_in_flight_at_the_cut_is_done_again_and_one_that_broke_off_too() -> None:
    events = [*tool(1, "read"), tool(3, "write")[0]]
    assert estimate(events, 1, MODELS, MODELS, priced, ()).tools == {"read": 1, "write": 1}


def test_refused_calls_are_no_calls() -> None:
    assert estimate([*tool(1, "write", refused=True)], 0, MODELS, MODELS, priced, ()).tools == {}


def test_only_tools_that_are_called_are_named_as_irreversible() -> None:
    specs = [spec("drop", "irreversible"), spec("send", "irreversible"), spec("read", "read-only")]
    events = [*tool(1, "send"), *tool(3, "read"), *tool(5, "send")]
    found = estimate(events, 0, MODELS, MODELS, priced, specs)
    assert (found.tools, found.irreversible) == ({"read": 1, "send": 2}, ("send",))


def test_what_ran_at_once_counts_once_and_waiting_does_not_count() -> None:
    events = [
        model(1, time=10.0, took=4.0),
        model(2, time=12.0, took=4.0),  # from 8 to 12, beside the first: 6 to 10
        model(3, time=11.0, took=1.0),  # within the second
        model(4, time=500.0, took=2.0),  # a person was asked in between
    ]
    assert estimate(events, 0, MODELS, MODELS, priced, ()).seconds == 8.0


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), max_size=12))
def test_the_time_is_never_more_than_all_durations_and_never_less_than_the_longest(
    spans: list[tuple[float, float]],
) -> None:
    events = [model(seq, time=time, took=took) for seq, (time, took) in enumerate(spans, start=1)]
    durations = [took for _, took in spans]
    seconds = estimate(events, 0, MODELS, MODELS, priced, ()).seconds
    assert max(durations, default=0.0) - 0.002 <= seconds <= sum(durations) + 0.002
