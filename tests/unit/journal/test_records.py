"""Events as rows, and the hash chain over them."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import (
    BODIES,
    ApprovalResolved,
    EffectKey,
    Event,
    ModelCompleted,
    ModelStarted,
    RunCompleted,
    ToolCompleted,
    UnknownBody,
)
from agentcli.core.flags import Flag
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.outlines import StepOutline
from agentcli.core.tools import FileTouch
from agentcli.errors import ErrorInfo
from agentcli.journal.records import MARK, Line, event_of, line_in, line_of, origin, parts_of, seal, take
from tests.fakes.recorded import end, start

RUN = start().id

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**40)
digests = st.binary(max_size=4).map(digest_bytes)
json = st.recursive(
    st.none() | st.booleans() | counts | numbers | texts | digests,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, json, max_size=4)
calls = st.builds(ToolCall, texts, texts, objects, st.none() | texts)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    texts,
    st.lists(calls, max_size=2).map(tuple),
    st.none() | texts,
    st.none() | texts,
    st.none() | objects,
)
SPECIAL: dict[str, dict[str, Any]] = {
    "model.started": {
        "request": st.builds(
            RequestDelta, st.none() | counts, counts, st.lists(digests, max_size=3).map(tuple), digests
        )
    },
    "model.completed": {
        "deltas": st.lists(counts, max_size=6).map(tuple),
        "message": messages,
        "usage": st.builds(Usage, counts, counts, counts, counts),
    },
    "run.completed": {
        "usage": st.builds(Usage, counts),
        "error": st.none() | st.builds(ErrorInfo, texts, texts, line=st.none() | counts),
    },
    "model.failed": {"error": st.builds(ErrorInfo, texts, texts)},
    "code.completed": {
        "error": st.none() | st.builds(ErrorInfo, texts, texts),
        "changed": st.lists(texts, max_size=3).map(tuple),
    },
    "tool.completed": {
        "files": st.lists(
            st.builds(FileTouch, texts, st.none() | digests, st.none() | digests, st.booleans()), max_size=3
        ).map(tuple),
        "flags": st.lists(st.builds(Flag, texts, counts, texts), max_size=3).map(tuple),
        "how": st.dictionaries(texts, numbers, max_size=3),
        "artifacts": st.lists(digests, max_size=3).map(tuple),
    },
    "run.started": {
        "steps": st.lists(st.builds(StepOutline, texts, texts, st.none() | counts), max_size=3).map(tuple),
        "limits": st.dictionaries(texts, numbers, max_size=3),
    },
    "row.completed": {
        "usage": st.builds(Usage, counts),
        "error": st.none() | st.builds(ErrorInfo, texts, texts, line=st.none() | counts),
    },
    "step.retried": {"error": st.builds(ErrorInfo, texts, texts)},
    "step.failed": {"error": st.builds(ErrorInfo, texts, texts)},
    "approval.requested": {"preview": st.none() | texts},
}
PLAIN: dict[str, Any] = {
    "Any": json,
    "dict[str, Any]": objects,
    "int": counts,
    "float": numbers,
    "bool": st.booleans(),
}


def body_of(cls: Any) -> Any:
    special = SPECIAL.get(cls.type, {})
    fields = {
        field.name: special[field.name] if field.name in special else PLAIN.get(str(field.type), texts)
        for field in dataclasses.fields(cls)
    }
    return st.builds(cls, **fields)


keys = st.builds(EffectKey, st.just("lane"), st.sampled_from(["model", "tool"]), texts, counts)
events = st.builds(
    Event,
    st.just(RUN),
    counts,
    numbers,
    numbers,
    st.one_of([body_of(cls) for cls in BODIES.values()]),
    st.just("lane"),
    st.none() | texts,
    st.none() | counts,
    st.none() | texts,
    st.none() | keys,
    st.none() | digests,
    st.none() | digests,
)


def kept(event: Event) -> tuple[Line, dict[bytes, bytes]]:
    record = take(event)
    contents = {sha256(data).digest(): data for _, data in record.contents}
    return line_of(record, [sha256(data).digest() for _, data in record.contents]), contents


@given(events)
def test_every_event_comes_back_from_its_row(event: Event) -> None:
    line, contents = kept(event)
    row = line.row(7, b"p" * 32)
    assert line_in(row) == line
    assert event_of(RUN, line_in(row), parts_of(line_in(row)), contents.__getitem__) == event
    assert row[0] == 7
    assert row[-1] == b"p" * MARK


@given(events)
def test_what_an_event_needs_is_known_from_its_digests(event: Event) -> None:
    line, contents = kept(event)
    parts = parts_of(line)
    assert set(parts.kept.values()) == set(contents)
    assert b"".join([*parts.mentioned, *parts.kept.values()]) == line.digests


@given(events, st.data())
def test_changing_any_column_changes_the_hash(event: Event, data: Any) -> None:
    line, _ = kept(event)
    before = line.hash(RUN, b"p" * 32)
    index = data.draw(st.integers(0, len(line.envelope) - 1))
    old = line.envelope[index]
    new = b"\1" * 32 if index >= 11 else old + {int: 1, float: 1.5, str: "x"}[type(old)] if old is not None else "1"
    if new != old:
        changed = replace(line, envelope=(*line.envelope[:index], new, *line.envelope[index + 1 :]))
        assert changed.hash(RUN, b"p" * 32) != before
    assert replace(line, text=line.text + b" ").hash(RUN, b"p" * 32) != before
    assert replace(line, digests=line.digests + b"1").hash(RUN, b"p" * 32) != before
    assert line.hash(RUN, b"q" * 32) != before
    assert line.hash("other", b"p" * 32) != before


def event(body: Any) -> Event:
    return Event(RUN, 1, 1.0, 1.0, body)


def test_a_message_is_kept_by_content_however_small_and_byte_identical() -> None:
    message = Message("assistant", "")
    record = take(event(ModelCompleted(message, Usage(), "stop", "a:b", 0.1, None, 1)))
    assert record.contents == (("message", encode(message.to_json())),)


def test_small_values_stay_in_the_row_and_large_ones_do_not() -> None:
    small = take(event(ToolCompleted("t", "c", "ok", "short", None, 0.1)))
    large = take(event(ToolCompleted("t", "c", "ok", "long" * 100, None, 0.1)))
    assert small.contents == ()
    assert large.contents == (("result", encode("long" * 100)),)
    assert large.size > 400


def test_what_looks_like_a_mark_in_a_text_is_none() -> None:
    body = ApprovalResolved("t", "c", "no", "user", "\x01 \x02message \\u0001")
    line, contents = kept(event(body))
    assert event_of(RUN, line, parts_of(line), contents.__getitem__).body == body
    assert line.digests == b""


def test_an_event_of_an_unknown_type_keeps_its_fields() -> None:
    line, _ = kept(event(ApprovalResolved("t", "c", "no", "user")))
    strange = replace(line, envelope=(1, "future.event", *line.envelope[2:]))
    body = event_of(RUN, strange, parts_of(strange), dict[bytes, bytes]().__getitem__).body
    assert isinstance(body, UnknownBody)
    assert body.to_json()["by"] == "user"


@pytest.mark.parametrize("digests", [b"", b"x", b"x" * 31, b"x" * 96])
def test_digests_that_do_not_fit_the_text_are_damage(digests: bytes) -> None:
    body = ModelStarted("p", "m", RequestDelta(None, 0, (), "a" * 64))
    line, _ = kept(event(body))
    with pytest.raises(ValueError, match="do not fit"):
        parts_of(replace(line, digests=digests))


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
def test_what_is_no_json_is_refused_when_it_is_appended(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the codec's own words
        take(event(RunCompleted("completed", value, None, Usage(), None, 0.0, 0, 0)))


def test_the_origin_and_the_seal_cover_what_they_stand_for() -> None:
    assert origin(start()) != origin(start(name="other"))
    assert origin(start()) != origin(start(parent="x", relation="fork", cut=3))
    assert seal(b"h", end()) != seal(b"h", end(cost_usd=None)) != seal(b"i", end(cost_usd=None))
    assert seal(b"h", end(duration_s=5)) == seal(b"h", end(duration_s=5.0))
