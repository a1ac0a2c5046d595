"""What a wire format is: how a request becomes a body, and a body or stream becomes an answer.

History only grows, so every message is put into the wire's JSON once, and the bytes are joined into each body after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from agentcli.core.canonical import Digest
from agentcli.core.messages import ConversationView, Message
from agentcli.core.models import FinishReason, ModelRequest, RequestHead, Usage
from agentcli.core.values import value
from agentcli.providers.sse import SseEvent

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

E = TypeVar("E")

_MOST_KEPT = 20_000
"""Messages kept encoded; past that the cache starts anew, which costs one re-encoding."""


def wire_json(value: Any) -> bytes:
    """JSON for a server: compact UTF-8, keys in the order given (models read a schema top to bottom)."""
    return _encoder.encode(value).encode()


@value(frozen=True, slots=True)
class Answered:
    """What a model said. `cache_write` is the part of `usage.input` that was written to a provider's cache."""

    message: Message
    usage: Usage
    finish_reason: FinishReason
    cache_write: int = 0


class ServerError(Exception):
    """The server reported an error inside its answer; `error` is its object."""

    def __init__(self, error: Any) -> None:
        super().__init__("the server sent an error")
        self.error = error


class IncompleteError(Exception):
    """The answer ended before its end mark; the text says what is missing."""


class Reader(Protocol):
    """Reads one answer. What is not in the format raises ValueError, TypeError, LookupError or AttributeError."""

    @property
    def done(self) -> bool:
        """Whether the end mark was read: nothing of the answer follows."""

    def event(self, event: SseEvent) -> str:
        """Take an event of a stream; returns the text it adds to the answer. Raises ServerError."""

    def whole(self, body: bytes) -> None:
        """Take the body of an answer that was not streamed. Raises ServerError."""

    def answer(self) -> Answered:
        """What was said, once all is read. Raises IncompleteError."""


class WireFormat(Protocol):
    """One provider API."""

    @property
    def path(self) -> str:
        """Where requests go, below base_url."""

    def headers(self, key: str | None) -> Mapping[str, str]:
        """What every request carries."""

    def body(self, request: ModelRequest) -> bytes:
        """The request as the API wants it."""

    def reader(self) -> Reader:
        """A reader for one answer."""


class MessageCache(Generic[E]):
    """Each message of a conversation in a wire's own form, made once per content."""

    def __init__(self, encode: Callable[[Message], E]) -> None:
        self._encode = encode
        self._known: dict[Digest, E] = {}

    def of(self, view: ConversationView) -> list[E]:
        """The messages of the view, oldest first."""
        known, digests = self._known, view.digests
        try:
            return [known[digest] for digest in digests]
        except KeyError:
            self._learn(view)
            return [known[digest] for digest in digests]

    def _learn(self, view: ConversationView) -> None:
        if len(self._known) > _MOST_KEPT:
            self._known.clear()
        for message, digest in zip(view.messages, view.digests, strict=True):
            if digest not in self._known:
                self._known[digest] = self._encode(message)


class HeadCache(Generic[E]):
    """What a wire derives from a request's head, made once per head."""

    def __init__(self, encode: Callable[[RequestHead], E]) -> None:
        self._encode = encode
        self._known: dict[tuple[Digest, bool], E] = {}

    def of(self, head: RequestHead) -> E:
        """The wire's form of this head. Streaming is no part of a head's digest, but of its wire form."""
        key = (head.digest, head.settings.stream)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= 64:
                self._known.clear()
            found = self._known[key] = self._encode(head)
        return found


MAX_DEPTH = 64
"""Levels of a tool call's arguments; whatever is nested deeper is meant for the stack of whoever reads it."""


def parse_arguments(text: str) -> tuple[dict[str, Any], str | None]:
    """A tool call's arguments, and the text itself where it is no JSON object, or nested too deeply.

    No text at all is no arguments.
    """
    if not text.strip():
        return {}, None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}, text
    return (value, None) if isinstance(value, dict) and not _deeper(value, MAX_DEPTH) else ({}, text)


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)


def count(value: Any) -> int:
    """A token count as servers send it: a number, or null or nothing for 0. Raises ValueError for anything else."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{value!r} is no token count")
    return int(value)
