"""A connection that goes to a checked address and nowhere else, and that counts what it receives.

The name stays the name: `Host`, the server name in TLS and the check of the certificate are the URL's. Only where the
bytes go is decided by us; nothing here can resolve a name.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from agentcli.sandbox.network import refusals
from agentcli.sandbox.network.addresses import Address

READ_BYTES: Final = 16 * 1024
"""Bytes of one read: what may come beyond a cap before it is noticed."""

Backend = Callable[[], httpcore.AsyncNetworkBackend]


def system_backend() -> httpcore.AsyncNetworkBackend:
    """Sockets."""
    return httpcore.AnyIOBackend()


@dataclass(slots=True)
class Meter:
    """What one exchange has received, against its caps in bytes; `sent` is set once a request may have gone out."""

    host: str
    head_limit: int
    wire_limit: int
    received: int = 0
    in_head: bool = True
    sent: bool = False

    def before_read(self) -> None:
        """Raises ToolError E-NET-TOO-LARGE where the head should have been whole by now."""
        if self.in_head and self.received >= self.head_limit:
            raise refusals.too_large(self.host, "bytes of headers", self.head_limit)

    def add(self, size: int) -> None:
        """Raises ToolError E-NET-TOO-LARGE past the cap on all that comes, chunk sizes and trailers included."""
        self.received += size
        if self.received > self.wire_limit:
            raise refusals.too_large(self.host, "bytes with all that frames them", self.wire_limit)


class MeteredStream(httpcore.AsyncNetworkStream):
    """A stream, counted."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some. Raises as the meter does."""
        self._meter.before_read()
        data = await self._inner.read(min(max_bytes, READ_BYTES), timeout)
        self._meter.add(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all; from here on the request may have arrived."""
        self._meter.sent = True
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same stream under TLS: what is counted then is what was decrypted."""
        try:
            return MeteredStream(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._meter)
        except BaseException:  # a deadline too: httpcore does not know yet that there is something to close
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows of itself."""
        return self._inner.get_extra_info(info)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that it was made with, one after the other, whatever host it is asked for."""

    def __init__(
        self, addresses: Sequence[Address], meter: Meter, backend: httpcore.AsyncNetworkBackend, seconds: float
    ) -> None:
        self._addresses = addresses
        self._meter = meter
        self._backend = backend
        self._seconds = seconds

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The first address that answers. Raises httpcore.ConnectError or ConnectTimeout, the last address's."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                stream = await self._backend.connect_tcp(str(address), port, self._seconds)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return MeteredStream(stream, self._meter)
        raise failure


def default_trust() -> ssl.SSLContext:
    """The certificates that this program trusts everywhere: those of certifi, or what SSL_CERT_FILE names."""
    import httpx

    return httpx.create_ssl_context()
