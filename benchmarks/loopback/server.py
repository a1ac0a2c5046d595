"""A Chat Completions server that answers at once: a tool call in every turn but the last.

python -m benchmarks.loopback.server TURNS    prints its port and serves until its standard input closes
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any


def answer(turn: int, turns: int) -> bytes:
    """The whole HTTP response to the request of this turn."""
    message: dict[str, Any] = {"role": "assistant", "content": "done"}
    if turn < turns:
        function = {"name": "read_lines", "arguments": json.dumps({"path": "notes.txt"})}
        call = {"id": f"c{turn}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    reason = "tool_calls" if turn < turns else "stop"
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


class Server(asyncio.Protocol):
    """Counts the tool results in a request to know its turn."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.data = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        if found and lengths and len(body) >= int(lengths[0]):
            self.data = b""
            self.transport.write(answer(body.count(b'"tool_call_id"') + 1, self.turns))


async def main(turns: int) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(turns), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
