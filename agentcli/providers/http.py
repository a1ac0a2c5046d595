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

    def __init__(self, response: httpx.Response, limit: int) -> None:
        self._response = response
        self._limit = limit
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
        await self._response.aclose()


def too_large(limit: int) -> ModelError:
    """The error for an answer past the cap of `limit` bytes."""
    return ModelError(
        "E-MODEL-BODY",
        f"The model server sent more than {limit // 2**20} MB for one answer.",
        why="Answers are capped so that a broken server cannot fill the memory.",
        fix="Check that base_url points at a model server.",
    )


class HttpClient:
    """A pool of connections, opened on first use and again whenever another event loop runs."""

    def __init__(self, body_limit: int = BODY_LIMIT) -> None:
        self._body_limit = body_limit
        self._clients: dict[bool, httpx.AsyncClient] = {}
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
        return Answer(await self._current(url).send(request, stream=True), self._body_limit)

    def _current(self, url: httpx.URL) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Connections of a loop that is gone cannot be closed any more; its transports went with it.
            self._loop, self._clients = loop, {}
        unencrypted = url.scheme == "http" and url.host in _THIS_MACHINE
        if unencrypted not in self._clients:
            self._clients[unencrypted] = _client(unencrypted)
        return self._clients[unencrypted]

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        clients, self._clients = self._clients, {}
        if self._loop is asyncio.get_running_loop():
            for client in clients.values():
                await client.aclose()


def _client(unencrypted: bool) -> httpx.AsyncClient:
    """A pool. The one for servers on this machine trusts no certificate at all: the usual ones take 20 ms to load."""
    import httpx

    _remember_absence("sniffio")
    return httpx.AsyncClient(
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if unencrypted else True,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0),
        mounts=dict.fromkeys(_DIRECT),
    )


def _remember_absence(name: str) -> None:
    """Let further looks for a module that is not installed fail at once, as the import system offers it.

    httpcore looks for `sniffio` four times in each request, and goes by asyncio where there is none. Every such look
    would go through all the folders that modules can be in.
    """
    if name not in sys.modules and find_spec(name) is None:
        sys.modules[name] = cast("Any", None)
