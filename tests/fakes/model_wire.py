"""What a fake model server says, in the words of either API: whole bodies, and streams as lists of pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Ending = Literal["complete", "no-end-mark", "no-finish", "cut", "reset", "hang", "linger"]


@dataclass(frozen=True)
class Reply:
    """One answer of a fake server; the fields say what the model said, the rest how the server misbehaves.

    `chunks` are the pieces of text streamed (default: the text whole). `ending`: `no-end-mark` ends the body in
    order but without `[DONE]` / `message_stop`, `no-finish` also leaves the finish reason out, `cut` breaks the
    connection after the content, `reset` does so before any byte of the answer, `hang` sends the content and then
    nothing until the client goes or `server.release()` is called, `linger` does so after the end mark. `slice_size`
    sends the body in pieces of so many bytes. `stream_error` is sent inside the stream after the content. `body`
    replaces everything by raw bytes of `content_type`.
    """

    text: str = ""
    tool_calls: tuple[tuple[str, str, Any], ...] = ()
    reasoning: str = ""
    usage: Mapping[str, int] = field(default_factory=lambda: {"input": 10, "output": 5})
    finish: str = ""
    chunks: tuple[str, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = ""
    ending: Ending = "complete"
    slice_size: int = 0
    stream_error: Mapping[str, Any] | None = None

    @property
    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.tool_calls else "stop")

    @property
    def pieces(self) -> tuple[str, ...]:
        return self.chunks or ((self.text,) if self.text else ())


def failure(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Reply:
    """An error answer that either API's reader understands; header names with `_` for `-`."""
    error = {"type": code or "api_error", "code": code, "message": message}
    return Reply(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=json.dumps({"type": "error", "error": error}).encode(),
    )


def calls(*named: tuple[str, dict[str, Any]], text: str = "") -> Reply:
    """Tool calls, by name and arguments; their ids are call_1, call_2, ..."""
    return Reply(text=text, tool_calls=tuple((f"call_{n}", name, args) for n, (name, args) in enumerate(named, 1)))


def _sse(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class OpenAIWire:
    """Chat Completions."""

    path = "/chat/completions"

    def whole(self, reply: Reply) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.pieces) or None}
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": _arguments(args)}}
                for id_, name, args in reply.tool_calls
            ]
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        choice: dict[str, Any] = {"index": 0, "message": message}
        if reply.ending != "no-finish":
            choice["finish_reason"] = reply.finish_reason
        return json.dumps({"choices": [choice], "usage": self._usage(reply)}, ensure_ascii=False).encode()

    def stream(self, reply: Reply) -> tuple[list[bytes], list[bytes]]:
        """The content's events, and the closing ones."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if reply.reasoning:
            deltas.append({"reasoning_content": reply.reasoning})
        deltas += [{"content": piece} for piece in reply.pieces]
        for index, (id_, name, args) in enumerate(reply.tool_calls):
            deltas += self._call(index, id_, name, _arguments(args))
        content = [_sse({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in deltas]
        if reply.stream_error is not None:
            return [*content, _sse({"error": reply.stream_error})], []
        closing = []
        if reply.ending != "no-finish":
            closing.append(_sse({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}]}))
        closing.append(_sse({"choices": [], "usage": self._usage(reply)}))
        if reply.ending != "no-end-mark":
            closing.append(b"data: [DONE]\n\n")
        return content, closing

    @staticmethod
    def _call(index: int, id_: str, name: str, arguments: str) -> list[dict[str, Any]]:
        half = len(arguments) // 2
        first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        rest = [{"index": index, "function": {"arguments": part}} for part in (arguments[:half], arguments[half:])]
        return [{"tool_calls": [part]} for part in (first, *rest)]

    @staticmethod
    def _usage(reply: Reply) -> dict[str, Any]:
        usage = reply.usage
        return {
            "prompt_tokens": usage.get("input", 0),
            "completion_tokens": usage.get("output", 0),
            "total_tokens": usage.get("input", 0) + usage.get("output", 0),
            "prompt_tokens_details": {"cached_tokens": usage.get("cached", 0)},
            "completion_tokens_details": {"reasoning_tokens": usage.get("reasoning", 0)},
        }


_STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}


class AnthropicWire:
    """Messages."""

    path = "/messages"

    def whole(self, reply: Reply) -> bytes:
        message = {
            "type": "message",
            "role": "assistant",
            "content": [block for block, _ in self._blocks(reply)],
            "stop_reason": None
            if reply.ending == "no-finish"
            else _STOPS.get(reply.finish_reason, reply.finish_reason),
            "usage": self._usage(reply),
        }
        return json.dumps(message, ensure_ascii=False).encode()

    def stream(self, reply: Reply) -> tuple[list[bytes], list[bytes]]:
        """The content's events, and the closing ones."""
        start = {"type": "message_start", "message": {"usage": {**self._usage(reply), "output_tokens": 1}}}
        content = [_sse(start, "message_start"), _sse({"type": "ping"}, "ping")]
        for index, (block, deltas) in enumerate(self._blocks(reply)):
            content.append(self._event("content_block_start", index=index, content_block=_emptied(block)))
            content += [self._event("content_block_delta", index=index, delta=delta) for delta in deltas]
            content.append(self._event("content_block_stop", index=index))
        if reply.stream_error is not None:
            return [*content, self._event("error", error=dict(reply.stream_error))], []
        closing = []
        if reply.ending != "no-finish":
            stop = _STOPS.get(reply.finish_reason, reply.finish_reason)
            usage = {"output_tokens": reply.usage.get("output", 0)}
            closing.append(self._event("message_delta", delta={"stop_reason": stop}, usage=usage))
        if reply.ending != "no-end-mark":
            closing.append(self._event("message_stop"))
        return content, closing

    @staticmethod
    def _event(name: str, **fields: Any) -> bytes:
        return _sse({"type": name, **fields}, name)

    @staticmethod
    def _blocks(reply: Reply) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Each block of the content, and the deltas that stream it."""
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if reply.reasoning:
            thinking = {"type": "thinking", "thinking": reply.reasoning, "signature": "c2ln"}
            deltas = [
                {"type": "thinking_delta", "thinking": reply.reasoning},
                {"type": "signature_delta", "signature": "c2ln"},
            ]
            blocks.append((thinking, deltas))
        if reply.pieces:
            texts = [{"type": "text_delta", "text": piece} for piece in reply.pieces]
            blocks.append(({"type": "text", "text": "".join(reply.pieces)}, texts))
        for id_, name, args in reply.tool_calls:
            text = _arguments(args)
            half = len(text) // 2
            parts = [{"type": "input_json_delta", "partial_json": part} for part in (text[:half], text[half:])]
            blocks.append(({"type": "tool_use", "id": id_, "name": name, "input": args}, parts))
        return blocks

    @staticmethod
    def _usage(reply: Reply) -> dict[str, Any]:
        usage = reply.usage
        return {
            "input_tokens": usage.get("input", 0) - usage.get("cached", 0),
            "cache_read_input_tokens": usage.get("cached", 0),
            "cache_creation_input_tokens": 0,
            "output_tokens": usage.get("output", 0),
        }


def _emptied(block: dict[str, Any]) -> dict[str, Any]:
    blank = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: blank.get(name, value) for name, value in block.items()}


Answering = Callable[[Any], Reply]
