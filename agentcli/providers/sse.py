"""Server-sent events out of a stream of bytes, however it is cut.

The format is the WHATWG HTML standard's, section "Server-sent events". Only `event` and `data` matter to model APIs;
`id` and `retry` are read over, for these streams are never reconnected. Work is linear in what arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event. `event` is "" where the stream gave no name; lines of `data` are joined by a line feed."""

    event: str
    data: str


class SseOverflowError(Exception):
    """One event grew past the cap."""


class SseParser:
    """Feed it chunks, take events. `limit` is the most bytes that one event may have."""

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._pending: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._start = True
        self._event = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """The events that this chunk completes. Raises SseOverflowError, UnicodeDecodeError for what is not UTF-8."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        self._size += len(chunk)
        if self._size > self._limit:
            raise SseOverflowError
        for line in self._lines(chunk):
            event = self._take(line)
            if event is not None:
                yield event

    def _lines(self, chunk: bytes) -> list[bytes]:
        """The lines that the chunk completes, without their ends; the rest is kept for the next."""
        if b"\n" not in chunk and b"\r" not in chunk:
            self._pending.append(chunk)
            return []
        self._pending.append(chunk)
        text = b"".join(self._pending)
        self._pending.clear()
        lines = text.splitlines()
        self._after_cr = text.endswith(b"\r")
        if not text.endswith((b"\n", b"\r")):
            self._pending.append(lines.pop())
        if self._start and lines:
            self._start = False
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _take(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value
        return None

    def _dispatch(self) -> SseEvent | None:
        event = SseEvent(self._event.decode(), b"\n".join(self._data).decode()) if self._data else None
        self._event = b""
        self._data.clear()
        self._size = sum(map(len, self._pending))
        return event
