"""Which secret may go where: to the one host and port, and over no wire that others read."""

from __future__ import annotations

import pytest

from agentcli.sandbox.network.grants import Grant, Grants
from agentcli.sandbox.network.urls import parse_url


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("GITHUB_TOKEN@api.github.com", Grant("GITHUB_TOKEN", "api.github.com", 443)),
        ("key@API.Example.org:8443", Grant("key", "api.example.org", 8443)),
        ("K@127.0.0.1:8080", Grant("K", "127.0.0.1", 8080)),
        ("K@[::1]:8080", Grant("K", "::1", 8080)),
    ],
)
def test_an_entry_is_a_variable_and_a_host(text: str, grant: Grant) -> None:
    assert Grant.parse(text) == grant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K",
        "@h",
        "K@",
        "1K@h",
        "K@h/path",
        "K@h?q",
        "K@a@b",
        "K@*.example.org",
        "K@h:0",
        "K@h:99999",
        "K @h",
        "K@ h",
    ],
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        Grant.parse(text)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://api.example.org/x", {"A", "B"}),
        ("https://API.example.org:443/", {"A", "B"}),
        ("http://api.example.org/x", set()),
        ("http://api.example.org:443/x", set()),
        ("https://api.example.org:8443/", {"C"}),
        ("https://example.org/", set()),
        ("https://x.api.example.org/", set()),
        ("https://api.example.org.evil.example/", set()),
        ("https://api.example.org:444/", set()),
        ("http://127.0.0.1:8080/", {"D"}),
        ("http://127.0.0.2:8080/", set()),
        ("http://localhost:8080/", set()),
        ("http://10.0.0.1:8080/", set()),
        ("https://10.0.0.1:8080/", {"D"}),
        ("http://[::1]:80/", {"E"}),
    ],
)
def test_a_value_goes_to_its_host_alone_and_in_the_open_to_this_machine_alone(url: str, names: set[str]) -> None:
    grants = Grants(
        [
            "A@api.example.org",
            "B@api.example.org",
            "C@api.example.org:8443",
            "D@127.0.0.1:8080",
            "D@10.0.0.1:8080",
            "D@localhost:8080",
            "E@[::1]:80",
        ]
    )
    assert grants.names_for(parse_url(url)) == names
    assert grants.names == {"A", "B", "C", "D", "E"}
