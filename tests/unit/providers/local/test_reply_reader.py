from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.messages import Message
from agentcli.errors import ModelError
from agentcli.providers.local.reply_reader import ReplyReader, StringDecoder

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def pieces(draw: st.DrawFn, whole: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@given(data=st.data(), text=TEXTS, ascii_only=st.booleans())
def test_a_string_cut_anywhere_decodes_to_itself(data: st.DataObject, text: str, ascii_only: bool) -> None:
    encoded = json.dumps(text, ensure_ascii=ascii_only)[1:] + "ignored"
    decoder = StringDecoder()
    assert "".join(decoder.feed(piece) for piece in data.draw(pieces(encoded))) == text
    assert decoder.closed


@given(data=st.data(), text=TEXTS, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_what_is_streamed_of_an_answer_is_the_answer(
    data: st.DataObject, text: str, ascii_only: bool, indent: int | None
) -> None:
    reply = json.dumps({"tool": "answer", "text": text}, ensure_ascii=ascii_only, indent=indent)
    reader = ReplyReader("step")
    shown = "".join(reader.feed(piece) for piece in data.draw(pieces(reply)))
    message, finish = reader.message("call_1", cut=False)
    assert (shown, message.content, message.tool_calls, finish) == (text, text, (), "stop")


@given(data=st.data(), text=TEXTS)
def test_an_answer_cut_short_gives_its_beginning_and_says_so(data: st.DataObject, text: str) -> None:
    reply = json.dumps({"tool": "answer", "text": text})
    reply = reply[: data.draw(st.integers(0, len(reply) - 1))]
    reader = ReplyReader("step")
    shown = "".join(reader.feed(piece) for piece in data.draw(pieces(reply)))
    message, finish = reader.message("call_1", cut=True)
    assert message.content == shown
    assert text.startswith(shown)
    assert finish == "length"


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d!", "\ufffd!"),
        (r"\ud83dA", "\ufffdA"),
        (r"\ude00", "\ufffd"),
        (r"\ud83d\u0041", "\ufffdA"),
        (r"\n\t\"\\\/\b\f\r", '\n\t"\\/\b\f\r'),
        ("\\u00e9", "é"),
    ],
)
def test_escapes_are_decoded_and_lone_surrogates_replaced(encoded: str, decoded: str) -> None:
    for cut in range(len(encoded)):
        decoder = StringDecoder()
        assert decoder.feed(encoded[:cut]) + decoder.feed(encoded[cut:] + '"') == decoded


def test_a_call_shows_nothing_and_becomes_a_tool_call() -> None:
    reader = ReplyReader("step")
    assert reader.feed('{"tool": "read_lines", "arguments": {"path": "a"}}') == ""
    message, finish = reader.message("call_1", cut=False)
    assert [(call.id, call.name, call.arguments) for call in message.tool_calls] == [
        ("call_1", "read_lines", {"path": "a"})
    ]
    assert (message.content, finish) == ("", "tool_calls")


def test_a_call_cut_short_is_not_carried_out() -> None:
    reader = ReplyReader("step")
    reader.feed('{"tool": "create_file", "arguments": {"path": "a", "content": "half')
    message, finish = reader.message("call_1", cut=True)
    assert (message.content, message.tool_calls, finish) == ("", (), "length")


def test_an_answer_by_a_schema_is_given_as_json() -> None:
    reader = ReplyReader("step")
    assert reader.feed('{"tool": "answer", "text": {"port": 1}}') == ""
    assert reader.message("c", cut=False)[0].content == '{"port": 1}'


def test_free_text_and_output_by_schema_stream_as_they_come() -> None:
    reader = ReplyReader("output")
    assert [reader.feed('{"a"'), reader.feed(": 1}")] == ['{"a"', ": 1}"]
    assert reader.message("c", cut=False)[0].content == '{"a": 1}'
    assert reader.message("c", cut=True)[1] == "length"


@pytest.mark.parametrize("form", ["step", "output"])
def test_a_reply_that_is_no_json_though_it_had_to_be_is_an_error(form: Literal["step", "output"]) -> None:
    reader = ReplyReader(form)
    reader.feed("```json\n{}")
    with pytest.raises(ModelError) as caught:
        reader.message("c", cut=False)
    assert caught.value.code == "E-MODEL-SCHEMA"
    assert reader.message("c", cut=True)[1] == "length"


def test_chat_is_free_text() -> None:
    reader = ReplyReader("chat")
    assert reader.feed(" Hello") == " Hello"
    assert reader.message("c", cut=False) == (Message("assistant", "Hello"), "stop")
