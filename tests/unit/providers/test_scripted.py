from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelReply, Usage
from agentcli.errors import DefinitionError, ModelError, ModelTransientError
from agentcli.providers.scripted import ScriptedModel
from tests.fakes.model_talk import Heard, request

SIMPLE = 'replies: ["hello", {tool_calls: [{name: read_lines, arguments: {path: a.txt}}]}, "done"]'


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(text: str) -> ScriptedModel:
        (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
        return ScriptedModel.open("s.yaml", tmp_path)

    return write


async def answer(model: ScriptedModel, *messages: Message | str, heard: Heard | None = None, **how: Any) -> ModelReply:
    return await model.complete(request(*messages, **how), heard or Heard())


def at_turn(turn: int, last: str = "hi") -> list[Message | str]:
    return [*[Message("assistant", "…")] * (turn - 1), last]


async def test_the_shortest_form_answers_turn_by_turn(script: Any) -> None:
    model = script(SIMPLE)
    replies = [await answer(model, *at_turn(turn)) for turn in (1, 2, 3)]
    assert [reply.message.content for reply in replies] == ["hello", "", "done"]
    assert replies[1].message.tool_calls == (ToolCall("call_2_1", "read_lines", {"path": "a.txt"}),)
    assert [reply.finish_reason for reply in replies] == ["stop", "tool_calls", "stop"]
    assert {(reply.model, reply.cost_usd, reply.attempts) for reply in replies} == {("scripted:s.yaml", 0.0, 1)}


async def test_the_same_conversation_gets_the_same_reply_in_any_order(script: Any) -> None:
    model = script(SIMPLE)
    found = [(await answer(model, *at_turn(turn))).message.content for turn in (3, 1, 3, 1)]
    assert found == ["done", "hello", "done", "hello"]


async def test_a_script_that_runs_out_names_the_turn(script: Any) -> None:
    with pytest.raises(ModelError, match="no reply for turn 4") as raised:
        await answer(script(SIMPLE), *at_turn(4))
    assert raised.value.code == "E-SCRIPT-EXHAUSTED"


@pytest.mark.parametrize(("turn", "text"), [(1, "a"), (2, "a"), (3, "b"), (4, "c"), (99, "c")])
async def test_a_reply_can_stand_for_many_turns(script: Any, turn: int, text: str) -> None:
    model = script("replies: [{text: a, repeat: 2}, b, {text: c, repeat: true}, never]")
    assert (await answer(model, *at_turn(turn))).message.content == text


@pytest.mark.parametrize(
    ("turn", "last", "text"),
    [
        (1, "the weather in Rome", "sunny"),
        (5, "the weather in Rome", "sunny"),
        (1, "order 123", "order"),
        (2, "order 123", "second"),
        (1, "anything", "plain"),
    ],
)
async def test_conditions_go_before_the_order_of_turns(script: Any, turn: int, last: str, text: str) -> None:
    model = script(
        """
        replies:
          - plain
          - {text: sunny, contains: weather}
          - {text: second, turn: 2}
          - {text: order, matches: 'order \\d+'}
          - {text: never, turn: 1, contains: elsewhere}
        """
    )
    assert (await answer(model, *at_turn(turn, last))).message.content == text


async def test_a_condition_looks_at_the_newest_result_of_a_tool(script: Any) -> None:
    model = script("replies: [{text: found, contains: needle}, {text: no, repeat: true}]")
    call = Message("assistant", "", (ToolCall("c", "grep_file"),))
    assert (await answer(model, "needle?", call, Message("tool", "hay", tool_call_id="c"))).message.content == "no"
    assert (await answer(model, "?", call, Message("tool", "a needle", tool_call_id="c"))).message.content == "found"


async def test_chunks_are_streamed_and_usage_reported(script: Any) -> None:
    model = script("replies: [{chunks: [one, ' ', two], usage: {input: 9, output: 3, cached: 4}, reasoning: hm}]")
    heard = Heard()
    reply = await answer(model, "hi", heard=heard)
    assert (heard.deltas, reply.message.content, reply.usage) == (["one", " ", "two"], "one two", Usage(9, 3, 4))
    assert reply.message.reasoning == "hm"
    silent = Heard()
    assert (await answer(model, "hi", heard=silent, stream=False)).message.content == "one two"
    assert silent.deltas == []


async def test_calls_may_be_malformed_and_named(script: Any) -> None:
    model = script(
        """replies: [{tool_calls: [{name: a, id: x1}, {name: b, malformed: '{"pa'}], finish_reason: length}]"""
    )
    reply = await answer(model, "hi")
    assert reply.message.tool_calls == (ToolCall("x1", "a"), ToolCall("call_1_2", "b", {}, '{"pa'))
    assert reply.finish_reason == "length"


@pytest.mark.parametrize(
    ("name", "code", "passes"),
    [
        ("rate_limit", "E-MODEL-RATE-LIMIT", True),
        ("timeout", "E-MODEL-TIMEOUT", True),
        ("unauthorised", "E-MODEL-UNAUTHORISED", False),
        ("unreachable", "E-MODEL-UNREACHABLE", True),
        ("unknown_model", "E-MODEL-UNKNOWN", False),
        ("server", "E-MODEL-SERVER", True),
        ("stream", "E-MODEL-STREAM", True),
        ("request", "E-MODEL-REQUEST", False),
        ("context", "E-MODEL-CONTEXT", False),
    ],
)
async def test_errors_are_those_of_real_models(script: Any, name: str, code: str, passes: bool) -> None:
    heard = Heard()
    with pytest.raises(ModelError) as raised:
        await answer(script(f"replies: [{{chunks: [par, tial], error: {name}}}]"), "hi", heard=heard)
    assert (raised.value.code, isinstance(raised.value, ModelTransientError)) == (code, passes)
    assert heard.text == "partial"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("replies:\n  - texd: x", "E-SCRIPT-UNKNOWN-KEY", 2),
        ("replies:\n  - a\n  - {text: x, chunks: [y]}", "E-SCRIPT-VALUE", 3),
        ("replies:\n  - {}", "E-SCRIPT-VALUE", 2),
        ("replies:\n  - {text: x, turn: 1, repeat: 2}", "E-SCRIPT-VALUE", 2),
        ("replies:\n  - text: x\n    matches: '('", "E-SCRIPT-VALUE", 3),
        ("replies:\n  - text: x\n    repeat: 0", "E-SCRIPT-VALUE", 3),
        ("replies:\n  - error: ratelimit", "E-SCRIPT-VALUE", 2),
        ("replies:\n  - tool_calls: [{arguments: {}}]", "E-SCRIPT-MISSING-KEY", 2),
        ("replies:\n  - 3", "E-SCRIPT-TYPE", 2),
        ("replies: []", "E-SCRIPT-VALUE", 1),
        ("replys: [a]", "E-SCRIPT-UNKNOWN-KEY", 1),
    ],
)
def test_a_broken_script_is_told_by_its_line(script: Any, text: str, code: str, line: int) -> None:
    with pytest.raises(DefinitionError) as raised:
        script(text)
    assert (raised.value.info.code, raised.value.info.line, raised.value.exit_code) == (code, line, 3)
    assert str(raised.value.info.file).endswith("s.yaml")


def test_an_empty_text_is_a_reply(script: Any) -> None:
    assert script("replies: [{text: ''}]")


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as raised:
        ScriptedModel.open("none.yaml", tmp_path)
    assert raised.value.code == "E-SCRIPT-UNREADABLE"


async def test_closing_holds_nothing_up(script: Any) -> None:
    await script(SIMPLE).aclose()
