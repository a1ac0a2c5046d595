"""A network of its own, in which private addresses have servers that must never be reached: run as a program.

It leaves this machine's network for a new namespace, gives its loopback device addresses of every private kind with a
canary on each, and one public address with a web server; then it fetches every URL of CASES and prints, as JSON, what
came of each and how often the canaries were connected to. Exit code 77: no namespace can be made here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from agentcli.errors import ToolError
from agentcli.sandbox.network.exchange import NetworkLimits, WebRequest
from agentcli.sandbox.network.fetching import Fetcher, Network
from agentcli.sandbox.network.urls import parse_url
from tests.fakes.web import PUBLIC, Names, Waited, answer, redirect

NO_NAMESPACE = 77

CANARIES = (
    "127.0.0.1",
    "10.0.0.5",
    "172.16.0.5",
    "192.168.1.5",
    "100.100.100.200",
    "169.254.169.254",
    "198.18.0.5",
    "::1",
    "fd00:ec2::254",
    "64:ff9b::a00:5",
    "2002:a00:5::1",
)
PORTS = (80, 443, 8080)

NAMES: dict[str, Sequence[Any]] = {
    "public.example": [PUBLIC],
    "inside.example": ["10.0.0.5"],
    "inside6.example": ["fd00:ec2::254"],
    "mixed.example": [PUBLIC, "10.0.0.5"],
    "mixed6.example": ["::1", PUBLIC],
    "nat64.example": ["64:ff9b::a00:5"],
    "mapped.example": ["::ffff:10.0.0.5"],
    "zoned.example": ["fe80::1%lo"],
    "zero.example": ["0.0.0.0"],
    "rebound.example": [[PUBLIC], ["10.0.0.5"]],
    "moved.example": [[PUBLIC], ["10.0.0.5"]],
}

PAGES = {
    "/": answer(b"public"),
    "/again": redirect("/"),
    "/inside": redirect("http://10.0.0.5/"),
    "/inside-name": redirect("http://inside.example/"),
    "/no-scheme": redirect("//inside.example/"),
    "/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "/six": redirect("http://[::ffff:10.0.0.5]/"),
    "/port": redirect("http://public.example:8080/"),
    "/decimal": redirect("http://167772165/"),
    "/userinfo": redirect("http://public.example@10.0.0.5/"),
    "/backslash": redirect("http://public.example\\@10.0.0.5/"),
    "/file": redirect("file:///etc/passwd"),
    "/gopher": redirect("gopher://10.0.0.5/"),
    "/data": redirect("data:text/plain,x"),
}


@dataclass(frozen=True)
class Case:
    """A URL, and what must come of it: a status, or the code of an error. `private` is what the user opened."""

    name: str
    url: str
    expected: int | str
    private: tuple[str, ...] = ()


SPELLINGS = {
    "decimal": "167772165",
    "octal": "012.0.0.5",
    "hexadecimal": "0x0a.0.0.5",
    "one hexadecimal": "0xa000005",
    "short": "10.5",
    "mapped hexadecimal": "[::ffff:a00:5]",
    "mapped": "[::ffff:10.0.0.5]",
    "compatible": "[::10.0.0.5]",
    "NAT64": "[64:ff9b::10.0.0.5]",
    "local NAT64": "[64:ff9b:1::10.0.0.5]",
    "6to4": "[2002:a00:5::1]",
    "zone": "[fe80::1%25lo]",
    "full width": "\uff11\uff10.0.0.5",
    "circled": "\u2460\u24ea.\u24ea.\u24ea.\u2464",
    "ideographic dots": "10\u30020\u30020\u30025",
    "trailing dot": "10.0.0.5.",
    "trailing dot of a name": "inside.example.",
    "single label": "localhost",
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.9.9.9",
    "loopback 6": "[::1]",
    "unspecified": "0.0.0.0",
    "unspecified 6": "[::]",
    "private 10": "10.0.0.5",
    "private 172": "172.16.0.5",
    "private 192": "192.168.1.5",
    "carrier": "100.100.100.200",
    "metadata": "169.254.169.254",
    "metadata 6": "[fd00:ec2::254]",
    "benchmarking": "198.18.0.5",
    "userinfo": "public.example@10.0.0.5",
    "backslash": "public.example\\@10.0.0.5",
    "line break": "10.0.0.5\r\n",
    "escaped zero": "10.0.0.5%00",
}
MALFORMED = {"userinfo", "backslash", "line break"}
DISGUISED = {"decimal", "octal", "hexadecimal", "one hexadecimal", "short", "zone", "full width", "circled"}
DISGUISED |= {"ideographic dots", "trailing dot", "trailing dot of a name", "escaped zero"}


def _of_spelling(name: str) -> str:
    if name in MALFORMED:
        return "E-URL-INVALID"
    return "E-URL-HOST" if name in DISGUISED else "E-NET-PRIVATE"


CASES = [
    Case("public", "http://public.example/", 200),
    Case("public address", f"http://{PUBLIC}/", 200),
    Case("rebinding between check and use", "http://rebound.example/", 200),
    Case("rebinding between redirects", "http://moved.example/again", "E-NET-PRIVATE"),
    *(
        Case(f"spelling: {name} ({scheme})", f"{scheme}://{host}/", _of_spelling(name))
        for name, host in SPELLINGS.items()
        for scheme in ("http", "https")
    ),
    *(
        Case(f"name: {name}", f"http://{name}/", "E-NET-PRIVATE")
        for name in NAMES
        if name.partition(".")[0] not in ("public", "rebound", "moved")
    ),
    *(
        Case(f"redirect: {path}", f"http://public.example{path}", "E-NET-PRIVATE")
        for path in ("/inside", "/inside-name", "/no-scheme", "/metadata", "/six")
    ),
    Case("redirect: /port", "http://public.example/port", "E-NET-PORT"),
    *(
        Case(f"redirect: {path}", f"http://public.example{path}", "E-NET-REDIRECT")
        for path in ("/decimal", "/userinfo", "/backslash", "/file", "/gopher", "/data")
    ),
    Case("another port", "http://public.example:8080/", "E-NET-PORT"),
    Case("another scheme", "gopher://10.0.0.5/", "E-URL-SCHEME"),
    Case("no scheme", "//10.0.0.5/", "E-URL-INVALID"),
    Case("a file", "file:///etc/passwd", "E-URL-SCHEME"),
    Case("inline data", "data:text/plain,x", "E-URL-INVALID"),
    Case(
        "opened, but through an address that stands for it", "http://mapped.example/", "E-NET-PRIVATE", ("10.0.0.0/8",)
    ),
    Case("metadata through an opened network", "http://169.254.169.254/", "E-NET-PRIVATE", ("169.254.0.0/16",)),
]

CONTROL = Case("control: what the user opened is reached", "http://inside.example/", 200, ("10.0.0.0/8",))
"""Shows that the canaries sing: without it, no hits would mean nothing."""


async def main() -> None:
    """Carry out all cases and print what came of them."""
    servers = Servers()
    async with contextlib.AsyncExitStack() as stack:
        for address in CANARIES:
            for port in PORTS:
                await stack.enter_async_context(await servers.canary(address, port))
        await stack.enter_async_context(await asyncio.start_server(servers.public, PUBLIC, 80))
        results = {case.name: await _outcome(case) for case in CASES}
        before = dict(servers.hits)
        control = await _outcome(CONTROL)
        await asyncio.gather(*servers.busy, return_exceptions=True)
    sys.stdout.write(json.dumps({"results": results, "hits": before, "control": control, "after": servers.hits}))


class Servers:
    """The public server and the canaries; `hits` counts connections to the latter."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.busy: set[asyncio.Task[Any]] = set()

    async def canary(self, address: str, port: int) -> asyncio.Server:
        async def sing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.hits[f"{address} {port}"] += 1
            await self._answer(reader, writer, {})

        return await asyncio.start_server(sing, address, port)

    async def public(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(reader, writer, PAGES)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Mapping[str, bytes]
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(pages.get(head.split(b" ")[1].decode(), answer(b"secret")))
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _outcome(case: Case) -> int | str:
    network = Network(private=case.private, resolver=Names(NAMES), sleep=Waited())
    try:
        request = WebRequest("GET", parse_url(case.url))
        # Every redirect is admitted here: what refuses them is what is tested.
        return (await Fetcher(network, NetworkLimits(seconds=2)).fetch(request, lambda _: True)).status
    except ToolError as error:
        return error.code


# -- the namespace ----------------------------------------------------------------------------------------------------

_NEWNET, _NEWUSER = 0x40000000, 0x10000000
_GET_FLAGS, _SET_FLAGS, _SET_ADDRESS, _UP = 0x8913, 0x8914, 0x8916, 0x1


def enter_namespace() -> bool:
    """A network that has a loopback device and nothing else. False where that is not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _NEWNET if os.geteuid() == 0 else _NEWNET | _NEWUSER
    if libc.unshare(flags) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack_from("16sH", fcntl.ioctl(control, _GET_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH22x", b"lo", flags | _UP))
    return True


def add_address(address: str, number: int) -> None:
    """Give the loopback device another address."""
    packed = ip_address(address).packed
    if len(packed) == 4:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            name = f"lo:{number}".encode()
            fcntl.ioctl(control, _SET_ADDRESS, struct.pack("16sHH4s16x", name, socket.AF_INET, 0, packed))
    else:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, _SET_ADDRESS, struct.pack("16sIi", packed, 128, socket.if_nametoindex("lo")))
        _until_usable(address)


def _until_usable(address: str) -> None:
    """The kernel makes an IPv6 address usable a moment later, and tells nobody when."""
    until = time.monotonic() + 5
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        while True:
            try:
                return probe.bind((address, 0))
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)


if __name__ == "__main__":
    if not enter_namespace():
        sys.exit(NO_NAMESPACE)
    for number, one in enumerate((PUBLIC, *CANARIES), start=1):
        if one not in ("127.0.0.1", "::1"):
            add_address(one, number)
    asyncio.run(main())
