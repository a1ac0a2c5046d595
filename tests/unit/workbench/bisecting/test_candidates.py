"""Candidates: results at the same place that differ in what the run goes on with."""

from __future__ import annotations

from typing import Any

from agentcli.core.canonical import digest
from agentcli.core.events import Body, EffectKey, Event, ModelCompleted, ToolCompleted
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import Usage
from agentcli.engine.recording import Recording
from agentcli.workbench.bisecting.candidates import candidates


def answer(text: str = "", call: str = "c1", **changes: Any) -> ModelCompleted:
    message = Message("assistant", text, (ToolCall(call, "look", {"at": 1}),))
    values = {"duration_s": 1.0, "cost_usd": None, "attempts": 1, **changes}
    return ModelCompleted(message, Usage(), "tool_calls", "fake:model", **values)


def result(text: str, seconds: float = 1.0, call: str = "c1") -> ToolCompleted:
    return ToolCompleted("look", call, "ok", text, None, seconds)


def recording(*bodies: Body, lanes: str = "") -> Recording:
    events = []
    for seq, body in enumerate(bodies, 1):
        kind: Any = "model" if isinstance(body, ModelCompleted) else "tool"
        key = EffectKey(lanes, kind, kind, seq)
        events.append(Event("r", seq, 0.0, 0.0, body, key=key, request=digest(0), result=digest(body.to_json())))
    return Recording(events, lambda event: None)


def test_times_costs_and_made_up_ids_make_no_candidate() -> None:
    good = recording(answer("a", "c1"), result("x", 1.0, "c1"))
    bad = recording(answer("a", "c9", duration_s=9.0, cost_usd=1.0), result("x", 9.0, "c9"))
    assert candidates(good, bad) == ()


def test_each_other_result_is_one_with_its_first_difference_and_its_place() -> None:
    found = candidates(recording(answer("a"), result("x")), recording(answer("b"), result("y")))
    assert [(one.seq, one.path, one.good, one.bad) for one in found] == [
        (1, "$['content']", "a", "b"),
        (2, "$['result']", "x", "y"),
    ]
    first, second = found
    assert first.fork_of("r").responses == {1: answer("a").message}
    assert second.fork_of("r").results == {2: "x"}
    assert (second.control_of("r").at, second.control_of("r").results) == (2, {})


def test_what_only_one_of_them_has_is_none() -> None:
    assert candidates(recording(answer("a")), recording(answer("a"), result("y"))) == ()
    assert candidates(recording(result("x"), lanes="1"), recording(result("y"), lanes="2")) == ()
