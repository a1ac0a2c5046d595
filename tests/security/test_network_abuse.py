"""Servers that mean harm, on loopback: each row of the table with the result that it must have, within its time."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from agentcli.errors import ToolError
from agentcli.sandbox.network.exchange import NetworkLimits, WebRequest, WebResponse
from agentcli.sandbox.network.fetching import Fetcher
from agentcli.sandbox.network.urls import parse_url
from tests.fakes.web import answer, redirect
from tests.fakes.web_server import Answer, WebServer, drip, endless, network_of, serving, stalled

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
QUICK = NetworkLimits(seconds=0.25)
"""For what only a deadline can end: real time is what is tested there."""


async def asked(answer: Answer, limits: NetworkLimits | None = None, method: str = "GET") -> WebResponse:
    async with serving({"/": answer}) as server:
        fetcher = Fetcher(network_of(server), limits)
        return await fetcher.fetch(WebRequest(method, parse_url(server.url())), lambda _: False)


BOMB = gzip.compress(bytes(100 * 1024 * 1024), 9)
PACKED = OK + b"content-encoding: %b\r\ncontent-length: %d\r\n\r\n"

ABUSE: dict[str, tuple[Answer, str]] = {
    "a gzip bomb": (PACKED % (b"gzip", len(BOMB)) + BOMB, "E-NET-TOO-LARGE"),
    "a bomb in a bomb": (PACKED % (b"gzip, gzip", 10) + b"x" * 10, "E-NET-PROTOCOL"),
    "encodings stacked in two headers": (
        OK + b"content-encoding: gzip\r\ncontent-encoding: deflate\r\n\r\n",
        "E-NET-PROTOCOL",
    ),
    "an encoding that nobody asked for": (PACKED % (b"br", 3) + b"abc", "E-NET-PROTOCOL"),
    "gzip that is cut off": (PACKED % (b"gzip", 20) + gzip.compress(b"hello" * 9)[:20], "E-NET-PROTOCOL"),
    "an endless chunked body": (endless(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), "E-NET-TOO-LARGE"),
    "an endless body without a length": (endless(OK + b"\r\n", b"x" * 65_536), "E-NET-TOO-LARGE"),
    "chunks that are all frame": (endless(CHUNKED, b"1;" + b"x" * 8000 + b"\r\ny\r\n"), "E-NET-TOO-LARGE"),
    "endless trailers": (endless(CHUNKED + b"0\r\n", b"x: " + b"y" * 5000 + b"\r\n"), "E-NET-PROTOCOL"),
    "a flood of headers": (endless(OK, b"x: y\r\n" * 1000), "E-NET-TOO-LARGE"),
    "one endless header": (endless(OK + b"x: ", b"y" * 65_536), "E-NET-TOO-LARGE"),
    "too many headers": (OK + b"x: y\r\n" * 101 + b"\r\n", "E-NET-TOO-LARGE"),
    "endless early answers": (endless(b"", b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n" * 500), "E-NET-TOO-LARGE"),
    "a length that is too long": (OK + b"content-length: 100\r\n\r\nshort", "E-NET-PROTOCOL"),
    "a length that is not to be believed": (OK + b"content-length: 999999999999\r\n\r\n", "E-NET-TOO-LARGE"),
    "two lengths": (OK + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabc", "E-NET-PROTOCOL"),
    "a length and chunks": (OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "E-NET-PROTOCOL"),
    "a negative length": (OK + b"content-length: -3\r\n\r\n", "E-NET-PROTOCOL"),
    "chunks of no size": (CHUNKED + b"zz\r\nabc", "E-NET-PROTOCOL"),
    "another protocol": (b"220 mail.example ESMTP\r\n", "E-NET-PROTOCOL"),
    "a change of protocol": (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "E-NET-PROTOCOL"),
    "nothing": (b"", "E-NET-PROTOCOL"),
    "a redirect to itself": (redirect("/"), "E-NET-REDIRECT"),
    "a redirect to a file": (redirect("file:///etc/passwd"), "E-NET-REDIRECT"),
    "a redirect to gopher": (redirect("gopher://127.0.0.1:6379/_x"), "E-NET-REDIRECT"),
    "a redirect to inline data": (redirect("data:text/html,<p>x"), "E-NET-REDIRECT"),
    "a redirect to another host": (redirect("//other.example/"), "E-NET-REDIRECT"),
    "a redirect with a line break": (redirect("/a\tb"), "E-NET-REDIRECT"),
}


@pytest.mark.parametrize("name", ABUSE)
async def test_a_server_that_means_harm_is_refused_at_once(name: str) -> None:
    misbehaving, code = ABUSE[name]
    begun = time.monotonic()
    with pytest.raises(ToolError) as caught:
        await asked(misbehaving)
    assert caught.value.code == code
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(stalled(b""), id="an answer that does not begin"),
        pytest.param(drip(b"", b"\r\n"), id="empty lines, one by one"),
        pytest.param(drip(OK, b"x: y\r\n"), id="a drip of headers"),
        pytest.param(drip(OK + b"x: ", b"y"), id="a drip within one header"),
        pytest.param(drip(OK + b"content-length: 1000000\r\n\r\n", b"x"), id="a drip of body"),
        pytest.param(drip(CHUNKED, b"1\r\nx\r\n"), id="a drip of chunks"),
        pytest.param(drip(PACKED % (b"gzip", 9999) + gzip.compress(b"x" * 99)[:12], b"\0"), id="a drip of gzip"),
        pytest.param(stalled(OK + b"content-length: 5\r\n\r\nabc"), id="a length that keeps waiting"),
        pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), id="a drip of answers"),
    ],
)
async def test_a_server_that_is_slow_on_purpose_runs_into_the_one_deadline(slow: Answer) -> None:
    begun = time.monotonic()
    with pytest.raises(ToolError) as caught:
        await asked(slow, QUICK)
    assert (caught.value.code, caught.value.status) in (("E-NET-TIMEOUT", "timeout"), ("E-NET-PROTOCOL", "error"))
    assert time.monotonic() - begun < 2


async def test_a_redirect_and_a_slow_answer_share_one_deadline() -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(redirect("/next"))

    async with serving({"/": late, "/next": stalled(b"")}) as server:
        begun = time.monotonic()
        fetcher = Fetcher(network_of(server), NetworkLimits(seconds=0.6))
        with pytest.raises(ToolError):
            await fetcher.fetch(WebRequest("GET", parse_url(server.url())), lambda _: False)
        assert time.monotonic() - begun < 1.05  # two deadlines would take 1.1 s
        assert len(server.heads) == 2


async def test_a_length_that_is_too_short_gives_what_was_announced() -> None:
    assert (await asked(OK + b"content-length: 3\r\n\r\nabcdefgh")).body == b"abc"


async def test_proxies_cookies_and_credentials_of_the_environment_play_no_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    async with serving({"/": answer(b"hi", set_cookie="a=b"), "/again": answer(b"hi")}) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        fetcher = Fetcher(network_of(server))
        for path in ("/", "/again"):
            await fetcher.fetch(WebRequest("GET", parse_url(server.url(path))), lambda _: False)
    said = "".join(server.heads).lower()
    assert "cookie" not in said
    assert "authorization" not in said
    assert "proxy" not in said
    assert f"host: 127.0.0.1:{server.port}\r\n" in said


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate for docs.example.org, and the client's trust in nobody but it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:docs.example.org", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return serves, ssl.create_default_context(cafile=folder / "cert.pem")


@pytest.mark.parametrize(
    ("host", "trusting", "code"),
    [("docs.example.org", True, ""), ("other.example", True, "E-NET-TLS"), ("docs.example.org", False, "E-NET-TLS")],
)
async def test_the_certificate_is_checked_for_the_name_while_the_address_is_pinned(
    authority: tuple[ssl.SSLContext, ssl.SSLContext], host: str, trusting: bool, code: str
) -> None:
    serves, trusts = authority
    named: list[str | None] = []
    serves.sni_callback = lambda _socket, name, _context: named.append(name)
    async with serving({"/": answer(b"hi")}, serves) as server:
        own = {"trust": lambda: trusts} if trusting else {}
        fetcher = Fetcher(network_of(server, **own))
        failed = ""
        try:
            await fetcher.fetch(WebRequest("GET", parse_url(server.url(host=host))), lambda _: False)
        except ToolError as error:
            failed = error.code
    assert failed == code
    assert named[0] == host
    assert bool(server.heads) is not bool(code)
    if not code:
        assert f"host: {host}:{server.port}" in server.heads[0]


@pytest.mark.parametrize(("said", "code"), [(b"HTTP/1.1 400 Bad\r\n\r\n", "E-NET-TLS"), (b"", "E-NET-CONNECT")])
async def test_a_server_that_speaks_no_tls_or_nothing_gets_no_request(said: bytes, code: str) -> None:
    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = WebServer({}, "https")
    async with await asyncio.start_server(connected, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        fetcher = Fetcher(network_of(server), QUICK)
        with pytest.raises(ToolError) as caught:
            await fetcher.fetch(WebRequest("GET", parse_url(server.url(host="docs.example.org"))), lambda _: False)
        for writer in writers:
            writer.close()
    assert caught.value.code == code
