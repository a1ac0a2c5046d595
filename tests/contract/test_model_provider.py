"""What every ModelProvider must do, whatever it speaks. Another adapter joins by adding a backend to BACKENDS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import Usage
from agentcli.engine.ports import ModelProvider
from agentcli.errors import ModelError
from agentcli.providers.registry import Providers
from tests.fakes.model_server import Reply, anthropic_server, failure, openai_server
from tests.fakes.model_talk import READ_LINES, Heard, providers, request


class Backend(Protocol):
    """Makes a provider that will give these replies, in order. `name` is how replies name the model."""

    name: str

    def open(self, replies: Sequence[Reply], folder: Path) -> Any:
        """A context manager over (Providers, chain)."""


class OverHttp:
    def __init__(self, provider: str, server: Callable[..., Any]) -> None:
        self.name, self._provider, self._server = f"{provider}:m", provider, server

    @contextmanager
    def open(self, replies: Sequence[Reply], folder: Path) -> Iterator[tuple[Providers, ModelProvider]]:
        with self._server(*replies) as server:
            opened = providers({self._provider: server.base_url})
            yield opened, opened.open([self.name])


class Scripted:
    name = "scripted:s.yaml"

    @contextmanager
    def open(self, replies: Sequence[Reply], folder: Path) -> Iterator[tuple[Providers, ModelProvider]]:
        entries = [_scripted(reply) for reply in replies]
        (folder / "s.yaml").write_text(yaml.safe_dump({"replies": entries}, allow_unicode=True), encoding="utf-8")
        opened = providers(base_dir=folder)
        yield opened, opened.open([self.name])


class BehindABrokenModel:
    """A chain whose first model always fails."""

    name = "openai:m"

    @contextmanager
    def open(self, replies: Sequence[Reply], folder: Path) -> Iterator[tuple[Providers, ModelProvider]]:
        with openai_server(failure(401), repeat=True) as broken, openai_server(*replies) as server:
            opened = providers({"groq": broken.base_url, "openai": server.base_url})
            yield opened, opened.open(["groq:first", self.name])


def _scripted(reply: Reply) -> dict[str, Any]:
    if reply.status != 200:
        return {"error": "unauthorised"}
    entry: dict[str, Any] = {"chunks": list(reply.pieces), "usage": dict(reply.usage)}
    if reply.tool_calls:
        entry["tool_calls"] = [
            {"id": id_, "name": name, "malformed" if isinstance(args, str) else "arguments": args}
            for id_, name, args in reply.tool_calls
        ]
    if reply.finish:
        entry["finish_reason"] = reply.finish
    return entry


BACKENDS: list[Backend] = [
    OverHttp("openai", openai_server),
    OverHttp("anthropic", anthropic_server),
    Scripted(),
    BehindABrokenModel(),
]

Opened = Callable[..., ModelProvider]


@pytest.fixture(params=BACKENDS, ids=lambda backend: type(backend).__name__ + "-" + backend.name.split(":")[0])
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    return found


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def opened(backend: Backend, tmp_path: Path) -> AsyncIterator[Opened]:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:

        def open_(*replies: Reply) -> ModelProvider:
            shared, model = stack.enter_context(backend.open(replies, tmp_path))
            stack.push_async_callback(shared.aclose)
            return model

        yield open_


async def test_the_text_of_the_answer_comes_back_whole(opened: Opened, backend: Backend, stream: bool) -> None:
    heard = Heard()
    model = opened(Reply(chunks=("The answer", " is — ", "42 🙂."), usage={"input": 12, "output": 7}))
    reply = await model.complete(request("what?", stream=stream), heard)
    assert reply.message.content == "The answer is — 42 🙂."
    assert heard.text == (reply.message.content if stream else "")
    assert (reply.finish_reason, reply.usage) == ("stop", Usage(12, 7))
    assert (reply.model, reply.cost_usd) == (backend.name, 0.0)
    assert reply.duration_s >= 0


async def test_tool_calls_come_back_in_order_with_their_arguments(opened: Opened, stream: bool) -> None:
    args = {"path": "a “b”.txt", "deep": {"list": [1, 2.5, None, True]}}
    model = opened(Reply(chunks=("Let me look.",), tool_calls=(("c1", "read_lines", args), ("c2", "list_files", {}))))
    reply = await model.complete(request("look", tools=(READ_LINES,), stream=stream), Heard())
    assert reply.message.tool_calls == (ToolCall("c1", "read_lines", args), ToolCall("c2", "list_files", {}))
    assert (reply.message.content, reply.finish_reason) == ("Let me look.", "tool_calls")


async def test_arguments_that_are_no_object_are_kept_as_written(opened: Opened, backend: Backend) -> None:
    model = opened(Reply(tool_calls=(("c1", "read_lines", '{"path": "a'), ("c2", "read_lines", "[1]"))))
    reply = await model.complete(request("look", tools=(READ_LINES,), stream=True), Heard())
    assert [call.malformed for call in reply.message.tool_calls] == ['{"path": "a', "[1]"]
    assert [call.arguments for call in reply.message.tool_calls] == [{}, {}]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_that_was_cut_by_the_provider_says_so(opened: Opened, stream: bool, reason: str) -> None:
    model = opened(Reply(text="half an ans", finish=reason))
    reply = await model.complete(request("what?", stream=stream), Heard())
    assert reply.finish_reason == reason


async def test_a_conversation_with_tool_results_goes_on(opened: Opened, stream: bool) -> None:
    model = opened(
        Reply(tool_calls=(("c1", "read_lines", {"path": "a"}), ("c2", "read_lines", {"path": "b"}))), Reply(text="both")
    )
    first = await model.complete(request("look", tools=(READ_LINES,), stream=stream), Heard())
    results = [Message("tool", f"content {call.id}", tool_call_id=call.id) for call in first.message.tool_calls]
    second = await model.complete(request("look", first.message, *results, tools=(READ_LINES,), stream=stream), Heard())
    assert second.message.content == "both"


async def test_a_reply_survives_its_record(opened: Opened, stream: bool) -> None:
    model = opened(Reply(text="x", reasoning="hm", tool_calls=(("c1", "read_lines", {"path": "a"}),)))
    reply = await model.complete(request("look", tools=(READ_LINES,), stream=stream), Heard())
    assert type(reply).from_json(json.loads(json.dumps(reply.to_json()))) == reply


async def test_a_failure_is_a_model_error_of_exit_7(opened: Opened, stream: bool) -> None:
    with pytest.raises(ModelError) as raised:
        await opened(failure(401)).complete(request("hi", stream=stream), Heard())
    assert raised.value.exit_code == 7
    info = raised.value.info
    assert all("\n" not in text for text in (info.what, info.why, info.fix))
    assert info.fix
