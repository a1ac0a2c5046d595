"""A web server on loopback that answers byte by byte as it is told, and misbehaves on demand.

async with serving({"/": page("<p>hi</p>"), "/slow": drip}) as server:
    ...  # server.url("/slow")

An answer is bytes, or an async function of the stream to write to; whoever leaves early stops it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore

from agentcli.sandbox.network.fetching import Network
from tests.fakes.web import Names, Waited

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class WebServer:
    """What came: the heads of requests, and the bodies. `connections` counts those that sent nothing, too."""

    answers: Mapping[str, Answer]
    scheme: str = "http"
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = next((line[15:] for line in head.lower().split("\r\n") if line.startswith("content-length:")), "0")
        self.bodies.append(await reader.readexactly(int(length)))
        answer = self.answers.get(head.split(" ")[1], b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            await answer(writer)
        await writer.drain()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    """A server with these answers by path."""
    server = WebServer(answers, "https" if tls else "http")
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()


def network_of(server: WebServer, **ports: Any) -> Network:
    """The web as it is, with this server opened by the user."""
    opened = (f"127.0.0.1:{server.port}", f"[::1]:{server.port}")
    names = Names({"docs.example.org": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    return Network(**{"private": opened, "resolver": names, "sleep": Waited(), **ports})


class ToPort(httpcore.AnyIOBackend):
    """Connects to where it is told, but to this port: so that a URL needs no port that differs in every run."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return await super().connect_tcp(host, self._port, *more, **options)


def endless(begin: bytes, piece: bytes) -> Answer:
    """Writes without end, as fast as it is read."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(piece)
            await writer.drain()

    return write


def stalled(begin: bytes) -> Answer:
    """Writes something, and nothing more."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await writer.drain()
        await asyncio.get_running_loop().create_future()

    return write


def drip(begin: bytes, piece: bytes, seconds: float = 0.02) -> Answer:
    """Writes a little again and again, so that no single read ever waits long. Real time is what is tested with it."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return write
