"""From a URL to the addresses that a connection may go to: asked once, every one of them checked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, Protocol

from agentcli.core.values import value
from agentcli.sandbox.network import refusals
from agentcli.sandbox.network.addresses import Address, why_not_global
from agentcli.sandbox.network.private import WEB_PORTS, Private
from agentcli.sandbox.network.urls import WebUrl

MOST_ADDRESSES: Final = 16
"""Of one name; more of them is an attack on whoever tries them all."""


class Resolver(Protocol):
    """Knows the addresses of names."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses, the best first. Raises OSError or UnicodeError where there is none."""


class SystemResolver:
    """Asks the system, as every program does."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """See `Resolver`."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]


@value(frozen=True, slots=True)
class Pinned:
    """A URL and the checked addresses that alone are connected to for it."""

    url: WebUrl
    addresses: tuple[Address, ...]


async def pin(url: WebUrl, resolver: Resolver, private: Private) -> Pinned:
    """Resolve the host, once, and check every address that it has.

    One that is not public refuses all of them: which is connected to would be for the name's owner to say.
    Raises ToolRefusedError E-NET-PORT, E-NET-PRIVATE; ToolError E-NET-RESOLVE.
    """
    if url.port not in WEB_PORTS and not private.has_port(url.port):
        raise refusals.wrong_port(url.host, url.port)
    if url.address is not None:
        addresses: tuple[Address, ...] = (url.address,)
    else:
        addresses = await _resolved(url, resolver, private)
    for address in addresses:
        _check(url, address, private)
    return Pinned(url, addresses)


async def _resolved(url: WebUrl, resolver: Resolver, private: Private) -> tuple[Address, ...]:
    if "." not in url.host and not private.has_name(url.host, url.port):
        raise refusals.not_public(url.host, "a single word is a name of the local network")
    try:
        found = list(dict.fromkeys(await resolver.resolve(url.host, url.port)))[:MOST_ADDRESSES]
        addresses = tuple(ip_address(text) for text in found)
    except (OSError, UnicodeError, ValueError):
        raise refusals.not_found(url.host) from None
    if not addresses:
        raise refusals.not_found(url.host)
    if any("%" in text for text in found):  # a zone: only this machine's own network has those
        raise refusals.not_public(url.host, "link-local")
    return addresses


def _check(url: WebUrl, address: Address, private: Private) -> None:
    if private.has_address(url.host, address, url.port):
        return
    kind = why_not_global(address)
    if kind is not None:
        raise refusals.not_public(url.host, kind)
    if url.port not in WEB_PORTS and not private.has_name(url.host, url.port):
        raise refusals.wrong_port(url.host, url.port)
