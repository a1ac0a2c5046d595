from __future__ import annotations

import json
from typing import Any

import pytest

from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.core.models import ModelRequest, ModelSettings, RequestHead, Usage
from agentcli.providers import wire
from agentcli.providers.openai import ChatCompletions, ChatReader
from agentcli.providers.servers import SERVERS
from agentcli.providers.sse import SseEvent
from agentcli.providers.wire import IncompleteError, ServerError
from tests.fakes.model_talk import READ_LINES, request

CLOSED = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def body(asked: ModelRequest, server: str = "openai") -> Any:
    return json.loads(ChatCompletions(SERVERS[server], "m").body(asked))


def read(*chunks: Any, provider: str = "openai") -> ChatReader:
    reader = ChatReader(provider)
    for chunk in chunks:
        reader.event(SseEvent("", chunk if isinstance(chunk, str) else json.dumps(chunk)))
    return reader


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(**fields: Any) -> dict[str, Any]:
    return delta(tool_calls=[fields])


def test_a_request_holds_the_conversation_tools_and_settings() -> None:
    calls = (ToolCall("c1", "read_lines", {"path": "ä"}),)
    asked = request(
        Message("system", "Be brief."),
        "hi",
        Message("assistant", "", calls),
        Message("tool", "one", tool_call_id="c1"),
        tools=(READ_LINES,),
        temperature=0.5,
        max_output_tokens=9,
        seed=7,
        stop=("END",),
        reasoning_effort="low",
        top_p=0.9,
    )
    function = {"name": "read_lines", "arguments": '{"path":"ä"}'}
    assert body(asked) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            },
            {"role": "tool", "content": "one", "tool_call_id": "c1"},
        ],
        "tools": [{"type": "function", "function": READ_LINES.to_json()}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 9,
        "seed": 7,
        "stop": ["END"],
        "reasoning_effort": "low",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_without_settings_holds_nothing_else() -> None:
    assert body(request("hi", stream=False)) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), ({"type": "object"}, False)])
def test_an_output_schema_is_asked_for_strictly_where_it_can_be(schema: dict[str, Any], strict: bool) -> None:
    found = body(request("hi", schema=schema))["response_format"]
    assert found == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


def test_a_server_without_schemas_is_told_in_words() -> None:
    found = body(request("hi", schema=CLOSED), "deepseek")
    assert found["response_format"] == {"type": "json_object"}
    assert json.dumps(CLOSED, separators=(",", ":")) in found["messages"][0]["content"]


def test_each_server_gets_the_fields_it_understands() -> None:
    asked = request(
        "hi",
        Message("assistant", "", (ToolCall("call_abc", "read_lines"),), reasoning="hm"),
        Message("tool", "", tool_call_id="call_abc"),
        max_output_tokens=5,
        seed=1,
    )
    mistral = body(asked, "mistral")
    assert (mistral["max_tokens"], mistral["random_seed"], "stream_options" in mistral) == (5, 1, False)
    short = mistral["messages"][1]["tool_calls"][0]["id"]
    assert short.isalnum()
    assert len(short) == 9
    assert mistral["messages"][2]["tool_call_id"] == short
    assert body(asked, "deepseek")["messages"][1]["reasoning_content"] == "hm"
    assert "reasoning_content" not in body(asked)["messages"][1]


def test_malformed_arguments_go_back_as_none() -> None:
    asked = request("hi", Message("assistant", "", (ToolCall("c", "read_lines", {}, '{"pa'),)))
    assert body(asked)["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_message_is_encoded_once_however_long_the_history_grows() -> None:
    encoded: list[str] = []

    def encode(message: Message) -> bytes:
        encoded.append(message.content)
        return b"{}"

    cache, talk = wire.MessageCache(encode), Conversation()
    for turn in range(50):
        talk.append(Message("user", str(turn)))
        assert len(cache.of(talk.view())) == turn + 1
    assert encoded == [str(turn) for turn in range(50)]


def test_equal_messages_of_two_conversations_are_encoded_once() -> None:
    encoded: list[Message] = []
    cache = wire.MessageCache(lambda message: encoded.append(message) or b"{}")
    for _ in range(2):
        cache.of(Conversation([Message("user", "same")]).view())
    assert len(encoded) == 1


def test_the_caches_are_bounded() -> None:
    cache: wire.MessageCache[str] = wire.MessageCache(lambda message: message.content)
    long = Conversation(Message("user", str(number)) for number in range(20_001))
    assert len(cache.of(long.view())) == 20_001
    assert cache.of(Conversation([Message("user", "new")]).view()) == ["new"]
    assert len(cache._known) == 1
    heads: wire.HeadCache[float | None] = wire.HeadCache(lambda head: head.settings.temperature)
    for number in range(100):
        assert heads.of(RequestHead((), settings=ModelSettings(temperature=number / 100))) == number / 100
    assert len(heads._known) <= 64


def test_streaming_is_no_part_of_a_heads_digest_and_still_of_its_body() -> None:
    chat, talk = ChatCompletions(SERVERS["openai"], "m"), request("hi").conversation
    bodies = [
        json.loads(chat.body(ModelRequest(RequestHead((), settings=ModelSettings(stream=stream)), talk)))
        for stream in (True, False, True)
    ]
    assert ["stream" in found for found in bodies] == [True, False, True]


def test_usage_counts_cached_and_reasoning_tokens() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 15},
    }
    answered = read(delta("stop", content="x"), {"choices": [], "usage": usage}, "[DONE]").answer()
    assert answered.usage == Usage(100, 20, 80, 15)
    assert read(
        delta("stop"), {"choices": [], "usage": {"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}}
    ).answer().usage == Usage(5, 0, 4)


@pytest.mark.parametrize("count", ["12", -1, [], True])
def test_a_token_count_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(ValueError, match="no token count"):
        read({"choices": [], "usage": {"prompt_tokens": count}})


def test_fragments_of_calls_are_joined_by_index() -> None:
    reader = read(
        call(index=0, id="a", function={"name": "one", "arguments": '{"x"'}),
        call(index=1, id="b", function={"name": "two", "arguments": ""}),
        call(index=0, function={"arguments": ":1}"}),
        delta("tool_calls"),
    )
    assert reader.answer().message.tool_calls == (ToolCall("a", "one", {"x": 1}), ToolCall("b", "two"))


def test_calls_that_share_an_index_or_have_none_are_told_apart_by_id() -> None:
    same = read(
        call(index=0, id="a", function={"name": "one", "arguments": "{}"}),
        call(index=0, id="b", function={"name": "two", "arguments": '{"y":2}'}),
        delta("stop"),
    )
    none = read(
        call(id="a", function={"name": "one", "arguments": "{"}),
        call(function={"arguments": "}"}),
        call(id="b", function={"name": "two", "arguments": {"y": 2}}),
        delta("stop"),
    )
    for reader in (same, none):
        answered = reader.answer()
        assert answered.message.tool_calls == (ToolCall("a", "one"), ToolCall("b", "two", {"y": 2}))
        assert answered.finish_reason == "tool_calls"


def test_a_call_without_id_gets_one() -> None:
    calls = read(call(index=0, function={"name": "one"}), delta("tool_calls")).answer().message.tool_calls
    assert calls[0].id.startswith("call_")


def test_what_a_server_wants_back_with_a_call_goes_back_to_it_alone() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    message = (
        read(call(index=0, id="a", function={"name": "one"}, extra_content=extra), delta("stop"), provider="gemini")
        .answer()
        .message
    )
    assert message.opaque == {"gemini": {"a": extra}}
    asked = request("hi", message)
    assert body(asked, "gemini")["messages"][1]["tool_calls"][0]["extra_content"] == extra
    assert "extra_content" not in body(asked)["messages"][1]["tool_calls"][0]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart_from_the_answer(field: str) -> None:
    message = read(delta(**{field: "let me "}), delta(**{field: "see"}), delta("stop", content="42")).answer().message
    assert (message.reasoning, message.content) == ("let me see", "42")


def test_a_refusal_is_a_filtered_answer() -> None:
    answered = read(delta(refusal="I can"), delta("stop", refusal="not")).answer()
    assert (answered.message.content, answered.finish_reason) == ("I cannot", "content_filter")


@pytest.mark.parametrize(
    ("sent", "meant"), [("stop", "stop"), ("eos", "stop"), ("tool_calls", "stop"), ("length", "length")]
)
def test_finish_reasons_are_mapped(sent: str, meant: str) -> None:
    assert read(delta(sent, content="x")).answer().finish_reason == meant


def test_a_stream_that_ends_in_order_after_its_finish_reason_is_whole() -> None:
    assert read(delta("stop", content="x")).answer().message.content == "x"


@pytest.mark.parametrize("chunks", [(), (delta(content="x"),), (delta(content="x"), "[DONE]")])
def test_without_a_finish_reason_nothing_is_an_answer(chunks: tuple[Any, ...]) -> None:
    with pytest.raises(IncompleteError):
        read(*chunks).answer()


@pytest.mark.parametrize("error", [{"message": "broken"}, "broken"])
def test_an_error_inside_a_stream_is_raised(error: Any) -> None:
    with pytest.raises(ServerError):
        read(delta(content="x"), {"error": error})


@pytest.mark.parametrize("content", [3, ["x"], {"text": "x"}])
def test_content_that_is_no_text_is_refused(content: Any) -> None:
    with pytest.raises(TypeError):
        read(delta(content=content))
