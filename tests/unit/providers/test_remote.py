"""One model behind HTTP: what goes wrong on the way, and what becomes of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from agentcli.engine.ports import ModelProvider
from agentcli.errors import ModelError, ModelStreamError, ModelTransientError
from agentcli.providers.http import HttpClient
from agentcli.providers.remote import Surroundings
from agentcli.providers.retry import RetryPolicy
from tests.fakes.model_server import ModelServer, Reply, anthropic_server, failure, openai_server
from tests.fakes.model_talk import Heard, NoWaiting, patient, providers, request

SERVERS = {"openai": openai_server, "anthropic": anthropic_server}
Serving = Callable[..., tuple[ModelProvider, ModelServer]]


@pytest.fixture(params=list(SERVERS))
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def serving(wire: str) -> AsyncIterator[Serving]:
    async with AsyncExitStack() as stack:

        def open_(
            *replies: Any, around: Surroundings | None = None, **options: Any
        ) -> tuple[ModelProvider, ModelServer]:
            server = stack.enter_context(SERVERS[wire](*replies, **options))
            shared = providers({wire: server.base_url}, around=around or patient(attempts=2))
            stack.push_async_callback(shared.aclose)
            return shared.open([f"{wire}:m"]), server

        yield open_


async def failed(model: ModelProvider, heard: Heard | None = None, **settings: Any) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await model.complete(request("hi", **settings), heard or Heard())
    return raised.value


CAUSES = [
    (failure(400, "bad schema"), "E-MODEL-REQUEST", False),
    (failure(422, "temperature?"), "E-MODEL-REQUEST", False),
    (failure(400, "prompt is too long: 300000 tokens"), "E-MODEL-CONTEXT", False),
    (failure(400, "no", code="context_length_exceeded"), "E-MODEL-CONTEXT", False),
    (failure(413, "input is too long"), "E-MODEL-CONTEXT", False),
    (failure(400, "The model `m` does not exist"), "E-MODEL-UNKNOWN", False),
    (failure(404, "model: m"), "E-MODEL-UNKNOWN", False),
    (failure(401, "wrong key"), "E-MODEL-UNAUTHORISED", False),
    (failure(403, "not yours"), "E-MODEL-UNAUTHORISED", False),
    (failure(402, "pay"), "E-MODEL-QUOTA", False),
    (failure(429, "pay", code="insufficient_quota"), "E-MODEL-QUOTA", False),
    (failure(429, "slow down"), "E-MODEL-RATE-LIMIT", True),
    (failure(408, "late"), "E-MODEL-TIMEOUT", True),
    (failure(409, "again"), "E-MODEL-SERVER", True),
    (failure(500, "oops"), "E-MODEL-SERVER", True),
    (failure(529, "busy", code="overloaded_error"), "E-MODEL-SERVER", True),
    (failure(307, location="http://127.0.0.1:9/"), "E-MODEL-REDIRECT", False),
]


@pytest.mark.parametrize(("reply", "code", "again"), CAUSES, ids=lambda value: getattr(value, "status", None))
async def test_each_status_is_its_own_error(serving: Serving, reply: Reply, code: str, again: bool) -> None:
    model, server = serving(reply, repeat=True)
    error = await failed(model)
    assert (error.code, isinstance(error, ModelTransientError)) == (code, again)
    assert len(server.requests) == (2 if again else 1)


async def test_a_passing_failure_is_retried_and_the_attempts_are_counted(serving: Serving) -> None:
    sleep, heard = NoWaiting(), Heard()
    around = patient(sleep, attempts=4)
    model, server = serving(failure(429, retry_after="3"), failure(500), Reply(text="yes"), around=around)
    reply = await model.complete(request("hi"), heard)
    assert (reply.message.content, reply.attempts, len(server.requests)) == ("yes", 3, 3)
    assert sleep.waits == [3.0, 1.0]
    assert [wait for _, wait in heard.retries] == sleep.waits


@pytest.mark.parametrize("ending", ["cut", "no-finish"])
async def test_a_stream_that_ends_early_is_never_an_answer(serving: Serving, ending: Any) -> None:
    heard = Heard()
    model, server = serving(Reply(text="half of it", ending=ending), repeat=True)
    error = await failed(model, heard)
    assert (type(error), error.code) == (ModelStreamError, "E-MODEL-STREAM")
    assert (len(server.requests), len(heard.retries)) == (2, 1)


async def test_a_stream_cut_once_is_asked_for_again(serving: Serving) -> None:
    heard = Heard()
    model, _ = serving(Reply(text="half", ending="cut"), Reply(text="whole"))
    reply = await model.complete(request("hi"), heard)
    assert (reply.message.content, heard.text, reply.attempts) == ("whole", "whole", 2)


async def test_a_body_that_is_cut_is_never_an_answer(serving: Serving) -> None:
    model, server = serving(Reply(text="half of it", ending="cut"), repeat=True)
    error = await failed(model, stream=False)
    assert isinstance(error, ModelTransientError)
    assert len(server.requests) == 2


async def test_a_body_without_finish_reason_is_never_an_answer(serving: Serving) -> None:
    model, _ = serving(Reply(text="half", ending="no-finish"), repeat=True)
    assert (await failed(model, stream=False)).code == "E-MODEL-STREAM"


async def test_a_connection_reset_before_the_answer_is_retried(serving: Serving) -> None:
    model, server = serving(Reply(ending="reset"), Reply(text="yes"))
    assert (await model.complete(request("hi"), Heard())).attempts == 2
    assert len(server.requests) == 2


async def test_an_error_inside_a_stream_is_an_error(serving: Serving) -> None:
    model, _ = serving(Reply(text="so", stream_error={"type": "overloaded_error", "message": "busy"}), repeat=True)
    error = await failed(model)
    assert (error.code, error.info.why) == ("E-MODEL-SERVER", "busy Tried 2 times.")


async def test_an_error_inside_a_stream_that_does_not_pass_is_not_retried(serving: Serving) -> None:
    broken = Reply(text="so", stream_error={"type": "invalid_request_error", "message": "bad schema"})
    model, server = serving(broken, repeat=True)
    assert (await failed(model)).code == "E-MODEL-REQUEST"
    assert len(server.requests) == 1


async def test_an_error_with_status_200_is_an_error(serving: Serving) -> None:
    body = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}'
    model, _ = serving(Reply(body=body), repeat=True)
    assert (await failed(model)).code == "E-MODEL-RATE-LIMIT"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_a_stream_in_tiny_pieces_reads_the_same(serving: Serving, size: int) -> None:
    model, _ = serving(Reply(chunks=("Zürich ", "→ 🙂"), slice_size=size))
    assert (await model.complete(request("hi"), Heard())).message.content == "Zürich → 🙂"


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b"[]", b"{}", b"null", b'{"choices": 3}', b'{"type": "message"}', b"[" * 9999]
)
async def test_what_is_no_answer_is_told_apart(serving: Serving, body: bytes) -> None:
    model, server = serving(Reply(body=body, content_type="text/html"), repeat=True)
    assert (await failed(model)).code == "E-MODEL-PROTOCOL"
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"data: {\n\n", b"data: []\n\n", b'data: {"choices": 1}\n\n', b"data: \xff\n\n", b""])
async def test_a_garbled_stream_is_a_stream_error(serving: Serving, body: bytes) -> None:
    model, _ = serving(Reply(body=body, content_type="text/event-stream"), repeat=True)
    assert (await failed(model)).code == "E-MODEL-STREAM"


async def test_an_event_without_end_is_refused(serving: Serving) -> None:
    endless = Reply(body=b"data: " + b"x" * (17 * 2**20), content_type="text/event-stream")
    model, _ = serving(endless, repeat=True)
    assert (await failed(model)).code == "E-MODEL-PROTOCOL"


async def test_a_body_past_the_cap_is_refused(serving: Serving) -> None:
    around = Surroundings(http=HttpClient(body_limit=2**20))
    model, _ = serving(Reply(text="x" * 2**21), repeat=True, around=around)
    assert (await failed(model, stream=False)).code == "E-MODEL-BODY"
    assert (await failed(model)).code == "E-MODEL-BODY"


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_past_the_timeout_is_given_up(serving: Serving, stream: bool) -> None:
    heard = Heard()
    model, _ = serving(Reply(text="slow", ending="hang"), repeat=True)
    error = await failed(model, heard, timeout=0.05, stream=stream)
    assert (error.code, isinstance(error, ModelTransientError)) == ("E-MODEL-TIMEOUT", True)
    assert len(heard.retries) == 1


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


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'[{"error": {"code": 400, "message": "API key\\nnot valid"}}]', "API key not valid"),
        (b'{"error": "just words"}', "just words"),
        (b'{"detail": [{"msg": "too hot"}]}', '{"msg": "too hot"}'),
        (b'"words"', "words"),
        (b"plain text", "plain text"),
        (b"<!doctype html><html>Bad</html>", "The server answered HTTP 400."),
        (b"[" * 5000, "[[["),
        (b"", "The server answered HTTP 400."),
        (b"x" * 200_000, "xxx"),
    ],
    ids=range(9),
)
async def test_errors_of_any_shape_say_why(serving: Serving, body: bytes, why: str) -> None:
    model, _ = serving(Reply(status=400, body=body))
    error = await failed(model)
    assert error.code == "E-MODEL-REQUEST"
    assert why in error.info.why


async def test_connections_are_used_again(serving: Serving) -> None:
    model, server = serving(Reply(text="x"), repeat=True)
    for stream in (True, False, True):
        await model.complete(request("hi", stream=stream), Heard())
    assert server.connections == 1


async def test_a_server_that_ignores_streaming_is_understood(serving: Serving, wire: str) -> None:
    whole = SERVERS[wire]
    with whole("unused") as other:
        body = other._wire.whole(Reply(text="all at once"))
    heard = Heard()
    model, _ = serving(Reply(body=body))
    assert (await model.complete(request("hi"), heard)).message.content == "all at once"
    assert heard.deltas == []


async def test_the_key_is_in_no_error(serving: Serving, wire: str) -> None:
    model, server = serving(failure(401, f"the key k-{wire} is wrong"), repeat=True)
    error = await failed(model)
    assert "k-" not in str(error.info)
    assert f"k-{wire}" in str(server.requests[0].headers)


async def test_messages_of_any_length_become_one_short_line(serving: Serving) -> None:
    model, _ = serving(failure(400, "many\nlines " * 1000))
    error = await failed(model)
    assert len(error.info.why) < 400
    assert "\n" not in error.info.why


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
