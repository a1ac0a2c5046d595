"""Model servers on loopback, for tests and benchmarks: they speak Chat Completions or Messages, and misbehave on
demand.

    with openai_server("hello", calls(("read_lines", {"path": "a.txt"})), "done") as server:
        ...  # base_url=server.base_url
    assert server.requests[0].json["messages"][0]["role"] == "system"

Replies are given in the order of the requests; a request past the last one gets the last one again if `repeat` is
set, a 500 otherwise. A reply may be a function of the request; `gets` answers GET requests by path. `python -m
tests.fakes.model_server openai` serves "ok" until its standard input closes, in a process of its own, and prints its
base URL: for measuring.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.fakes.model_wire import AnthropicWire, OpenAIWire, Reply, calls, failure

__all__ = ["ModelServer", "Reply", "Request", "anthropic_server", "calls", "failure", "openai_server"]

_STREAM = re.compile(rb'(?<!\\)"stream": ?true')
"""Asks for a stream; found without parsing, for a long history would cost the server more than the client."""


@dataclass(frozen=True)
class Request:
    """A request as it came. Header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Scripted = Reply | str | Callable[[Request], Reply | str]


class ModelServer:
    """A server in a thread of its own. `requests` holds what came, `disconnected` is set when a client left early."""

    def __init__(
        self, wire: OpenAIWire | AnthropicWire, replies: Sequence[Scripted], repeat: bool, gets: Mapping[str, Reply]
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.disconnected = threading.Event()
        self.received = threading.Event()
        self._wire = wire
        self._replies = list(replies)
        self._repeat = repeat
        self._gets = gets
        self._served = 0
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What to configure as base_url."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def release(self) -> None:
        """Let every reply that hangs go on to its end."""
        self._loop.call_soon_threadsafe(self._released.set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.start())
        self._loop.call_soon(ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self.stop())
        self._loop.close()

    def quit(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await _read_request(reader)) is not None:
                if request.method == "POST":
                    self.requests.append(request)
                    self.received.set()
                try:
                    if not await self._answer(request, reader, writer):
                        break
                except ConnectionError:  # the client left while it was being answered
                    self.disconnected.set()
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _next(self, request: Request) -> Reply:
        if request.method == "GET" and request.path in self._gets:
            return self._gets[request.path]
        if not request.path.endswith(self._wire.path):
            return failure(404, f"nothing at {request.path}")
        if self._served < len(self._replies):
            found = self._replies[self._served]
        elif self._repeat:
            found = self._replies[-1]
        else:
            return failure(500, "the fake server has no more replies")
        self._served += 1
        if callable(found):
            found = found(request)
        return Reply(text=found) if isinstance(found, str) else found

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send the reply; False where the connection is of no more use."""
        reply = self._next(request)
        if reply.ending == "reset":
            writer.transport.abort()
            return False
        streamed = reply.body is None and _STREAM.search(request.body) is not None
        if not streamed:
            return await self._send_whole(reply, reader, writer)
        content, closing = self._wire.stream(reply)
        writer.write(_head(reply, "text/event-stream") + b"transfer-encoding: chunked\r\n\r\n")
        await _send_chunks(writer, content, reply.slice_size)
        if reply.ending == "hang" and not await self._released_before_gone(reader):
            return False
        if reply.ending == "cut":
            await writer.drain()
            writer.transport.abort()
            return False
        await _send_chunks(writer, closing, reply.slice_size)
        if reply.ending == "linger" and not await self._released_before_gone(reader):
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _send_whole(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        body = self._wire.whole(reply) if reply.body is None else reply.body
        writer.write(_head(reply, "application/json") + b"content-length: %d\r\n\r\n" % len(body))
        if reply.ending in ("cut", "hang"):
            writer.write(body[: len(body) // 2])
            await writer.drain()
            if reply.ending == "cut" or not await self._released_before_gone(reader):
                writer.transport.abort()
                return False
            body = body[len(body) // 2 :]
        writer.write(body)
        await writer.drain()
        return True

    async def _released_before_gone(self, reader: asyncio.StreamReader) -> bool:
        gone = asyncio.ensure_future(reader.read(1))
        released = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                self.disconnected.set()
            return not gone.done()
        finally:
            gone.cancel()
            released.cancel()


def _head(reply: Reply, content_type: str) -> bytes:
    headers = {"content-type": reply.content_type or content_type, **reply.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} Whatever\r\n{lines}".encode()


async def _send_chunks(writer: asyncio.StreamWriter, events: Sequence[bytes], size: int) -> None:
    """As HTTP chunks: one an event, or pieces of `size` bytes, each sent on its own."""
    data = b"".join(events)
    pieces = [data[start : start + size] for start in range(0, len(data), size)] if size else events
    for piece in pieces:
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if size:
            await writer.drain()
            await asyncio.sleep(0)


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


@contextmanager
def _running(server: ModelServer) -> Iterator[ModelServer]:
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready,), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        server.quit()
        thread.join()


@contextmanager
def openai_server(
    *replies: Scripted, repeat: bool = False, gets: Mapping[str, Reply] | None = None
) -> Iterator[ModelServer]:
    """A server that speaks Chat Completions at `base_url` + /chat/completions."""
    with _running(ModelServer(OpenAIWire(), replies, repeat, gets or {})) as server:
        yield server


@contextmanager
def anthropic_server(
    *replies: Scripted, repeat: bool = False, gets: Mapping[str, Reply] | None = None
) -> Iterator[ModelServer]:
    """A server that speaks the Messages API at `base_url` + /messages."""
    with _running(ModelServer(AnthropicWire(), replies, repeat, gets or {})) as server:
        yield server


def _serve(wire: str) -> None:
    opened = openai_server if wire == "openai" else anthropic_server
    with opened(Reply(text="ok", chunks=("an ", "answer ", "of ", "a ", "few ", "words")), repeat=True) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
