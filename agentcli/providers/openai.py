"""Chat Completions: OpenAI's API, which most other servers speak too.

The end mark of a stream is its finish reason; `[DONE]` ends it early, and a stream that closes in order after a finish
reason is whole as well, for some servers leave `[DONE]` out. Without a finish reason nothing is an answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import FinishReason, ModelRequest, ModelSettings, RequestHead, Usage
from agentcli.providers import schemas
from agentcli.providers.servers import Server
from agentcli.providers.sse import SseEvent
from agentcli.providers.wire import (
    Answered,
    HeadCache,
    IncompleteError,
    MessageCache,
    ServerError,
    count,
    parse_arguments,
    wire_json,
)

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


class ChatCompletions:
    """The wire format, with one server's particulars, for one model."""

    path = "/chat/completions"

    def __init__(self, server: Server, model: str) -> None:
        self._server = server
        self._model = model
        self._heads = HeadCache(self._head)
        self._messages = MessageCache(self._message)

    def headers(self, key: str | None) -> Mapping[str, str]:
        """JSON, and the key as a bearer token."""
        headers = {"content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        return headers

    def body(self, request: ModelRequest) -> bytes:
        """The request's JSON; only messages that were never sent before are encoded."""
        before, after = self._heads.of(request.head)
        return b"".join((before, b",".join(self._messages.of(request.conversation)), after))

    def reader(self) -> ChatReader:
        """A reader for one answer."""
        return ChatReader(self._server.name)

    def _head(self, head: RequestHead) -> tuple[bytes, bytes]:
        """The body's bytes before and after the messages."""
        fields = self._settings(head.settings)
        if head.tools:
            fields["tools"] = [{"type": "function", "function": tool.to_json()} for tool in head.tools]
        instruction = b""
        if head.output_schema is not None:
            fields["response_format"] = self._response_format(head.output_schema)
            if not self._server.json_schema:
                text = schemas.instruction(head.output_schema)
                instruction = wire_json({"role": "system", "content": text}) + b","
        before = b'{"model":' + wire_json(self._model) + b',"messages":[' + instruction
        rest = wire_json(fields)[1:-1]
        return before, b"]," + rest + b"}" if rest else b"]}"

    def _settings(self, settings: ModelSettings) -> dict[str, Any]:
        server = self._server
        fields: dict[str, Any] = {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            server.completion_cap: settings.max_output_tokens,
            server.seed_field: settings.seed,
            "stop": list(settings.stop) or None,
            "reasoning_effort": settings.reasoning_effort,
        }
        if settings.stream:
            fields["stream"] = True
            fields["stream_options"] = {"include_usage": True} if server.stream_usage else None
        return {name: value for name, value in fields.items() if value is not None}

    def _response_format(self, schema: dict[str, Any]) -> dict[str, Any]:
        if not self._server.json_schema:
            return {"type": "json_object"}
        named = {"name": "answer", "schema": schema, "strict": schemas.is_strict(schema)}
        return {"type": "json_schema", "json_schema": named}

    def _message(self, message: Message) -> bytes:
        out: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_call_id is not None:
            out["tool_call_id"] = self._call_id(message.tool_call_id)
        if message.tool_calls:
            kept = (message.opaque or {}).get(self._server.name, {})
            out["content"] = message.content or None
            out["tool_calls"] = [self._call(call, kept) for call in message.tool_calls]
            if message.reasoning and self._server.echo_reasoning:
                out["reasoning_content"] = message.reasoning
        return wire_json(out)

    def _call(self, call: ToolCall, kept: Mapping[str, Any]) -> dict[str, Any]:
        # Arguments that were malformed go back as none: many servers parse them and would refuse the whole request.
        arguments = wire_json(call.arguments).decode()
        out = {
            "id": self._call_id(call.id),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        }
        if call.id in kept:
            out["extra_content"] = kept[call.id]
        return out

    def _call_id(self, id_: str) -> str:
        if not self._server.short_ids or re.fullmatch("[A-Za-z0-9]{9}", id_):
            return id_
        return hashlib.sha256(id_.encode()).hexdigest()[:9]


@dataclass(slots=True)
class _CallParts:
    """A tool call while its fragments arrive. `extra` is what the server wants handed back with it."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: Any = None

    def add(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function") or {}
        self.id = self.id or fragment.get("id") or ""
        self.name = self.name or function.get("name") or ""
        arguments = function.get("arguments")
        if arguments is not None:
            self.arguments.append(arguments if isinstance(arguments, str) else json.dumps(arguments))
        self.extra = fragment.get("extra_content") or self.extra

    def call(self) -> ToolCall:
        return ToolCall(self.id or f"call_{secrets.token_hex(8)}", self.name, *parse_arguments("".join(self.arguments)))


class ChatReader:
    """Reads one answer of Chat Completions. `provider` keys what is handed back to the same server."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_CallParts] = []
        self._at_index: dict[int, _CallParts] = {}
        self._reason = ""
        self._refused = False
        self._usage = Usage()
        self.done = False

    def event(self, event: SseEvent) -> str:
        """Take a chunk; returns the text it adds. Raises ServerError for an error sent inside the stream."""
        if event.data == "[DONE]":
            self.done = True
            return ""
        return self._take(json.loads(event.data), "delta")

    def whole(self, body: bytes) -> None:
        """Take a body that was not streamed. Raises ServerError for an error with status 200."""
        self._take(json.loads(body), "message")

    def _take(self, chunk: dict[str, Any], part: str) -> str:
        if chunk.get("error"):
            raise ServerError(chunk["error"])
        usage = chunk.get("usage")
        if usage:
            self._usage = _usage(usage)
        text = ""
        for choice in chunk["choices"][:1]:
            text = self._content(choice.get(part) or {})
            self._reason = choice.get("finish_reason") or self._reason
        return text

    def _content(self, delta: dict[str, Any]) -> str:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str):
            self._reasoning.append(reasoning)
        for fragment in delta.get("tool_calls") or ():
            self._parts_of(fragment).add(fragment)
        text = delta.get("content") or ""
        if delta.get("refusal"):
            self._refused = True
            text += delta["refusal"]
        if not isinstance(text, str):
            raise TypeError("content is no text")
        if text:
            self._text.append(text)
        return text

    def _parts_of(self, fragment: dict[str, Any]) -> _CallParts:
        """The call a fragment belongs to: by index; a second id at one index, or no index, begins another call."""
        index = fragment.get("index")
        id_ = fragment.get("id")
        known = self._at_index.get(index) if isinstance(index, int) else None
        if known is None and index is None and not id_ and self._calls:
            known = self._calls[-1]
        if known is None or (id_ and known.id and id_ != known.id):
            known = _CallParts()
            self._calls.append(known)
            if isinstance(index, int):
                self._at_index[index] = known
        return known

    def answer(self) -> Answered:
        """The message, once its finish reason was read. Raises IncompleteError before that."""
        if not self._reason:
            raise IncompleteError("It ended without a finish reason.")
        calls = tuple(parts.call() for parts in self._calls)
        kept = {call.id: parts.extra for call, parts in zip(calls, self._calls, strict=True) if parts.extra}
        message = Message(
            role="assistant",
            content="".join(self._text),
            tool_calls=calls,
            reasoning="".join(self._reasoning) or None,
            opaque={self._provider: kept} if kept else None,
        )
        return Answered(message, self._usage, self._finish_reason(bool(calls)))

    def _finish_reason(self, calls: bool) -> FinishReason:
        if self._refused:
            return "content_filter"
        found = _REASONS.get(self._reason, "stop")
        # Some servers say "stop" beside tool calls; and a "tool_calls" without any is an answer in text.
        if found in ("stop", "tool_calls"):
            return "tool_calls" if calls else "stop"
        return found


def _usage(value: dict[str, Any]) -> Usage:
    inputs = value.get("prompt_tokens_details") or {}
    outputs = value.get("completion_tokens_details") or {}
    return Usage(
        input=count(value.get("prompt_tokens")),
        output=count(value.get("completion_tokens")),
        cached=count(inputs.get("cached_tokens") or value.get("prompt_cache_hit_tokens")),
        reasoning=count(outputs.get("reasoning_tokens")),
    )
