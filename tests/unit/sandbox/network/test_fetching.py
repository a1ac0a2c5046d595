"""One call: redirects by hand, tries that are no harm, one deadline, and an address that is never looked up twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpcore
import pytest

from agentcli.errors import ToolError
from agentcli.sandbox.network.exchange import NetworkLimits, WebRequest, WebResponse
from agentcli.sandbox.network.fetching import Fetcher, Network
from agentcli.sandbox.network.urls import WebUrl, parse_url
from tests.fakes.web import PUBLIC, Names, answer, canned, dialled_by, page, redirect

HOSTS = {"a.example": [PUBLIC], "b.example": ["8.8.8.8"], "inside.example": ["10.0.0.1"]}
START = "https://a.example/start"


async def fetched(network: Network, url: str = START, method: str = "GET", **changes: Any) -> WebResponse:
    admits: Callable[[WebUrl], bool] = changes.pop("admits", lambda _: False)
    body = changes.pop("body", b"")
    fetcher = Fetcher(network, replace(NetworkLimits(), **changes))
    return await fetcher.fetch(WebRequest(method, parse_url(url), {}, body), admits)


async def refused(network: Network, *arguments: Any, **changes: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await fetched(network, *arguments, **changes)
    return caught.value


async def test_an_answer_is_given_as_it_came() -> None:
    network = canned(HOSTS, answer(b"hi", 404, x_one="1"))
    response = await fetched(network)
    assert (response.status, response.body, response.header("x-one"), response.url.text) == (404, b"hi", "1", START)
    assert response.header("x-two") == ""
    assert dialled_by(network) == [(PUBLIC, 443)]


async def test_a_redirect_on_the_same_host_is_followed_and_checked_again() -> None:
    names = Names({"a.example": [[PUBLIC], ["8.8.4.4"]]})
    network = canned({}, redirect("/next"), redirect("http://a.example/x"), page("done"), resolver=names)
    response = await fetched(network, "http://a.example/start")
    assert (response.url.text, response.body) == ("http://a.example/x", b"done")
    assert dialled_by(network) == [(PUBLIC, 80), ("8.8.4.4", 80), ("8.8.4.4", 80)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_kind_of_redirect_is_one(status: int) -> None:
    network = canned(HOSTS, redirect("/next", status), page("done"))
    assert (await fetched(network)).url.target == "/next"


async def test_a_redirect_to_another_host_is_refused_with_its_name_unless_that_is_admitted() -> None:
    network = canned(HOSTS, redirect("https://b.example/there"), page("done"))
    error = await refused(network)
    assert (error.code, error.status) == ("E-NET-REDIRECT", "denied")
    assert "https://b.example/there" in error.info.what
    assert dialled_by(network) == [(PUBLIC, 443)]
    asked: list[str] = []
    network = canned(HOSTS, redirect("https://b.example/there"), page("done"))
    response = await fetched(network, admits=lambda url: asked.append(url.text) is None)
    assert response.url.host == "b.example"
    assert asked == ["https://b.example/there"]


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("http://a.example/", "E-NET-REDIRECT"),
        ("//inside.example/", "E-NET-PRIVATE"),
        ("https://10.0.0.1/", "E-NET-PRIVATE"),
        ("https://[::1]/", "E-NET-PRIVATE"),
        ("https://169.254.169.254/latest/", "E-NET-PRIVATE"),
        ("https://a.example:8443/", "E-NET-PORT"),
        ("https://localhost/", "E-NET-PRIVATE"),
        ("https://2130706433/", "E-NET-REDIRECT"),
        ("https://u:p@a.example/", "E-NET-REDIRECT"),
        ("\\\\b.example/", "E-NET-REDIRECT"),
        ("/%00", "E-NET-REDIRECT"),
        ("file:///etc/passwd", "E-NET-REDIRECT"),
        ("gopher://a.example/", "E-NET-REDIRECT"),
        ("data:text/html,x", "E-NET-REDIRECT"),
        ("/start", "E-NET-REDIRECT"),
    ],
)
async def test_a_redirect_that_leads_nowhere_good_is_refused_even_where_every_host_is_admitted(
    to: str, code: str
) -> None:
    network = canned(HOSTS, redirect(to), page("secret"))
    assert (await refused(network, admits=lambda _: True)).code == code
    assert dialled_by(network) == [(PUBLIC, 443)]


async def test_redirects_come_to_an_end() -> None:
    network = canned(HOSTS, *(redirect(f"/{number}") for number in range(10)))
    error = await refused(network)
    assert error.code == "E-NET-REDIRECT"
    assert "more than 5" in error.info.why
    assert len(dialled_by(network)) == 6


async def test_a_redirect_without_a_place_is_an_answer() -> None:
    assert (await fetched(canned(HOSTS, answer(b"", 302)))).status == 302
    assert (await fetched(canned(HOSTS, answer(b"", 304, location="/x")))).status == 304


@pytest.mark.parametrize("failure", [httpcore.ConnectError("no"), httpcore.ConnectTimeout("no")])
async def test_a_server_that_cannot_be_reached_is_tried_three_times_and_looked_up_once(failure: Exception) -> None:
    network = canned(HOSTS, failure)
    assert (await refused(network)).code == "E-NET-CONNECT"
    assert len(dialled_by(network)) == 3
    assert isinstance(network.resolver, Names)
    assert network.resolver.asked == ["a.example"]
    network = canned(HOSTS, failure, page("up again"))
    assert (await fetched(network)).body == b"up again"


async def test_the_next_address_of_a_name_is_tried_before_the_first_one_again() -> None:
    network = canned({"a.example": [PUBLIC, "8.8.8.8"]}, httpcore.ConnectError("no"), page("done"))
    assert (await fetched(network)).body == b"done"
    assert dialled_by(network) == [(PUBLIC, 443), ("8.8.8.8", 443)]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_waited_for_as_long_as_it_says(status: int) -> None:
    network = canned(HOSTS, answer(b"", status, retry_after="2"), answer(b"", status), page("done"))
    assert (await fetched(network)).body == b"done"
    assert network.sleep.seconds == [2.0, 0.6]  # type: ignore[attr-defined]


@pytest.mark.parametrize("wish", ["21", "999999", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_wait_that_the_deadline_does_not_allow_is_not_begun(wish: str) -> None:
    network = canned(HOSTS, answer(b"busy", 503, retry_after=wish), page("done"))
    assert (await fetched(network)).body == b"busy"
    assert network.sleep.seconds == []  # type: ignore[attr-defined]


async def test_what_changes_something_is_sent_once_and_never_sent_on() -> None:
    for first in (answer(b"", 503, retry_after="0"), redirect("/next"), redirect("/next", 307)):
        network = canned(HOSTS, first, page("done"))
        assert (await fetched(network, method="POST", body=b"x")).status in (503, 302, 307)
        assert len(dialled_by(network)) == 1
    network = canned(HOSTS, httpcore.ConnectError("no"), page("done"))
    assert (await refused(network, method="POST")).code == "E-NET-CONNECT"
    assert len(dialled_by(network)) == 1


async def test_a_broken_answer_is_not_asked_for_again() -> None:
    network = canned(HOSTS, b"SSH-2.0-OpenSSH\r\n", page("done"))
    assert (await refused(network)).code == "E-NET-PROTOCOL"
    assert len(dialled_by(network)) == 1


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "E-NET-TOO-LARGE"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-encoding: gzip\r\n\r\nx", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "E-NET-PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(101)) + b"\r\n", "E-NET-TOO-LARGE"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 90_000 + b"\r\n\r\n", "E-NET-TOO-LARGE"),
        (b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n" * 5000, "E-NET-TOO-LARGE"),
        (b"", "E-NET-PROTOCOL"),
    ],
)
async def test_an_answer_that_contradicts_itself_or_has_no_end_is_refused(head: bytes, code: str) -> None:
    assert (await refused(canned(HOSTS, head))).code == code


async def test_a_length_too_short_ends_the_body_there() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdefgh"
    assert (await fetched(canned(HOSTS, head))).body == b"abc"


class Resetting(httpcore.AsyncMockBackend):
    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        stream = httpcore.AsyncMockStream([])
        await stream.aclose()  # reading from it fails from now on
        return stream


async def test_a_connection_that_breaks_off_is_an_error_and_is_not_tried_again() -> None:
    network = replace(canned(HOSTS, b""), backend=lambda: lambda: Resetting([]))
    error = await refused(network)
    assert (error.code, error.info.why) == ("E-NET-PROTOCOL", "The connection broke off.")


async def test_everything_that_frames_a_body_counts() -> None:
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1;" + b"x" * 3000 + b"\r\ny\r\n"
    flood = chunks + (b"1;" + b"x" * 3000 + b"\r\ny\r\n") * 60
    assert (await refused(canned(HOSTS, flood), head_bytes=2000, body_bytes=10_000)).code == "E-NET-TOO-LARGE"


async def test_headers_alone_are_asked_for_and_have_no_body() -> None:
    response = await fetched(canned(HOSTS, answer(content_length="4000000")), method="HEAD")
    assert (response.status, response.body) == (200, b"")


async def test_header_values_that_are_no_utf_8_are_read_byte_by_byte() -> None:
    response = await fetched(canned(HOSTS, b"HTTP/1.1 200 OK\r\nx: \xe9\r\ny: \xc3\xa9\r\ncontent-length: 0\r\n\r\n"))
    assert (response.header("x"), response.header("y")) == ("é", "é")


class Slow:
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int) -> list[str]:
        await asyncio.get_running_loop().create_future()
        return []


async def test_a_name_server_that_does_not_answer_is_part_of_the_deadline() -> None:
    error = await refused(canned({}, page("x"), resolver=Slow()), seconds=0.05)
    assert (error.code, error.status) == ("E-NET-CONNECT", "error")


class Failing:
    async def resolve(self, host: str, port: int) -> list[str]:
        raise TimeoutError("of the resolver's own")


async def test_a_timeout_that_is_not_ours_is_not_told_as_ours() -> None:
    error = await refused(canned({}, page("x"), resolver=Failing()))
    assert error.code == "E-NET-RESOLVE"


async def test_a_timeout_of_a_port_is_its_own_error() -> None:
    async def impatient(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await fetched(canned(HOSTS, httpcore.ConnectError("no"), sleep=impatient))


async def test_a_stream_knows_of_itself_what_the_one_inside_it_knows() -> None:
    from agentcli.sandbox.network.connecting import Meter, MeteredStream

    stream = MeteredStream(httpcore.AsyncMockStream([b"x"]), Meter("a.example", 10, 10))
    assert stream.get_extra_info("nothing") is None
