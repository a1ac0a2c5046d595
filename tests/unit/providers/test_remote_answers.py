"""One model behind HTTP: an answer is whole and well-formed, or it is none."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.errors import ModelStreamError, ModelTransientError
from agentcli.providers.http import HttpClient
from agentcli.providers.remote import Surroundings
from tests.fakes.model_server import Reply
from tests.fakes.model_talk import Heard, request
from tests.fakes.remote_model import SERVERS, Serving, failed


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


async def test_a_server_that_ignores_streaming_is_understood(serving: Serving, wire: str) -> None:
    whole = SERVERS[wire]
    with whole("unused") as other:
        body = other._wire.whole(Reply(text="all at once"))
    heard = Heard()
    model, _ = serving(Reply(body=body))
    assert (await model.complete(request("hi"), heard)).message.content == "all at once"
    assert heard.deltas == []
