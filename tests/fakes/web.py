"""The web in miniature: names that are known, answers that are given, and no socket anywhere.

    network = canned({"docs.example.org": ["93.184.216.34"]}, page("<h1>Guide</h1>"))

`Names` counts what it is asked, so that a test can demand that it was asked once. `Dialled` keeps which address was
connected to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpcore

from agentcli.sandbox.network.fetching import Network

PUBLIC = "93.184.216.34"


@dataclass
class Names:
    """A resolver that knows some names. A list of lists answers each look-up with the next one."""

    known: Mapping[str, Sequence[Any]]
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.known.get(host)
        if found is None:
            raise OSError(f"no such name: {host}")
        if found and not isinstance(found[0], str):
            return list(found[min(len(self.asked), len(found)) - 1])
        return list(found)


@dataclass
class Dialled:
    """A network backend that gives the next of the answers to whoever connects; exceptions are raised instead."""

    answers: list[bytes | Exception]
    to: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self) -> httpcore.AsyncNetworkBackend:
        return _Backend(self)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, dialled: Dialled) -> None:
        self._dialled = dialled

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self._dialled.to.append((host, port))
        answers = self._dialled.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpcore.AsyncMockStream([answer[at : at + 4096] for at in range(0, len(answer), 4096)])


class Waited:
    """A sleep that takes no time and keeps how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """An HTTP answer. Underscores in header names are hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"content-type": "text/plain", "content-length": str(len(body)), **given}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def page(html: str) -> bytes:
    """A page."""
    return answer(html.encode(), content_type="text/html; charset=utf-8")


def redirect(to: str, status: int = 302) -> bytes:
    """A redirect."""
    return answer(status=status, location=to)


def canned(names: Mapping[str, Sequence[Any]], *answers: bytes | Exception, **ports: Any) -> Network:
    """A network of known names and given answers; connections under TLS are not really."""
    dialled = Dialled(list(answers))
    given: dict[str, Any] = {"resolver": Names(names), "trust": _no_certificates, "sleep": Waited(), **ports}
    return Network(backend=lambda: dialled, **given)


def dialled_by(network: Network) -> list[tuple[str, int]]:
    """Where a canned network was connected to."""
    backend: Callable[[], Any] = network.backend
    found = backend()
    assert isinstance(found, Dialled)
    return found.to


def _no_certificates() -> Any:
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
