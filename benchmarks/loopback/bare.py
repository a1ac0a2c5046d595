"""The floor: the same requests with a growing history, sent by httpx and json alone.

python -m benchmarks.loopback.bare URL TURNS    prints the seconds it took
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import httpx

RESULT = "1: " + "some words of the notes " * 8
FUNCTION = {"name": "read_lines", "description": "Read lines of a file.", "parameters": {"type": "object"}}
HEADERS = {"content-type": "application/json"}


async def main(url: str, turns: int) -> None:
    """Ask, append, ask again."""
    tools = [{"type": "function", "function": FUNCTION}]
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Read."}]
    messages.append({"role": "user", "content": "Read notes.txt."})
    begun = time.perf_counter()
    async with httpx.AsyncClient() as client:
        for _ in range(turns):
            body = json.dumps({"model": "m", "messages": messages, "tools": tools}).encode()
            reply = await client.post(f"{url}/chat/completions", content=body, headers=HEADERS)
            message = reply.json()["choices"][0]["message"]
            messages.append(message)
            calls = message.get("tool_calls") or ()
            messages.extend({"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in calls)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
