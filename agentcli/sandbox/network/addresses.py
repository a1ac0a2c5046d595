"""Which addresses are public: a frozen table, so that the answer is the same on every Python and every day.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries as of 2025-10-09 (RFC 6890, RFC 8190 and what they
list since), RFC 1112 and RFC 4291 for multicast, RFC 3701 for the 6bone. Of IPv6 only 2000::/3 is assigned as global
unicast (RFC 4291), so everything outside of it is refused without being listed; what is special inside is.

The table is stricter than the registry where that costs nothing: the anycast addresses of 192.0.0.0/24 and 2001::/23
that count as reachable there serve no web pages.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

NOT_GLOBAL_4: Final = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private use"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private use"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private use"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)

GLOBAL_6: Final = "2000::/3"
NOT_GLOBAL_6: Final = (
    ("2001::/23", "protocol assignments"),  # Teredo, benchmarking, ORCHID and others
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3ffe::/16", "6bone"),
    ("3fff::/20", "documentation"),
)

EMBEDDING: Final = (
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("2001::/32", "Teredo"),
    ("2002::/16", "6to4"),
)
"""Networks whose addresses stand for an IPv4 address: whoever wants that one can write it. Nobody can open these."""

COMPATIBLE: Final = "::/96"
"""IPv4-compatible addresses: embedding too, apart from `::` and `::1`."""

METADATA: Final = (
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "192.0.0.192",
    "fd00:ec2::23",
    "fd00:ec2::254",
    "fd20:ce::254",
)
"""Where clouds hand out the keys of a machine to whoever asks. One of them (168.63.129.16) is a public address."""


def why_not_global(address: Address) -> str | None:
    """Why an address is not one of the public internet, in a few words; None for one that is."""
    if address in _metadata():
        return "cloud metadata"
    if (embedded := why_embedding(address)) is not None:
        return embedded
    if isinstance(address, IPv4Address):
        return _found(address, NOT_GLOBAL_4)
    if address not in _network(GLOBAL_6):
        return "loopback" if address.is_loopback else "not global unicast"
    return _found(address, NOT_GLOBAL_6)


def why_embedding(address: Address) -> str | None:
    """How an IPv6 address stands for an IPv4 address; None for one that does not."""
    if isinstance(address, IPv4Address):
        return None
    if address in _network(COMPATIBLE) and int(address) > 1:
        return "IPv4-compatible"
    return _found(address, EMBEDDING)


def is_metadata(address: Address) -> bool:
    """Whether it is one of the addresses where clouds hand out keys."""
    return address in _metadata()


def _found(address: Address, table: tuple[tuple[str, str], ...]) -> str | None:
    return next((name for network, name in table if address in _network(network)), None)


@cache
def _network(text: str) -> Network:
    return IPv6Network(text) if ":" in text else IPv4Network(text)


@cache
def _metadata() -> frozenset[Address]:
    return frozenset(ip_address(text) for text in METADATA)
