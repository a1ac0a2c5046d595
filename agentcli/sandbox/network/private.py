"""What the user opened beyond the public internet: addresses, networks and hosts, each with or without a port."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.network.addresses import Address, Network, is_metadata, why_embedding
from agentcli.sandbox.network.urls import parse_url

WEB_PORTS: Final = (80, 443)

_FORM: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\](?P<size>/\d{1,3})?|(?P<plain>[^:]+))(?::(?P<port>\d{1,5}))?")


@value(frozen=True, slots=True)
class Opened:
    """One entry: a host by its name, or a network. Without a port, the ports of the web."""

    name: str | None
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Opened:
        """Read `127.0.0.1:8080`, `10.0.0.0/8`, `[fd00::1]:8080`, `fd00::/8` or `wiki.corp:8443`. Raises ValueError."""
        if text.count(":") > 1 and not text.startswith("["):
            return cls(None, ip_network(text), None)
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("it is no address, network or host")
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port < 65_536:
            raise ValueError("there is no such port")
        if match["six"]:
            return cls(None, ip_network(match["six"] + (match["size"] or "")), port)
        if re.fullmatch(r"[0-9./]+", match["plain"]):
            return cls(None, ip_network(match["plain"]), port)
        return cls(_name(match["plain"]), None, port)

    def has_port(self, port: int) -> bool:
        """Whether it opens this port."""
        return port in WEB_PORTS if self.port is None else port == self.port

    def holds(self, address: Address) -> bool:
        """Whether it is a network that the address is in. The keys of a cloud are opened by their very address only."""
        if self.network is None or address.version != self.network.version or address not in self.network:
            return False
        return not is_metadata(address) or self.network.num_addresses == 1


class Private:
    """All that the user opened."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._opened = tuple(Opened.parse(text) for text in entries)

    def has_name(self, host: str, port: int) -> bool:
        """Whether the host is opened by its name, wherever on the user's network that leads."""
        return any(one.name == host and one.has_port(port) for one in self._opened)

    def has_port(self, port: int) -> bool:
        """Whether any entry opens this port."""
        return any(one.has_port(port) for one in self._opened)

    def has_address(self, host: str, address: Address, port: int) -> bool:
        """Whether the address of a host is opened: never one that stands for another, nor a cloud's by a name."""
        if why_embedding(address) is not None:
            return False
        if any(one.holds(address) and one.has_port(port) for one in self._opened):
            return True
        return self.has_name(host, port) and not is_metadata(address)


def _name(text: str) -> str:
    try:
        return parse_url(f"http://{'' if set(text) & set('/?#') else text}/").host
    except ToolError as error:
        raise ValueError("it is no address, network or host") from error
