"""One request and its answer over one connection, every part of it within a cap."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from agentcli import __version__
from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.network import refusals
from agentcli.sandbox.network.decoding import ACCEPTED, Decoder
from agentcli.sandbox.network.resolving import Pinned
from agentcli.sandbox.network.urls import WebUrl

if TYPE_CHECKING:
    import httpcore

    from agentcli.sandbox.network.connecting import Backend, Meter

_FRAMING: Final = 64 * 1024
"""Bytes beside head and body that may come: sizes of chunks, trailers."""


@value(frozen=True, slots=True)
class NetworkLimits:
    """What one call may take: seconds from its beginning to its end, bytes, and how often something is tried."""

    seconds: float = 20.0
    connect_seconds: float = 5.0
    head_bytes: int = 64 * 1024
    head_lines: int = 100
    body_bytes: int = 5 * 1024 * 1024
    """Of the body once it is unpacked."""
    redirects: int = 5
    attempts: int = 3


@value(frozen=True, slots=True)
class WebRequest:
    """What is asked. Header names are in any case."""

    method: str
    url: WebUrl
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@value(frozen=True, slots=True)
class WebResponse:
    """What came: `url` is where from after redirects, `headers` in order with lower-case names, `body` unpacked."""

    url: WebUrl
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def all_of(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """The first value of a header; empty where there is none."""
        return next(iter(self.all_of(name)), "")


@value(frozen=True, slots=True)
class Line:
    """How an exchange reaches its server: sockets, or what stands for them, and the certificates that are trusted."""

    backend: Backend
    trust: ssl.SSLContext | None
    limits: NetworkLimits


async def exchange(pinned: Pinned, request: WebRequest, line: Line, meter: Meter) -> WebResponse:
    """Connect to the pinned addresses, ask, read the answer whole, close.

    Raises ToolError: E-NET-CONNECT, E-NET-TLS, E-NET-PROTOCOL, E-NET-TOO-LARGE.
    """
    import httpcore

    from agentcli.sandbox.network.connecting import PinnedBackend

    url = request.url
    connection = httpcore.AsyncHTTPConnection(
        httpcore.Origin(url.scheme.encode(), url.host.encode(), url.port),
        ssl_context=line.trust,
        network_backend=PinnedBackend(pinned.addresses, meter, line.backend(), line.limits.connect_seconds),
    )
    try:
        response = await connection.handle_async_request(_wire_request(request))
        return await _read(request, response, line.limits, meter)
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise _unreached(url.host, error) from None
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException) as error:
        raise refusals.broken(url.host, _why(error)) from None
    finally:
        await connection.aclose()


def _wire_request(request: WebRequest) -> httpcore.Request:
    import httpcore

    url = request.url
    headers = {
        "host": url.authority,
        "user-agent": f"agentcli/{__version__}",
        "accept": "*/*",
        "accept-encoding": ACCEPTED,
        "connection": "close",
        **{name.lower(): value for name, value in request.headers.items()},
    }
    if request.body or request.method not in ("GET", "HEAD"):
        headers["content-length"] = str(len(request.body))
    return httpcore.Request(
        request.method.encode(),
        httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
        headers=[(name.encode("ascii"), value.encode()) for name, value in headers.items()],
        content=request.body,
    )


async def _read(request: WebRequest, response: httpcore.Response, limits: NetworkLimits, meter: Meter) -> WebResponse:
    host = request.url.host
    meter.in_head = False
    headers = tuple((name.decode("latin-1").lower(), _text(value)) for name, value in response.headers)
    answer = WebResponse(request.url, response.status, headers)
    if len(headers) > limits.head_lines:
        raise refusals.too_large(host, "headers", limits.head_lines)
    _check_framing(host, answer, limits.body_bytes)
    if request.method == "HEAD":
        return answer
    decoder = Decoder(host, answer.all_of("content-encoding"), limits.body_bytes)
    async for chunk in response.aiter_stream():
        decoder.feed(chunk)
    return WebResponse(request.url, response.status, headers, decoder.finish())


def _check_framing(host: str, answer: WebResponse, limit: int) -> None:
    """Refuse what ends a body in two ways, and what says itself that it is too large."""
    lengths = answer.all_of("content-length")
    if lengths and answer.all_of("transfer-encoding"):
        raise refusals.broken(host, "It gives the length of its content and sends it in chunks as well.")
    if any(int(length) > limit for length in lengths if length.isdecimal()):
        raise refusals.too_large(host, "bytes", limit)


def wire_limit(limits: NetworkLimits) -> int:
    """The most bytes that one exchange receives: a body that is not packed, and all that goes with it."""
    return limits.head_bytes + limits.body_bytes + limits.body_bytes // 8 + _FRAMING


def _text(value: bytes) -> str:
    """A header's value: UTF-8 where it is that (servers send addresses so), else byte by byte."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _unreached(host: str, error: Exception) -> ToolError:
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return refusals.bad_certificate(host, "Its certificate is not valid for this name, or nobody known signed it.")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return refusals.bad_certificate(host, "It speaks no TLS that this program accepts.")
    return refusals.no_connection(host, "The connection was refused, or nothing answered.")


def _causes(error: BaseException | None) -> Sequence[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _why(error: Exception) -> str:
    import httpcore

    if isinstance(error, httpcore.ProtocolError):
        return "It is not valid HTTP, or ends before its end."
    return "The connection broke off."
