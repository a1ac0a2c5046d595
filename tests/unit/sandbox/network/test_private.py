"""What the user opens, and what nobody can."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from agentcli.sandbox.network.private import Opened, Private


@pytest.mark.parametrize(
    ("entry", "address", "port", "opened"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 80, False),
        ("127.0.0.1:8080", "127.0.0.2", 8080, False),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.1", 443, True),
        ("127.0.0.1", "127.0.0.1", 8080, False),
        ("10.0.0.0/8", "10.200.0.1", 443, True),
        ("10.0.0.0/8", "11.0.0.1", 443, False),
        ("10.0.0.0/8:9000", "10.0.0.1", 9000, True),
        ("fd00::/8", "fd00::1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[fd00::1]:8080", "fd00::1", 8080, True),
        ("[fd00::]/8:8080", "fd12::1", 8080, True),
        ("0.0.0.0/0", "::ffff:10.0.0.1", 80, False),
        ("::/0", "::ffff:10.0.0.1", 80, False),
        ("::/0", "64:ff9b::a00:1", 80, False),
        ("169.254.0.0/16", "169.254.169.254", 80, False),
        ("0.0.0.0/0", "100.100.100.200", 80, False),
        ("169.254.169.254", "169.254.169.254", 80, True),
        ("fd00:ec2::254", "fd00:ec2::254", 80, True),
    ],
)
def test_an_entry_opens_what_it_names_and_no_more(entry: str, address: str, port: int, opened: bool) -> None:
    assert Private([entry]).has_address("x.example", ip_address(address), port) is opened


def test_a_host_opened_by_its_name_may_lead_inside_but_not_to_the_keys_of_a_cloud() -> None:
    private = Private(["wiki.corp:8443", "Localhost"])
    assert private.has_name("wiki.corp", 8443)
    assert not private.has_name("wiki.corp", 443)
    assert private.has_name("localhost", 80)
    assert private.has_address("wiki.corp", ip_address("10.0.0.1"), 8443)
    assert not private.has_address("wiki.corp", ip_address("169.254.169.254"), 8443)
    assert not private.has_address("wiki.corp", ip_address("::ffff:10.0.0.1"), 8443)
    assert not private.has_address("other.corp", ip_address("10.0.0.1"), 8443)
    assert private.has_port(8443)
    assert private.has_port(443)
    assert not private.has_port(22)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1/8",
        "10.0.0.300",
        "127.1",
        "a b",
        "[::1",
        "[::1]x",
        "host:0",
        "host:65536",
        "host:http",
        "u@host",
        "http://host",
        ":::",
        "[x]",
        "host/path",
        "10.0.0.0/8:x",
    ],
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Opened.parse(text)
