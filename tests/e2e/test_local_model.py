"""The real coder-0.5b through the real runtime: what every provider must do, and what native code can get wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.core.models import ModelRequest, ModelSettings, RequestHead
from agentcli.core.tools import ToolSpec
from agentcli.errors import ModelError, ModelTransientError
from agentcli.providers.local.child import Child, private_folder
from agentcli.providers.local.runtime import LocalModel

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

SHELF = ToolSpec(
    "shelf",
    "Tell the shelf of a book.",
    {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
    "read-only",
)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LONG = Message("user", "Count from one to one thousand in words, separated by commas.")


class Heard:
    """Collects what an observer is told; `first` is set by the first piece of text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.first = asyncio.Event()

    def delta(self, text: str) -> None:
        self.texts.append(text)
        self.first.set()

    def retried(self, cause: str, wait_s: float) -> None:
        raise AssertionError(cause)

    def fell_back(self, model: str, cause: str) -> None:
        raise AssertionError(cause)


@pytest.fixture
async def model(models_dir: Path, tmp_path: Path) -> AsyncIterator[LocalModel]:
    opened = LocalModel("coder-0.5b", models_dir, tmp_path / "states")
    yield opened
    await opened.aclose()


def request(
    *messages: Message, output: dict[str, Any] | None = None, tools: bool = False, **settings: Any
) -> ModelRequest:
    head = RequestHead(
        ("local:coder-0.5b",), (SHELF,) if tools else (), ModelSettings(**settings), output_schema=output
    )
    return ModelRequest(head, Conversation(messages).view())


async def test_it_answers_streams_counts_and_is_deterministic(model: LocalModel) -> None:
    heard = Heard()
    asked = request(Message("system", "Be brief."), Message("user", "Say hello."), max_output_tokens=12)
    reply = await model.complete(asked, heard)
    assert reply.message.content == "".join(heard.texts).strip() != ""
    assert (reply.model, reply.cost_usd, reply.attempts) == ("local:coder-0.5b", 0.0, 1)
    assert reply.usage.input > reply.usage.cached >= 0
    assert 0 < reply.usage.output <= 12
    quiet = Heard()
    again = await model.complete(request(*asked.conversation.messages, max_output_tokens=12, stream=False), quiet)
    assert again.message == reply.message
    assert quiet.texts == []
    assert again.usage.cached > 0


async def test_a_reply_with_tools_is_a_call_of_one_of_them_or_an_answer(model: LocalModel) -> None:
    question = Message("user", "Use the tool shelf to tell me where the book Dune is.")
    reply = await model.complete(request(question, tools=True), Heard())
    assert (reply.finish_reason == "tool_calls") == bool(reply.message.tool_calls)
    assert {call.name for call in reply.message.tool_calls} <= {"shelf"}
    done = Message("assistant", tool_calls=(ToolCall("c1", "shelf", {"title": "Dune"}),))
    heard = Heard()
    answer = await model.complete(
        request(question, done, Message("tool", "Dune is on shelf 31", tool_call_id="c1"), tools=True), heard
    )
    assert "31" in answer.message.content
    assert "".join(heard.texts) == answer.message.content


async def test_output_fits_its_schema(model: LocalModel) -> None:
    reply = await model.complete(request(Message("user", "Anna lives in Turin."), output=CITY), Heard())
    assert json.loads(reply.message.content) == {"city": "Turin"}


async def test_a_reply_cut_by_its_limit_says_so(model: LocalModel) -> None:
    assert (await model.complete(request(LONG, max_output_tokens=5), Heard())).finish_reason == "length"
    cut = await model.complete(request(LONG, tools=True, max_output_tokens=12), Heard())
    assert (cut.finish_reason, cut.message.tool_calls) == ("length", ())


async def test_a_cancelled_request_ends_at_once_and_the_next_one_works(model: LocalModel) -> None:
    heard = Heard()
    task = asyncio.create_task(model.complete(request(LONG, max_output_tokens=4000), heard))
    await heard.first.wait()
    task.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(60):  # far less than the 4000 tokens would take
        assert (await model.complete(request(Message("user", "Hi"), max_output_tokens=2), Heard())).usage.output <= 2


async def test_requests_at_once_are_all_answered(model: LocalModel) -> None:
    asked = [request(Message("user", f"Repeat: {word}"), max_output_tokens=8) for word in ("one", "two", "three")]
    replies = await asyncio.gather(*(model.complete(each, Heard()) for each in asked))
    assert all(reply.message.content for reply in replies)


async def test_a_conversation_that_does_not_fit_is_refused_with_the_counts(model: LocalModel) -> None:
    with pytest.raises(ModelError) as caught:
        await model.complete(request(Message("user", "word " * 9000)), Heard())
    assert caught.value.code == "E-MODEL-CONTEXT"
    assert "8192 fit" in caught.value.info.why


async def test_the_fixed_part_of_the_prompt_is_kept_for_the_next_process(models_dir: Path, tmp_path: Path) -> None:
    async def once(question: str) -> tuple[int, int]:
        model = LocalModel("coder-0.5b", models_dir, tmp_path / "states")
        try:
            asked = request(Message("system", "Be brief."), Message("user", question), tools=True, max_output_tokens=1)
            usage = (await model.complete(asked, Heard())).usage
            return usage.input, usage.cached
        finally:
            await model.aclose()

    await once("Where is Dune?")
    (state,) = (tmp_path / "states").glob("*.state")
    written = state.stat().st_mtime_ns
    total, cached = await once("Is Emma there?")
    assert total - cached < 30 < cached
    assert state.stat().st_mtime_ns >= written
    state.write_bytes(state.read_bytes()[:1000])  # llama.cpp itself would not survive this
    assert (await once("Is Emma there?"))[1] > 0


async def test_a_process_that_dies_is_an_error_once_and_started_anew(model: LocalModel) -> None:
    heard = Heard()
    task = asyncio.create_task(model.complete(request(LONG, max_output_tokens=4000), heard))
    await heard.first.wait()
    assert model._loaded is not None
    os.kill(model._loaded.child._process.pid, signal.SIGKILL)
    with pytest.raises(ModelTransientError) as caught:
        await task
    assert caught.value.code in ("E-MODEL-CRASHED", "E-MODEL-STREAM")
    await model._loaded.child._process.wait()
    assert (await model.complete(request(Message("user", "Hi"), max_output_tokens=2), Heard())).usage.output > 0


async def test_closing_ends_the_process_and_removes_its_folder(models_dir: Path, tmp_path: Path) -> None:
    model = LocalModel("coder-0.5b", models_dir, tmp_path / "states")
    await model.complete(request(Message("user", "Hi"), max_output_tokens=1), Heard())
    assert model._loaded is not None
    child = model._loaded.child
    assert Path(child.socket).parent.stat().st_mode & 0o777 == 0o700
    await model.aclose()
    await model.aclose()
    assert not child.alive
    assert not Path(child.socket).parent.exists()


@pytest.mark.parametrize("kept", [4, 100, 5_000, 1_000_000, 100_000_000])
async def test_a_truncated_file_is_an_error_and_not_a_crash(small_model: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.gguf"
    with small_model.open("rb") as file:
        cut.write_bytes(file.read(kept))
    model = LocalModel(str(cut), tmp_path)
    with pytest.raises(ModelError) as caught:
        await model.complete(request(Message("user", "Hi")), Heard())
    assert caught.value.code == "E-MODEL-GGUF"
    assert "llama" in caught.value.info.why
    await model.aclose()


async def test_a_file_by_its_path_needs_no_catalog(small_model: Path, tmp_path: Path) -> None:
    model = LocalModel(str(small_model), tmp_path)
    reply = await model.complete(request(Message("user", "Hi"), max_output_tokens=2), Heard())
    assert reply.model == f"local:{small_model}"
    await model.aclose()


async def test_nothing_reaches_the_terminal(model: LocalModel, capfd: pytest.CaptureFixture[str]) -> None:
    await model.complete(request(Message("user", "Hi"), max_output_tokens=2), Heard())
    await model.aclose()
    assert capfd.readouterr() == ("", "")


async def test_a_cancelled_start_leaves_no_process(small_model: Path) -> None:
    task = asyncio.create_task(Child.start(small_model, {"context": 512, "batch": 64}))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_process_clears_its_folder_away_when_its_owner_was_killed(small_model: Path) -> None:
    folder = private_folder()
    (folder / "log").touch()
    options = {
        "model": str(small_model),
        "listen": str(folder / "llama.sock"),
        "context": 512,
        "batch": 64,
        "threads": 1,
    }
    command = [sys.executable, "-P", "-m", "agentcli.providers.local.serve", json.dumps(options)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    assert b"address" in process.stdout.readline()
    assert (folder / "llama.sock").exists()
    process.stdin.close()  # what the death of its owner does
    assert process.wait(30) == 0
    process.stdout.close()
    assert not folder.exists()
