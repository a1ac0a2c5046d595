"""One model behind HTTP: each error of its server is our own error, retried if it may pass."""

from __future__ import annotations

import pytest

from agentcli.errors import ModelTransientError
from tests.fakes.model_server import Reply, failure
from tests.fakes.model_talk import Heard, NoWaiting, patient, request
from tests.fakes.remote_model import Serving, failed

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


async def test_an_error_inside_a_stream_is_an_error(serving: Serving) -> None:
    model, _ = serving(Reply(text="so", stream_error={"type": "overloaded_error", "message": "busy"}), repeat=True)
    error = await failed(model)
    assert (error.code, error.info.why) == ("E-MODEL-SERVER", "The server says: busy. Tried 2 times.")


async def test_an_error_inside_a_stream_that_does_not_pass_is_not_retried(serving: Serving) -> None:
    broken = Reply(text="so", stream_error={"type": "invalid_request_error", "message": "bad schema"})
    model, server = serving(broken, repeat=True)
    assert (await failed(model)).code == "E-MODEL-REQUEST"
    assert len(server.requests) == 1


async def test_an_error_with_status_200_is_an_error(serving: Serving) -> None:
    body = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}'
    model, _ = serving(Reply(body=body), repeat=True)
    assert (await failed(model)).code == "E-MODEL-RATE-LIMIT"


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
