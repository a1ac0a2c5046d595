"""Reads the model's JSON while it is being written, so that people see the answer's text and not JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import FinishReason
from agentcli.errors import ModelError
from agentcli.providers.local.constrained import Form
from agentcli.providers.local.grammar_schema import ANSWER

_OPENING: Final = re.compile(r'\s*\{\s*"tool"\s*:\s*"answer"\s*,\s*"text"\s*:\s*"')
_SIMPLE: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)
_LONGEST_ESCAPE: Final = 12
"""Characters of a surrogate pair."""


class StringDecoder:
    """Decodes the inside of a JSON string piece by piece. Lone surrogates become U+FFFD."""

    def __init__(self) -> None:
        self._pending = ""
        self.closed = False

    def feed(self, piece: str) -> str:
        """The text that is certain by now. What follows the closing quote is ignored."""
        out: list[str] = []
        text, at = self._pending + piece, 0
        while at < len(text) and not self.closed:
            if text[at] == '"':
                self.closed = True
            elif text[at] != "\\":
                out.append(text[at])
                at += 1
            elif (decoded := _escape(text, at)) is None:
                break
            else:
                out.append(decoded[0])
                at += decoded[1]
        self._pending = "" if self.closed else text[at:]
        return "".join(out)


def _escape(text: str, at: int) -> tuple[str, int] | None:
    """The character of the escape at this place and the escape's length; None while it is not all there."""
    if at + 1 >= len(text):
        return None
    kind = text[at + 1]
    if kind != "u":
        return _SIMPLE.get(kind, kind), 2
    first = _unit(text, at)
    if first is None:
        return None
    if first not in _HIGH:
        return (chr(first) if first not in _LOW else "\ufffd"), 6
    rest = text[at + 6 : at + 8]
    if rest != "\\u"[: len(rest)]:
        return "\ufffd", 6
    second = _unit(text, at + 6)
    if second is None:
        return None
    if second not in _LOW:
        return "\ufffd", 6
    return chr(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), _LONGEST_ESCAPE


def _unit(text: str, at: int) -> int | None:
    digits = text[at + 2 : at + 6]
    return int(digits, 16) if len(digits) == 4 else None


class ReplyReader:
    """One reply: feed it what is generated, then ask for the message."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._text = ""
        self._answer: StringDecoder | None = None
        self._shown: list[str] = []

    def feed(self, piece: str) -> str:
        """The text to show to people, which may be empty."""
        self._text += piece
        if self._form != "step":
            return piece
        shown = self._step(piece)
        self._shown.append(shown)
        return shown

    def _step(self, piece: str) -> str:
        if self._answer is not None:
            return self._answer.feed(piece)
        opening = _OPENING.match(self._text)
        if opening is None:
            return ""
        self._answer = StringDecoder()
        return self._answer.feed(self._text[opening.end() :])

    def message(self, call_id: str, *, cut: bool) -> tuple[Message, FinishReason]:
        """The whole reply. `cut` says that it ran into the length limit: then a call in it is not carried out.

        Raises ModelError E-MODEL-SCHEMA where a reply is not JSON though it had to be: llama.cpp drops a schema that
        it cannot make a grammar of, and says so in its log alone.
        """
        finish: FinishReason = "length" if cut else "stop"
        if self._form == "chat":
            return Message("assistant", self._text.strip()), finish
        value = _parsed(self._text)
        if value is _BROKEN and not cut:
            raise _unconstrained()
        if self._form == "output":
            return Message("assistant", self._text.strip()), finish
        if not isinstance(value, dict):
            return Message("assistant", "".join(self._shown)), finish
        if value.get("tool") == ANSWER:
            return Message("assistant", _as_text(value.get("text"))), "stop"
        call = ToolCall(call_id, str(value.get("tool")), value.get("arguments") or {})
        return Message("assistant", tool_calls=(call,)), "tool_calls"


_BROKEN: Final = object()


def _parsed(text: str) -> Any:
    """The value, or _BROKEN where the text is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return _BROKEN


def _unconstrained() -> ModelError:
    return ModelError(
        "E-MODEL-SCHEMA",
        "The embedded model cannot be held to this JSON Schema.",
        why="No grammar can be made of it: an unknown type, or a $ref that leads nowhere.",
        fix="Correct the schema, or use a plainer one: object, array, string, number, boolean, enum.",
    )


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(value, ensure_ascii=False)
