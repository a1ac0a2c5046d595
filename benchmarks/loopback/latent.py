"""A Chat Completions server that answers every request after the same time, however many there are.

python -m benchmarks.loopback.latent SECONDS [FILE]    prints its port and serves until its standard input closes

The last message of each request is added to the file as a line of JSON, when it comes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.loopback.server import answer

ANSWER = answer(1, 1)


class Latent(asyncio.Protocol):
    """One connection. Requests are not parsed: their length is enough."""

    def __init__(self, seconds: float, keep: Callable[[bytes], None]) -> None:
        self.seconds = seconds
        self.keep = keep
        self.data = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        if found and lengths and len(body) >= int(lengths[0]):
            self.data = b""
            self.keep(body)
            asyncio.get_running_loop().call_later(self.seconds, self.transport.write, ANSWER)


def kept_in(path: str) -> Callable[[bytes], None]:
    """Adds the last message of a request to a file."""

    def keep(body: bytes) -> None:
        with Path(path).open("a") as file:
            file.write(json.dumps(json.loads(body)["messages"][-1]["content"]) + "\n")

    return keep


async def main(seconds: float, keep: Callable[[bytes], None]) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Latent, seconds, keep), "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), kept_in(sys.argv[2]) if len(sys.argv) > 2 else lambda body: None))
