from __future__ import annotations

import json
from typing import Any

import pytest

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelRequest, Usage
from agentcli.providers.anthropic import Messages
from agentcli.providers.anthropic_reader import MessagesReader
from agentcli.providers.sse import SseEvent
from agentcli.providers.wire import IncompleteError, ServerError
from tests.fakes.model_talk import READ_LINES, request

MARK = {"cache_control": {"type": "ephemeral"}}
URL = "https://api.anthropic.com/v1"


def body(asked: ModelRequest, model: str = "claude-sonnet-5-5") -> Any:
    return json.loads(Messages(URL, model).body(asked))


def whole(*blocks: dict[str, Any], stop: str | None = "end_turn", **usage: int) -> MessagesReader:
    reader = MessagesReader()
    reader.whole(json.dumps({"type": "message", "content": blocks, "stop_reason": stop, "usage": usage}).encode())
    return reader


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


CALL = {"type": "tool_use", "id": "c1", "name": "read_lines", "input": {"path": "a"}}


def test_a_request_has_system_apart_and_results_of_one_turn_in_one_message() -> None:
    calls = (ToolCall("c1", "read_lines", {"path": "a"}), ToolCall("c:2", "read_lines", {"path": "b"}))
    asked = request(
        Message("system", "Be brief."),
        "hi",
        Message("assistant", "I look.", calls),
        Message("tool", "one", tool_call_id="c1"),
        Message("tool", "", tool_call_id="c:2"),
        "and?",
        tools=(READ_LINES,),
        temperature=0.5,
        stop=("END",),
    )
    use = {"type": "tool_use", "id": "c_2", "name": "read_lines", "input": {"path": "b"}}
    assert body(asked) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 32_000,
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "stream": True,
        "tools": [
            {"name": "read_lines", "description": READ_LINES.description, "input_schema": READ_LINES.parameters, **MARK}
        ],
        "system": [{**text("Be brief."), **MARK}],
        "messages": [
            {"role": "user", "content": [text("hi")]},
            {"role": "assistant", "content": [text("I look."), CALL, use]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                    {"type": "tool_result", "tool_use_id": "c_2"},
                    {**text("and?"), **MARK},
                ],
            },
        ],
    }


def test_one_question_without_tools_writes_no_cache() -> None:
    assert "cache_control" not in json.dumps(body(request(Message("system", "Be brief."), "hi")))


def test_a_conversation_that_goes_on_is_cached() -> None:
    found = body(request(Message("system", "S"), "hi", Message("assistant", "yes"), "more"))
    assert found["system"][-1] == {**text("S"), **MARK}
    assert found["messages"][-1]["content"] == [{**text("more"), **MARK}]
    assert found["messages"][0]["content"] == [text("hi")]


def test_empty_texts_are_left_out_for_the_api_refuses_them() -> None:
    found = body(request("hi", Message("assistant", ""), "still there?", Message("system", "")))
    assert found["messages"] == [{"role": "user", "content": [text("hi"), text("still there?")]}]
    assert "system" not in found


@pytest.mark.parametrize(
    ("model", "cap"), [("claude-3-haiku-20240307", 4096), ("claude-3-5-haiku-latest", 8192), ("claude-opus-5", 32_000)]
)
def test_max_tokens_is_always_there(model: str, cap: int) -> None:
    assert body(request("hi"), model)["max_tokens"] == cap
    assert body(request("hi", max_output_tokens=7), model)["max_tokens"] == 7


def test_an_output_schema_is_closed_and_freed_of_what_the_api_refuses() -> None:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1},
            "list": {"type": "array", "items": {"type": "object", "properties": {}}, "minItems": 3},
            "either": {"oneOf": [{"type": "string", "pattern": "a"}, {"type": "null"}]},
        },
    }
    found = body(request("hi", schema=schema, reasoning_effort="minimal"))["output_config"]
    assert found["effort"] == "low"
    assert found["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "n": {"type": "integer"},
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {}, "additionalProperties": False},
                },
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        },
    }


def test_an_old_model_is_told_the_schema_in_words() -> None:
    found = body(request(Message("system", "S"), "hi", schema={"type": "array"}), "claude-3-5-haiku-latest")
    assert [block["text"][:6] for block in found["system"]] == ["S", "Give y"]
    assert "output_config" not in found


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-4-20250514", "claude-opus-4-1"])
def test_models_that_think_by_budget_get_one_below_max_tokens(model: str) -> None:
    assert body(request("hi", reasoning_effort="high"), model)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 16384,
    }
    small = body(request("hi", reasoning_effort="high", max_output_tokens=2000), model)
    assert small["thinking"]["budget_tokens"] == 1999


def test_later_models_think_as_they_see_fit() -> None:
    found = body(request("hi", reasoning_effort="medium"), "claude-opus-4-8")
    assert (found["thinking"], found["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})


@pytest.mark.parametrize(("base_url", "path"), [(URL, "/messages"), ("https://api.anthropic.com", "/v1/messages")])
def test_a_base_url_may_leave_the_version_out(base_url: str, path: str) -> None:
    assert Messages(base_url, "m").path == path


def test_thinking_goes_back_unchanged_and_in_its_place() -> None:
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xx"},
        text("I look."),
        {"type": "thinking", "thinking": "then", "signature": "s2"},
    ]
    message = whole(*thoughts, CALL, stop="tool_use").answer().message
    assert (message.content, message.reasoning) == ("I look.", "hm\nthen")
    again = Message.from_json(json.loads(json.dumps(message.to_json())))
    found = body(request("hi", again, Message("tool", "x", tool_call_id="c1"), tools=(READ_LINES,)))
    assert found["messages"][1]["content"] == [*thoughts, CALL]


def test_calls_that_thinking_does_not_know_are_not_lost() -> None:
    message = whole({"type": "thinking", "thinking": "hm", "signature": "s"}, CALL, stop="tool_use").answer().message
    other = Message("assistant", "", (ToolCall("c9", "list_files"),), opaque=message.opaque)
    blocks = body(request("hi", other))["messages"][1]["content"]
    assert [block.get("id") for block in blocks] == [None, "c9"]


def test_usage_counts_the_cache_as_input() -> None:
    answered = whole(
        text("x"), input_tokens=10, cache_read_input_tokens=70, cache_creation_input_tokens=20, output_tokens=5
    ).answer()
    assert (answered.usage, answered.cache_write) == (Usage(100, 5, 70), 20)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons_are_mapped(sent: str, meant: str) -> None:
    assert whole(text("x"), stop=sent).answer().finish_reason == meant


def test_a_body_without_stop_reason_is_no_answer() -> None:
    with pytest.raises(IncompleteError):
        whole(text("x"), stop=None).answer()


def test_an_error_event_is_raised_and_unknown_events_are_read_over() -> None:
    reader = MessagesReader()
    assert reader.event(SseEvent("ping", '{"type": "ping"}')) == ""
    assert reader.event(SseEvent("new", '{"type": "brand_new", "x": 1}')) == ""
    with pytest.raises(ServerError):
        reader.event(SseEvent("error", '{"type": "error", "error": {"type": "overloaded_error"}}'))


def test_an_unknown_delta_is_read_over() -> None:
    reader = MessagesReader()
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": text("")},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    assert [reader.event(SseEvent("", json.dumps(event))) for event in events] == ["", "", "", "x", "", ""]
    assert reader.answer().usage == Usage(3, 2)
