"""Requests side by side are spread over several clients; one after the other they need a single one."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from agentcli.providers import http
from agentcli.providers.http import Endpoint, HttpClient
from tests.fakes.model_server import ModelServer, Reply, openai_server


def endpoint(server: ModelServer) -> Endpoint:
    return Endpoint(f"{server.base_url}/chat/completions", {})


async def asked(client: HttpClient, server: ModelServer) -> int:
    answer = await client.post(endpoint(server), b"{}", 5)
    try:
        await answer.body()
    finally:
        await answer.aclose()
    return answer.status


async def test_one_request_after_the_other_opens_one_client_and_one_connection() -> None:
    client = HttpClient()
    with openai_server("ok", repeat=True) as server:
        for _ in range(4):
            assert await asked(client, server) == 200
        assert (client.clients, server.connections) == (1, 1)
        await client.aclose()
    assert client.clients == 0


async def test_a_client_takes_so_many_requests_and_then_another_one_is_opened() -> None:
    client = HttpClient()
    with openai_server(Reply(text="late", ending="hang"), repeat=True) as server:
        tasks = [asyncio.create_task(asked(client, server)) for _ in range(http.CONNECTIONS + 1)]
        await asyncio.sleep(0)
        assert client.clients == 2
        server.release()
        assert await asyncio.gather(*tasks) == [200] * len(tasks)
        assert (client.clients, server.connections) == (2, len(tasks))
        await client.aclose()


async def test_there_are_no_more_clients_and_connections_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CLIENTS", 2)
    monkeypatch.setattr(http, "CONNECTIONS", 2)
    client = HttpClient()
    with openai_server("ok", repeat=True) as server:
        assert await asyncio.gather(*(asked(client, server) for _ in range(9))) == [200] * 9
        assert (client.clients, server.connections) == (2, 4)
        await client.aclose()


async def test_a_request_that_fails_or_is_closed_twice_counts_once() -> None:
    client = HttpClient()
    with openai_server("ok", repeat=True) as server:
        for _ in range(http.CONNECTIONS + 1):
            with pytest.raises(httpx.HTTPError):
                await client.post(Endpoint("http://127.0.0.1:1/", {}), b"", 5)
        answer = await client.get(endpoint(server), 5)
        await answer.aclose()
        await answer.aclose()
        many = [asyncio.create_task(asked(client, server)) for _ in range(http.CONNECTIONS)]
        await asyncio.sleep(0)
        assert client.clients == 1
        await asyncio.gather(*many)
        await client.aclose()
