"""Which addresses are public, against two other opinions: one written by hand from the RFCs, and Python's."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.sandbox.network import addresses
from agentcli.sandbox.network.addresses import Address, is_metadata, why_embedding, why_not_global

NETWORKS = [ipaddress.ip_network(text) for text, _ in (*addresses.NOT_GLOBAL_4, *addresses.NOT_GLOBAL_6)]
NETWORKS += [ipaddress.ip_network(text) for text, _ in addresses.EMBEDDING]
NETWORKS += [ipaddress.ip_network(addresses.GLOBAL_6), ipaddress.ip_network(addresses.COMPATIBLE)]


def near(network: IPv4Network | IPv6Network) -> st.SearchStrategy[Address]:
    """Addresses at the edges of a network, just outside and somewhere inside."""
    kind = IPv4Address if network.version == 4 else IPv6Address
    first, last = int(network.network_address), int(network.broadcast_address)
    top = 2**network.max_prefixlen - 1
    edges = sorted({max(0, first - 1), first, first + 1, last - 1, last, min(top, last + 1)})
    return st.one_of(st.sampled_from(edges), st.integers(first, last)).map(kind)


ANY = st.one_of(st.ip_addresses(), st.sampled_from(NETWORKS).flatmap(near))


def public_by_hand(address: Address) -> bool:
    """By the numbers of the address alone, as the RFCs name them."""
    if str(address) in addresses.METADATA:
        return False
    if address.version == 4:
        return _public_four(*address.packed)
    groups = [int.from_bytes(address.packed[at : at + 2]) for at in range(0, 16, 2)]
    if not 0x2000 <= groups[0] <= 0x3FFF:  # RFC 4291: the only global unicast that is assigned
        return False
    special = groups[0] == 0x2001 and (groups[1] < 0x0200 or groups[1] == 0x0DB8)  # RFC 2928, RFC 3849
    special |= groups[0] in (0x2002, 0x3FFE)  # RFC 3056, RFC 3701
    return not (special or (groups[0] == 0x3FFF and groups[1] < 0x1000))  # RFC 9637


def _public_four(a: int, b: int, c: int, _d: int) -> bool:
    private = a in (0, 10, 127) or (a == 172 and b // 16 == 1) or (a, b) in ((192, 168), (169, 254))
    shared = a == 100 and 64 <= b <= 127  # RFC 6598
    testing = (a == 198 and b in (18, 19)) or (a, b, c) in ((192, 0, 2), (198, 51, 100), (203, 0, 113))
    return not (private or shared or testing or a >= 224 or (a, b, c) in ((192, 0, 0), (192, 88, 99)))


@given(ANY)
def test_the_table_agrees_with_what_the_rfcs_say(address: Address) -> None:
    assert (why_not_global(address) is None) is public_by_hand(address)


@given(ANY)
def test_what_python_does_not_call_global_is_not(address: Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert why_not_global(address) is not None


EMBEDDED = [
    "::ffff:{four}",
    "::{four}",
    "::ffff:0:{four}",
    "64:ff9b::{four}",
    "64:ff9b:1::{four}",
    "2002:{hex}::1",
    "2001:0:{hex}::1",
]


@given(st.ip_addresses(v=4), st.sampled_from(EMBEDDED))
def test_no_address_that_stands_for_another_is_public(four: IPv4Address, form: str) -> None:
    number = int(four)
    six = IPv6Address(form.format(four=four, hex=f"{number >> 16:x}:{number & 0xFFFF:x}"))
    assert why_not_global(six) is not None
    if number > 1:
        assert why_embedding(six) is not None


@pytest.mark.parametrize("text", addresses.METADATA)
def test_where_clouds_hand_out_keys_is_never_public(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert is_metadata(address)
    assert why_not_global(address) == "cloud metadata"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::", "not global unicast"),
        ("10.1.2.3", "private use"),
        ("fd00::1", "not global unicast"),
        ("fe80::1", "not global unicast"),
        ("ff02::1", "not global unicast"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("64:ff9b::8.8.8.8", "NAT64"),
        ("2002:808:808::1", "6to4"),
        ("2001:0:1::1", "Teredo"),
        ("224.0.0.1", "multicast"),
        ("8.8.8.8", None),
        ("93.184.216.34", None),
        ("2606:4700:4700::1111", None),
        ("2001:4860:4860::8888", None),
    ],
)
def test_why_an_address_is_not_public_is_said(text: str, why: str | None) -> None:
    assert why_not_global(ipaddress.ip_address(text)) == why


def test_an_ipv4_address_stands_for_itself() -> None:
    assert why_embedding(IPv4Address("8.8.8.8")) is None
