"""The one HTTP client that all providers share.

Connections are pooled per event loop. Redirects are never followed, so that a key goes to the address it was given
for and nowhere else. Proxies come from the environment as everywhere (`HTTPS_PROXY`, `NO_PROXY`), except that a
server on this machine is always reached directly. Bytes received are counted: no answer may fill the memory.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from agentcli import __version__
from agentcli.errors import ModelError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
"""How long a connection, with TLS, may take; an attempt's own timeout may be shorter."""

BODY_LIMIT = 64 * 1024 * 1024
"""The most bytes of one answer, streamed or not."""

ERROR_BODY_LIMIT = 64 * 1024
"""The most bytes of an error's body that are read for its message."""

CLIENTS = 20
"""The most clients that requests are spread over, and the most connections of each: a client looks through all of its
connections at every request, so that one with a hundred manages a tenth of what twenty with five do."""

CONNECTIONS = 5

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_DIRECT = ("all://localhost", "all://127.0.0.1", "all://[::1]")
"""No proxy stands between this machine and itself."""


class Endpoint:
    """An address and the headers that go there, made ready once for many requests."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._headers = headers

    @cached_property
    def prepared(self) -> tuple[httpx.URL, httpx.Headers]:
        """Parsed for httpx. Raises httpx.InvalidURL."""
        import httpx

        # Identity: text this small gains nothing from compression, and no bomb can unfold.
        own = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"agentcli/{__version__}"}
        return httpx.URL(self.url), httpx.Headers({**own, **self._headers})


class Answer:
    """An HTTP answer whose body has not been read yet. Close it; before its end, that closes the connection."""

    def __init__(self, response: httpx.Response, limit: int, pool: _Pool) -> None:
        self._response = response
        self._limit = limit
        self._pool: _Pool | None = pool
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is server-sent events, whatever was asked for."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises ModelError past the limit, httpx.HTTPError when the connection breaks."""
        size = 0
        encoded = "content-encoding" in self.headers  # nobody asked for it
        async for chunk in self._response.aiter_bytes() if encoded else self._response.aiter_raw():
            size += len(chunk)
            if size > self._limit:
                raise too_large(self._limit)
            yield chunk

    async def body(self) -> bytes:
        """The whole body; as `chunks`."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def error_body(self) -> bytes:
        """The start of the body, for a message."""
        found = bytearray()
        async for chunk in self._response.aiter_bytes():
            found += chunk
            if len(found) >= ERROR_BODY_LIMIT:
                break
        return bytes(found[:ERROR_BODY_LIMIT])

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        pool, self._pool = self._pool, None
        try:
            await self._response.aclose()
        finally:
            if pool is not None:
                pool.busy -= 1


def too_large(limit: int) -> ModelError:
    """The error for an answer past the cap of `limit` bytes."""
    return ModelError(
        "E-MODEL-BODY",
        f"The model server sent more than {limit // 2**20} MB for one answer.",
        why="Answers are capped so that a broken server cannot fill the memory.",
        fix="Check that base_url points at a model server.",
    )


@dataclass(slots=True)
class _Pool:
    """One client, and how many requests it is busy with, up to the end of their answers."""

    client: httpx.AsyncClient
    busy: int = 0


class HttpClient:
    """Connections, opened on first use and again whenever another event loop runs.

    They belong to several clients; another one is opened when all of those that there are have all they can take.
    """

    def __init__(self, body_limit: int = BODY_LIMIT) -> None:
        self._body_limit = body_limit
        self._pools: dict[bool, list[_Pool]] = {}
        self._trusted: ssl.SSLContext | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, endpoint: Endpoint, body: bytes, seconds: float) -> Answer:
        """Send the body; returns when the answer's head is there.

        `seconds` bounds only the connecting here: an attempt as a whole is bounded by its caller.
        Raises httpx.HTTPError, and httpx.InvalidURL for an address that is none.
        """
        return await self._send("POST", endpoint, body, seconds)

    async def get(self, endpoint: Endpoint, seconds: float) -> Answer:
        """Ask for an address; as `post`."""
        return await self._send("GET", endpoint, b"", seconds)

    async def _send(self, method: str, endpoint: Endpoint, body: bytes, seconds: float) -> Answer:
        import httpx

        url, headers = endpoint.prepared
        connect = {"connect": min(seconds, CONNECT_SECONDS)}
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": connect})
        pool = self._current(url)
        pool.busy += 1
        try:
            return Answer(await pool.client.send(request, stream=True), self._body_limit, pool)
        except BaseException:
            pool.busy -= 1
            raise

    def _current(self, url: httpx.URL) -> _Pool:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Connections of a loop that is gone cannot be closed any more; its transports went with it.
            self._loop, self._pools = loop, {}
        unencrypted = url.scheme == "http" and url.host in _THIS_MACHINE
        pools = self._pools.setdefault(unencrypted, [])
        for pool in pools:
            if pool.busy < CONNECTIONS:
                return pool
        if len(pools) == CLIENTS:
            return min(pools, key=lambda pool: pool.busy)
        pools.append(_Pool(_client(self._certificates(unencrypted))))
        return pools[-1]

    def _certificates(self, unencrypted: bool) -> ssl.SSLContext:
        """Whom to trust. For servers on this machine that is nobody: the usual certificates take 20 ms to load."""
        import httpx

        if unencrypted:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._trusted = self._trusted or httpx.create_ssl_context()
        return self._trusted

    @property
    def clients(self) -> int:
        """How many clients are open."""
        return sum(map(len, self._pools.values()))

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        pools, self._pools = self._pools, {}
        if self._loop is asyncio.get_running_loop():
            for pool in (pool for some in pools.values() for pool in some):
                await pool.client.aclose()


def _client(trusted: ssl.SSLContext) -> httpx.AsyncClient:
    import httpx

    _remember_absence("sniffio")
    return httpx.AsyncClient(
        verify=trusted,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30.0),
        mounts=dict.fromkeys(_DIRECT),
    )


def _remember_absence(name: str) -> None:
    """Let further looks for a module that is not installed fail at once, as the import system offers it.

    httpcore looks for `sniffio` four times in each request, and goes by asyncio where there is none. Every such look
    would go through all the folders that modules can be in.
    """
    if name not in sys.modules and find_spec(name) is None:
        sys.modules[name] = cast("Any", None)
