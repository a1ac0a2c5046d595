"""Asking the web: pin, ask, follow redirects by hand, try again where that is no harm, all within one deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.network import refusals
from agentcli.sandbox.network.exchange import Line, NetworkLimits, WebRequest, WebResponse, exchange, wire_limit
from agentcli.sandbox.network.private import Private
from agentcli.sandbox.network.resolving import Pinned, Resolver, SystemResolver, pin
from agentcli.sandbox.network.retrying import Patience, tried_again
from agentcli.sandbox.network.urls import WebUrl, join_url

if TYPE_CHECKING:
    import ssl

    from agentcli.sandbox.network.connecting import Backend, Meter

REDIRECTS: Final = (301, 302, 303, 307, 308)
SAFE: Final = ("GET", "HEAD")
"""Methods that may be sent again, and on to where a redirect leads."""

Admits = Callable[[WebUrl], bool]
"""Whether a redirect may be followed to another host than the one that the call was allowed for."""


def _certificates() -> ssl.SSLContext:
    from agentcli.sandbox.network.connecting import default_trust

    return default_trust()


def _sockets() -> Backend:
    from agentcli.sandbox.network.connecting import system_backend

    return system_backend


@value(frozen=True, slots=True)
class Network:
    """How tools reach the web. `private` is what the user opened beyond it (see `Opened`); the rest are ports.

    `backend` and `trust` are made when they are first needed: most runs never load an HTTP library or certificates.
    """

    private: Sequence[str] = ()
    resolver: Resolver = field(default_factory=SystemResolver)
    backend: Callable[[], Backend] = _sockets
    trust: Callable[[], ssl.SSLContext] = _certificates
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class Fetcher:
    """Carries out requests over one network, each within the limits."""

    def __init__(self, network: Network, limits: NetworkLimits | None = None) -> None:
        self._network = network
        self._limits = limits or NetworkLimits()
        self._private = Private(network.private)

    async def fetch(self, request: WebRequest, admits: Admits) -> WebResponse:
        """The answer, whatever its status; for GET and HEAD that of where redirects lead.

        Raises ToolError: E-NET-…; ToolTimeoutError E-NET-TIMEOUT past the one deadline of all of it.
        """
        meters: list[Meter] = []
        until = self._network.monotonic() + self._limits.seconds
        try:
            async with asyncio.timeout(self._limits.seconds) as timeout:
                return await self._followed(request, admits, until, meters)
        except TimeoutError:
            if not timeout.expired():
                raise
            sent = any(meter.sent for meter in meters)
            raise refusals.out_of_time(request.url.host, self._limits.seconds, sent) from None

    async def _followed(self, request: WebRequest, admits: Admits, until: float, meters: list[Meter]) -> WebResponse:
        first, seen = request.url.host, {request.url}
        for _ in range(self._limits.redirects + 1):
            response = await self._asked(request, until, meters)
            target = _target(request, response)
            if target is None:
                return response
            if target in seen:
                raise refusals.bad_redirect(request.url.host, "It leads back to where it came from.")
            if target.host != first and not admits(target):
                raise refusals.elsewhere(request.url.host, target.text, target.host)
            seen.add(target)
            request = replace(request, url=target)
        raise refusals.bad_redirect(first, f"There are more than {self._limits.redirects} in a row.")

    async def _asked(self, request: WebRequest, until: float, meters: list[Meter]) -> WebResponse:
        """One address asked, where that is no harm more than once; resolved and checked once."""
        pinned = await pin(request.url, self._network.resolver, self._private)
        line = Line(
            self._network.backend(),
            self._network.trust() if request.url.scheme == "https" else None,
            self._limits,
        )
        if request.method not in SAFE:
            return await self._once(pinned, request, line, meters)
        patience = Patience(
            self._limits.attempts,
            lambda: until - self._network.monotonic(),
            self._network.now,
            self._network.sleep,
        )
        return await tried_again(lambda: self._once(pinned, request, line, meters), patience)

    async def _once(self, pinned: Pinned, request: WebRequest, line: Line, meters: list[Meter]) -> WebResponse:
        from agentcli.sandbox.network.connecting import Meter

        meter = Meter(request.url.host, self._limits.head_bytes, wire_limit(self._limits))
        meters.append(meter)
        return await exchange(pinned, request, line, meter)


def _target(request: WebRequest, response: WebResponse) -> WebUrl | None:
    """Where to go on; None where the answer is the answer. Raises ToolRefusedError E-NET-REDIRECT."""
    location = response.header("location")
    if response.status not in REDIRECTS or not location or request.method not in SAFE:
        return None
    host = request.url.host
    try:
        target = join_url(request.url, location)
    except ToolError as error:
        raise refusals.bad_redirect(host, f"{error.info.what} {error.info.why}") from error
    if request.url.scheme == "https" and target.scheme == "http":
        raise refusals.bad_redirect(host, "It leads from https to http.")
    return target
