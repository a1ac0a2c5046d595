"""The Messages API of Anthropic.

The end mark of a stream is `message_stop` after a stop reason. Thinking blocks are kept, with their places among the
other blocks, in `Message.opaque["anthropic"]` and handed back unchanged: the API checks their signatures.

Where a prompt prefix will be read again (there are tools, or the conversation has gone on), cache breakpoints stand
behind the tools and system text, and behind the newest message: each turn then reads what the turn before wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelRequest, ModelSettings, RequestHead
from agentcli.providers import schemas
from agentcli.providers.anthropic_reader import OPAQUE_KEY, MessagesReader
from agentcli.providers.wire import HeadCache, MessageCache, wire_json

API_VERSION = "2023-06-01"

_MARK = b',"cache_control":{"type":"ephemeral"}}'
"""A cache breakpoint, in the place of a block's closing brace."""

_OLD = re.compile(r"claude-(3|instant|2|v1)|claude-(opus|sonnet|haiku)-4-([015]\b|20\d{6})")
"""Models that think within a budget of tokens; later ones take an effort."""

_NO_SCHEMA = re.compile(r"claude-(3|instant|2|v1)|claude-(opus|sonnet)-4-([01]\b|20\d{6})")
"""Models from before structured outputs."""

_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}

DEFAULT_MAX_TOKENS = 32_000
"""What `max_tokens`, which the API requires, is when the settings do not say: every model since 3.7 takes it."""

_OLD_MAX_TOKENS = {"claude-3-5": 8192, "claude-3-7": 32_000, "claude-3": 4096, "claude-2": 4096}


def max_tokens_of(model: str) -> int:
    """The cap of an answer for a model, in tokens."""
    return next((cap for prefix, cap in _OLD_MAX_TOKENS.items() if model.startswith(prefix)), DEFAULT_MAX_TOKENS)


_FIRST = {role: b'{"role":"%s","content":[' % role.encode() for role in ("user", "assistant")}
_NEXT = {role: b"]}," + opening for role, opening in _FIRST.items()}


class _Encoded(NamedTuple):
    """A message as the API's blocks, joined by commas. The role is "" where there is nothing to say."""

    role: str
    blocks: bytes


class Messages:
    """The wire format, for one model. `base_url` may end in /v1 or not: both are customary."""

    def __init__(self, base_url: str, model: str) -> None:
        self._model = model
        self._heads = HeadCache(self._head)
        self._messages = MessageCache(_encoded)
        self.path = "/messages" if base_url.rstrip("/").endswith("/v1") else "/v1/messages"

    def headers(self, key: str | None) -> Mapping[str, str]:
        """JSON, the API's version, and the key."""
        headers = {"content-type": "application/json", "anthropic-version": API_VERSION}
        if key:
            headers["x-api-key"] = key
        return headers

    def body(self, request: ModelRequest) -> bytes:
        """The request's JSON; only messages that were never sent before are encoded."""
        before, instruction = self._heads.of(request.head)
        encoded = self._messages.of(request.conversation)
        cached = bool(request.head.tools) or any(part.role == "assistant" for part in encoded)
        messages, system = _merged(encoded, cached)
        if instruction:
            system.append(instruction)
        told = (b',"system":[', _marked(b",".join(system), cached), b"]") if system else ()
        return b"".join((before, *told, b',"messages":[', messages, b"]}"))

    def reader(self) -> MessagesReader:
        """A reader for one answer."""
        return MessagesReader()

    def _head(self, head: RequestHead) -> tuple[bytes, bytes]:
        """The body's bytes before system text and messages, and a block of system text of our own or nothing."""
        fields = {"model": self._model, **self._settings(head.settings)}
        instruction = b""
        if head.output_schema is not None:
            if _NO_SCHEMA.match(self._model):
                instruction = wire_json({"type": "text", "text": schemas.instruction(head.output_schema)})
            else:
                format_ = {"type": "json_schema", "schema": schemas.for_anthropic(head.output_schema)}
                fields.setdefault("output_config", {})["format"] = format_
        tools = b",".join(
            wire_json({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
            for tool in head.tools
        )
        listed = b',"tools":[' + _marked(tools, cached=True) + b"]" if tools else b""
        return wire_json(fields)[:-1] + listed, instruction

    def _settings(self, settings: ModelSettings) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "max_tokens": settings.max_output_tokens or max_tokens_of(self._model),
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "stop_sequences": list(settings.stop) or None,
            "stream": settings.stream or None,
        }
        if settings.reasoning_effort is not None:
            fields |= self._thinking(settings.reasoning_effort, fields["max_tokens"])
        return {name: value for name, value in fields.items() if value is not None}

    def _thinking(self, effort: str, max_tokens: int) -> dict[str, Any]:
        if not _OLD.match(self._model):
            level = "low" if effort == "minimal" else effort
            return {"thinking": {"type": "adaptive"}, "output_config": {"effort": level}}
        budget = min(_BUDGETS[effort], max_tokens - 1)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _marked(blocks: bytes, cached: bool) -> bytes:
    """The blocks, with a cache breakpoint behind the last of them."""
    return blocks[:-1] + _MARK if cached else blocks


def _merged(encoded: Sequence[_Encoded], cached: bool) -> tuple[bytes, list[bytes]]:
    """The messages, neighbours of one role made one as the API wants it; and the blocks of system text.

    Runs over the whole history for every request: that is why it is one plain loop.
    """
    system: list[bytes] = []
    out: list[bytes] = []
    last = ""
    for role, blocks in encoded:
        if role == last:
            out += (b",", blocks)
        elif role == "system":
            system.append(blocks)
        elif role:
            out += (_NEXT[role] if last else _FIRST[role], blocks)
            last = role
    if last == "user":
        out[-1] = _marked(out[-1], cached)
    if last:
        out.append(b"]}")
    return b"".join(out), system


def _encoded(message: Message) -> _Encoded:
    blocks = b",".join(map(wire_json, _blocks(message)))
    role = "user" if message.role == "tool" else message.role
    return _Encoded(role if blocks else "", blocks)


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "assistant":
        return _assistant_blocks(message)
    # The API refuses an empty text: a message without any says nothing, and a result may go without content.
    if message.role == "tool":
        content = {"content": message.content} if message.content else {}
        return [{"type": "tool_result", "tool_use_id": _call_id(message.tool_call_id or ""), **content}]
    return [{"type": "text", "text": message.content}] if message.content else []


def _assistant_blocks(message: Message) -> list[dict[str, Any]]:
    uses = {call.id: _tool_use(call) for call in message.tool_calls}
    kept = (message.opaque or {}).get(OPAQUE_KEY)
    if kept is None:
        text = [{"type": "text", "text": message.content}] if message.content else []
        return text + list(uses.values())
    blocks = [uses.pop(block["id"], None) if block["type"] == "tool_use" else block for block in kept]
    return [block for block in blocks if block is not None] + list(uses.values())


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": call.arguments}


def _call_id(id_: str) -> str:
    """Ids of other providers may hold characters that this API refuses."""
    return re.sub("[^A-Za-z0-9_-]", "_", id_)
