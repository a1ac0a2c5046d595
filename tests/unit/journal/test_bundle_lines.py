"""An event as a line: nothing is lost, nothing else is let in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agentcli.core.canonical import encode
from agentcli.core.events import Body, EffectKey, Event, InputRead, ModelStarted, ToolCompleted, read_body
from agentcli.core.models import RequestDelta
from agentcli.core.tools import FileTouch
from agentcli.journal import bundle_lines
from agentcli.journal.bundle_lines import NewerError, event_in, line_of
from tests.cli.events import ONE_OF_EACH

RUN = "20261121-081532-k7f3qz"
DIGEST = "0" * 64
KEY = EffectKey("turn.1", "model", "model", 0)


def event(body: Body, **changes: Any) -> Event:
    return Event(RUN, **{"seq": 7, "time": 1.5, "mono": 0.5, "body": body, "lane": "turn.1", **changes})


def line(**changes: Any) -> bytes:
    """A line that is right but for the changes; None takes a field away."""
    value = json.loads(
        line_of(event(InputRead("stdin", 1), key=KEY, request=DIGEST, result=DIGEST, parent=RUN, turn=1))
    )
    return encode({name: item for name, item in {**value, **changes}.items() if item is not None})


def refusal(data: bytes) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        event_in(data, RUN, 7)
    assert not isinstance(caught.value, NewerError)
    return str(caught.value)


RECORDED = [body for body in ONE_OF_EACH if body.type != "model.delta"]


@pytest.mark.parametrize("body", RECORDED, ids=lambda body: body.type)
def test_every_kind_of_event_comes_back(body: Body) -> None:
    whole = event(body, key=KEY, request=DIGEST, result=DIGEST, parent="other", turn=3, step="draft")
    for one in (whole, event(body)):
        assert event_in(line_of(one), RUN, 7) == one


TEXT = some.text(some.characters(exclude_categories=["Cs"]))
NUMBER = some.integers() | some.floats(allow_nan=False, allow_infinity=False)
JSON = some.recursive(
    some.none() | some.booleans() | NUMBER | TEXT,
    lambda inner: some.lists(inner) | some.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(
    value=JSON,
    time=some.floats(0, 2e9),
    lane=some.text("abc./123", max_size=30),
    turn=some.none() | some.integers(1, 10_000),
)
def test_any_value_at_any_place_comes_back(value: Any, time: float, lane: str, turn: int | None) -> None:
    one = event(InputRead("stdin", value), time=time, mono=time, lane=lane, turn=turn)
    assert event_in(line_of(one), RUN, 7) == one


@given(some.binary(max_size=200) | some.text(max_size=100).map(str.encode))
def test_anything_else_is_refused(data: bytes) -> None:
    refusal(data)


@given(some.data())
def test_a_changed_character_is_refused_or_another_event(data: some.DataObject) -> None:
    good = line()
    at = data.draw(some.integers(0, len(good) - 1))
    byte = data.draw(some.integers(32, 126))
    changed = good[:at] + bytes([byte]) + good[at + 1 :]
    try:
        found = event_in(changed, RUN, 7)
    except ValueError:
        return
    assert line_of(found) == changed


def test_an_event_of_a_type_we_do_not_know_is_kept() -> None:
    one = event(read_body("moon.risen", {"phase": "full"}))
    found = event_in(line_of(one), RUN, 7)
    assert (found.body.type, found.body.to_json()) == ("moon.risen", {"phase": "full"})


WRONG = [
    {"seq": 8},
    {"seq": 0},
    {"seq": 7.0},
    {"seq": True},
    {"seq": None},
    {"type": None},
    {"type": 5},
    {"type": "model.delta", "body": {"text": "x", "index": 0}},
    {"type": "Moon Risen"},
    {"type": "moon"},
    {"type": "x." + "y" * 1000},
    {"body": []},
    {"body": {"source": 5, "value": 1}},
    {"body": {"value": 1}},
    {"time": 1},
    {"time": -1.0},
    {"time": 1e300},
    {"time": "now"},
    {"mono": -0.5},
    {"lane": 5},
    {"lane": "x" * 1001},
    {"lane": "\x1b[31m"},
    {"lane": "a\nb"},
    {"step": "\u202e"},
    {"turn": 0},
    {"turn": 2**60},
    {"turn": "1"},
    {"parent": 5},
    {"parent": "../x"},
    {"key": {}},
    {"key": ["model", "model"]},
    {"key": ["magic", "model", 0]},
    {"key": ["model", 5, 0]},
    {"key": ["model", "model", -1]},
    {"request": "0"},
    {"request": "A" * 64},
    {"result": 5},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_what_no_event_has_is_refused(changes: dict[str, Any]) -> None:
    assert event_in(line(), RUN, 7).seq == 7
    refusal(line(**changes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"seq": 7}',
        b'{"a":NaN}',
        b'{"a":1,"a":1}',
        b'{"a":"\\ud800"}',
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
    ids=range(8),
)
def test_what_is_not_canonical_json_is_refused(data: bytes) -> None:
    refusal(data)


def test_a_line_too_long_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_lines, "MAX_CONTENT", 100)
    assert refusal(line()) == "it is too long"


@pytest.mark.parametrize("changes", [{"zodiac": "lion"}, {"body": {"source": "stdin", "value": 1, "zodiac": "lion"}}])
def test_what_we_do_not_know_is_newer(changes: dict[str, Any]) -> None:
    with pytest.raises(NewerError):
        event_in(line(**changes), RUN, 7)


@pytest.mark.parametrize(
    "delta",
    [
        RequestDelta(None, -1, (), DIGEST),
        RequestDelta(7, 1, (), DIGEST),
        RequestDelta(0, 1, (), DIGEST),
        RequestDelta(9, 1, (), DIGEST),
        RequestDelta(3, 1, ("x",), DIGEST),
        RequestDelta(3, 1, (), "x"),
    ],
)
def test_a_request_grows_from_an_earlier_one(delta: RequestDelta) -> None:
    refusal(line_of(event(ModelStarted("openai", "gpt", delta))))


@pytest.mark.parametrize("touch", [FileTouch("a", "x", None, True), FileTouch("a", None, "y", False, True)])
def test_a_snapshot_is_named_by_a_digest(touch: FileTouch) -> None:
    refusal(line_of(event(ToolCompleted("t", "c", "ok", "", None, 0.1, (touch,)))))


@pytest.mark.parametrize("mode", [-1, 0o1000, 0o4755, True, "755"])
def test_permissions_are_nine_bits(mode: Any) -> None:
    refusal(
        line_of(event(ToolCompleted("t", "c", "ok", "", None, 0.1, (FileTouch("a", None, None, True, mode=mode),))))
    )


def test_what_is_wrong_is_told_without_its_value() -> None:
    told = refusal(line(type="tool.completed", body={"tool": "\x1b]0;title\x07", "call_id": 5}))
    assert "`call_id`" in told
    assert "\x1b" not in told
