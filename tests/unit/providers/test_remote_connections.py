"""One model behind HTTP: connections that fail, time out, are cancelled or used again."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import pytest

from agentcli.errors import ModelTransientError
from agentcli.providers.remote import Surroundings
from agentcli.providers.retry import RetryPolicy
from tests.fakes.model_server import Reply
from tests.fakes.model_talk import Heard, NoWaiting, patient, providers, request
from tests.fakes.remote_model import SERVERS, Serving, failed


async def test_a_connection_reset_before_the_answer_is_retried(serving: Serving) -> None:
    model, server = serving(Reply(ending="reset"), Reply(text="yes"))
    assert (await model.complete(request("hi"), Heard())).attempts == 2
    assert len(server.requests) == 2


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_past_the_timeout_is_given_up_and_may_be_asked_for_again(
    serving: Serving, stream: bool
) -> None:
    around = patient(attempts=1)
    model, server = serving(Reply(text="first"), Reply(text="slow", ending="hang"), around=around)
    # The second request takes the first one's connection: no slow connecting can be what runs out of time.
    await model.complete(request("hi", stream=False), Heard())
    error = await failed(model, timeout=0.05, stream=stream)
    assert (error.code, isinstance(error, ModelTransientError)) == ("E-MODEL-TIMEOUT", True)
    assert server.connections == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_cancelling_closes_the_connection(serving: Serving, stream: bool) -> None:
    model, server = serving(Reply(text="slow", ending="hang"))
    task = asyncio.create_task(model.complete(request("hi", stream=stream), Heard()))
    await asyncio.to_thread(server.received.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.disconnected.wait, 10)


async def test_cancelling_after_the_first_text_closes_the_connection(serving: Serving) -> None:
    arrived = asyncio.Event()

    class Listening(Heard):
        def delta(self, text: str) -> None:
            arrived.set()

    model, server = serving(Reply(text="slow", ending="hang"))
    task = asyncio.create_task(model.complete(request("hi"), Listening()))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.disconnected.wait, 10)


async def test_a_stream_left_open_after_its_end_mark_holds_nothing_up(serving: Serving) -> None:
    model, server = serving(Reply(text="done", ending="linger"))
    assert (await model.complete(request("hi"), Heard())).message.content == "done"
    assert await asyncio.to_thread(server.disconnected.wait, 10)


async def test_connections_are_used_again(serving: Serving) -> None:
    model, server = serving(Reply(text="x"), repeat=True)
    for stream in (True, False, True):
        await model.complete(request("hi", stream=stream), Heard())
    assert server.connections == 1


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_server_that_is_not_there_is_unreachable(wire: str) -> None:
    sleep = NoWaiting()
    shared = providers({wire: f"http://127.0.0.1:{closed_port()}/v1"}, around=patient(sleep, attempts=3))
    error = await failed(shared.open([f"{wire}:m"]))
    assert (error.code, len(sleep.waits)) == ("E-MODEL-UNREACHABLE", 2)
    await shared.aclose()


@pytest.mark.parametrize(
    "address", ["localhost:1234", "ftp://127.0.0.1/", "http://", "http://[::", "http://127.0.0.1:x/"]
)
async def test_a_base_url_that_is_none_is_told(wire: str, address: str) -> None:
    shared = providers({wire: address})
    assert (await failed(shared.open([f"{wire}:m"]))).code == "E-MODEL-ADDRESS"
    await shared.aclose()


def test_one_provider_serves_one_event_loop_after_another(wire: str) -> None:
    with SERVERS[wire](Reply(text="x"), repeat=True) as server:
        shared = providers({wire: server.base_url}, around=Surroundings(retry=RetryPolicy(attempts=1)))

        async def once() -> str:
            reply = await shared.open([f"{wire}:m"]).complete(request("hi"), Heard())
            await shared.aclose()
            return reply.message.content

        assert [asyncio.run(once()) for _ in range(2)] == ["x", "x"]


async def test_what_httpcore_looks_for_in_vain_is_looked_for_once(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Watching:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            asked.append(name)

    monkeypatch.delitem(sys.modules, "sniffio", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Watching(), *sys.meta_path])
    model, _ = serving(Reply(text="one"), Reply(text="two"))
    for _ in range(2):
        await model.complete(request("hi", stream=False), Heard())
    assert asked.count("sniffio") <= 1
