"""Names are looked up once, and every address of theirs is checked."""

from __future__ import annotations

import pytest

from agentcli.errors import ToolError
from agentcli.sandbox.network.private import Private
from agentcli.sandbox.network.resolving import MOST_ADDRESSES, SystemResolver, pin
from agentcli.sandbox.network.urls import parse_url
from tests.fakes.web import PUBLIC, Names


async def pinned(url: str, names: Names, *private: str) -> list[str]:
    found = await pin(parse_url(url), names, Private(private))
    return [str(address) for address in found.addresses]


async def refused(url: str, names: Names, *private: str) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await pinned(url, names, *private)
    return caught.value


async def test_every_address_is_pinned_in_the_order_of_the_resolver_and_the_name_is_asked_for_once() -> None:
    names = Names({"a.example": ["2606:4700::1", PUBLIC, PUBLIC]})
    assert await pinned("https://a.example/", names) == ["2606:4700::1", PUBLIC]
    assert names.asked == ["a.example"]


async def test_an_address_needs_no_resolver() -> None:
    assert await pinned(f"http://{PUBLIC}/", Names({})) == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        ["127.0.0.1", PUBLIC],
        ["::ffff:8.8.8.8"],
        ["fe80::1%eth0"],
        ["fe80::1"],
        ["2606:4700::1%eth0"],
        ["169.254.169.254"],
        ["168.63.129.16"],
        ["64:ff9b::808:808"],
        ["0.0.0.0"],
    ],
)
async def test_one_address_that_is_not_public_refuses_the_name(addresses: list[str]) -> None:
    error = await refused("https://a.example/", Names({"a.example": addresses}))
    assert (error.code, error.status) == ("E-NET-PRIVATE", "denied")
    assert not any(address in error.info.what for address in addresses)


async def test_a_single_word_is_not_even_looked_up() -> None:
    names = Names({"intranet": [PUBLIC]})
    assert (await refused("http://intranet/", names)).code == "E-NET-PRIVATE"
    assert names.asked == []
    assert await pinned("http://intranet/", names, "intranet") == [PUBLIC]


@pytest.mark.parametrize("known", [{}, {"a.example": []}, {"a.example": ["no address"]}])
async def test_a_name_without_an_address_is_an_error(known: dict[str, list[str]]) -> None:
    assert (await refused("https://a.example/", Names(known))).code == "E-NET-RESOLVE"


async def test_no_more_addresses_are_tried_than_a_name_may_have() -> None:
    names = Names({"a.example": [f"8.8.{number}.8" for number in range(100)]})
    assert len(await pinned("https://a.example/", names)) == MOST_ADDRESSES


async def test_other_ports_are_only_those_that_the_user_opened() -> None:
    names = Names({"a.example": [PUBLIC], "b.example": [PUBLIC]})
    assert (await refused("http://a.example:8080/", names)).code == "E-NET-PORT"
    assert names.asked == []
    assert (await refused("http://b.example:8080/", names, "a.example:8080")).code == "E-NET-PORT"
    assert await pinned("http://a.example:8080/", names, "a.example:8080") == [PUBLIC]
    assert await pinned(f"http://{PUBLIC}:8080/", names, f"{PUBLIC}:8080") == [PUBLIC]


async def test_an_opened_network_counts_for_names_that_lead_into_it() -> None:
    names = Names({"wiki.corp": ["10.1.2.3"]})
    assert await pinned("http://wiki.corp/", names, "10.0.0.0/8") == ["10.1.2.3"]
    assert (await refused("http://wiki.corp/", names, "10.0.0.0/16")).code == "E-NET-PRIVATE"


async def test_the_system_is_asked_for_all_addresses() -> None:
    assert "127.0.0.1" in await SystemResolver().resolve("127.0.0.1", 80)
    with pytest.raises((OSError, UnicodeError)):
        await SystemResolver().resolve("a" * 70 + ".invalid", 80)
