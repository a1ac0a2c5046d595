"""The floor of a run for each row: as many requests by httpx and json alone, with the same layout of clients.

python -m benchmarks.loopback.spread URL COUNT CLIENTS CONNECTIONS    prints the seconds it took
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx

HEADERS = {"content-type": "application/json"}


async def main(url: str, count: int, clients: int, connections: int) -> None:
    """So many workers for each client as it has connections; a round of one request each does not count."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    numbers = iter(range(count))

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        messages = [{"role": "system", "content": "Work."}, {"role": "user", "content": f"Sort ticket {number}."}]
        body = json.dumps({"model": "m", "messages": messages}).encode()
        reply = await client.post(f"{url}/chat/completions", content=body, headers=HEADERS)
        assert reply.json()["choices"][0]["message"]["content"] == "done"

    async def work(client: httpx.AsyncClient) -> None:
        for number in numbers:
            await ask(client, number)

    pools = [httpx.AsyncClient(limits=limits) for _ in range(clients)]
    await asyncio.gather(*(ask(client, 0) for client in pools for _ in range(connections)))
    begun = time.perf_counter()
    await asyncio.gather(*(work(client) for client in pools for _ in range(connections)))
    print(time.perf_counter() - begun)
    for client in pools:
        await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
