"""Answers of the Messages API, streamed or whole."""

from __future__ import annotations

import json
from typing import Any

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import FinishReason, Usage
from agentcli.providers.sse import SseEvent
from agentcli.providers.wire import Answered, IncompleteError, ServerError, count, parse_arguments

OPAQUE_KEY = "anthropic"
"""Where a message keeps the blocks that go back unchanged: `Message.opaque[OPAQUE_KEY]`."""

_THOUGHTS = ("thinking", "redacted_thinking")

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class MessagesReader:
    """Reads one answer of the Messages API."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._fragments: dict[int, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._reason = ""
        self.done = False

    def event(self, event: SseEvent) -> str:
        """Take an event; returns the text it adds. Raises ServerError for an `error` event."""
        value = json.loads(event.data)
        match value["type"]:
            case "message_start":
                self._usage.update(value["message"].get("usage") or {})
            case "content_block_start":
                self._blocks[value["index"]] = dict(value["content_block"])
                self._fragments[value["index"]] = []
            case "content_block_delta":
                return self._delta(value["index"], value["delta"])
            case "message_delta":
                self._reason = value["delta"].get("stop_reason") or self._reason
                self._usage.update(value.get("usage") or {})
            case "message_stop":
                self.done = True
            case "error":
                raise ServerError(value["error"])
        return ""

    def _delta(self, index: int, delta: dict[str, Any]) -> str:
        match delta["type"]:
            case "text_delta":
                self._fragments[index].append(delta["text"])
                return str(delta["text"])
            case "thinking_delta":
                self._fragments[index].append(delta["thinking"])
            case "input_json_delta":
                self._fragments[index].append(delta["partial_json"])
            case "signature_delta":
                self._blocks[index]["signature"] = delta["signature"]
        return ""

    def whole(self, body: bytes) -> None:
        """Take a body that was not streamed. Raises ServerError for an error with status 200."""
        value = json.loads(body)
        if value["type"] == "error":
            raise ServerError(value["error"])
        self._blocks = dict(enumerate(value["content"]))
        self._usage = value.get("usage") or {}
        self._reason = value["stop_reason"] or ""
        self.done = True

    def answer(self) -> Answered:
        """The message, once its end mark was read. Raises IncompleteError before that."""
        if not self.done or not self._reason:
            raise IncompleteError("It ended before message_stop.")
        blocks = [self._joined(index) for index in sorted(self._blocks)]
        calls = tuple(_call_of(block) for block in blocks if block["type"] == "tool_use")
        message = Message(
            role="assistant",
            content="".join(block["text"] for block in blocks if block["type"] == "text"),
            tool_calls=calls,
            reasoning="\n".join(block["thinking"] for block in blocks if block["type"] == "thinking") or None,
            opaque=_kept(blocks),
        )
        usage, written = self._counted()
        reason = _REASONS.get(self._reason, "tool_calls" if calls else "stop")
        return Answered(message, usage, reason, cache_write=written)

    def _joined(self, index: int) -> dict[str, Any]:
        """A block with its streamed fragments put together."""
        block = self._blocks[index]
        text = "".join(self._fragments.get(index, ()))
        name = {"text": "text", "thinking": "thinking", "tool_use": "input"}.get(block["type"])
        return {**block, name: text} if name and text else block

    def _counted(self) -> tuple[Usage, int]:
        """The usage as we count it, cached input being part of the input, and what was written to the cache."""
        counts = self._usage
        written = count(counts.get("cache_creation_input_tokens"))
        read = count(counts.get("cache_read_input_tokens"))
        usage = Usage(
            input=count(counts.get("input_tokens")) + written + read,
            output=count(counts.get("output_tokens")),
            cached=read,
        )
        return usage, written


def _call_of(block: dict[str, Any]) -> ToolCall:
    """Streamed input is text that may be malformed; in a whole body it is an object already."""
    value = block["input"]
    text = value if isinstance(value, str) else json.dumps(value)
    return ToolCall(block["id"], block["name"], *parse_arguments(text))


def _kept(blocks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What to hand back next time: thinking as it came, in its place among text and calls. None without thinking."""
    if not any(block["type"] in _THOUGHTS for block in blocks):
        return None
    kept = []
    for block in blocks:
        if block["type"] in _THOUGHTS or (block["type"] == "text" and block["text"]):
            kept.append(block)
        elif block["type"] == "tool_use":
            kept.append({"type": "tool_use", "id": block["id"]})
    return {OPAQUE_KEY: kept}
