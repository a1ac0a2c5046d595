from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agentcli.errors import ModelError
from agentcli.providers.discovery import Choice, discover, probe_ollama
from tests.fakes.model_server import Reply, failure, openai_server


class Ollama:
    """What a probe finds, and whether it was asked."""

    def __init__(self, models: Sequence[str] | None = None) -> None:
        self.models = models
        self.asked: list[str] = []

    async def __call__(self, base: str) -> Sequence[str] | None:
        self.asked.append(base)
        return self.models


async def find(
    environ: dict[str, str] | None = None,
    ollama: Ollama | None = None,
    pulled: Sequence[str] = (),
    runtime: bool = True,
) -> Choice:
    return await discover((environ or {}).get, Path("models"), ollama or Ollama(), lambda _: pulled, lambda: runtime)


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "openai:gpt-5-mini"),
        ({"ANTHROPIC_API_KEY": "k", "GROQ_API_KEY": "k"}, "anthropic:claude-sonnet-5-5"),
        ({"GROQ_API_KEY": "k"}, "groq:openai/gpt-oss-120b"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://api.openai.com/v1"}, "openai:gpt-5-mini"),
    ],
)
async def test_a_key_goes_first_and_nothing_is_probed(environ: dict[str, str], model: str) -> None:
    ollama = Ollama(["llama"])
    choice = await find(environ, ollama, ["coder-1.5b"])
    assert (choice.required(), ollama.asked) == (model, [])
    assert choice.reason.endswith("_API_KEY is set.")


async def test_a_key_for_another_server_does_not_choose_a_model_there() -> None:
    choice = await find({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://gateway/v1"})
    assert choice.model is None
    assert "-m openai:MODEL" in choice.considered[0].why


async def test_then_an_ollama_with_a_model_that_can_talk() -> None:
    choice = await find({}, Ollama(["nomic-embed-text", "qwen3:8b"]), ["coder-1.5b"])
    assert choice.model == "ollama:qwen3:8b"


@pytest.mark.parametrize("models", [None, [], ["nomic-embed-text"]])
async def test_then_an_embedded_model_that_was_pulled(models: Sequence[str] | None) -> None:
    choice = await find({}, Ollama(models), ["coder-1.5b", "coder-0.5b"])
    assert choice.model == "local:coder-1.5b"


async def test_a_pulled_model_without_its_runtime_is_not_chosen_and_says_why() -> None:
    choice = await find({}, pulled=["coder-1.5b"], runtime=False)
    assert choice.model is None
    assert "pip install" in choice.considered[-1].why


async def test_with_nothing_usable_the_two_shortest_ways_out_are_told() -> None:
    choice = await find()
    with pytest.raises(ModelError) as raised:
        choice.required()
    assert (raised.value.code, raised.value.exit_code) == ("E-MODEL-NONE", 7)
    assert "agentcli models pull coder-1.5b" in raised.value.info.fix
    assert "OPENAI_API_KEY" in raised.value.info.fix
    assert [item.usable for item in choice.considered] == [False] * len(choice.considered)


async def test_nothing_of_this_machine_is_needed_to_look(tmp_path: Path) -> None:
    choice = await discover({"OLLAMA_HOST": "127.0.0.1:9"}.get, tmp_path)
    assert choice.model is None


async def test_an_ollama_is_asked_for_its_models() -> None:
    tags = Reply(body=b'{"models": [{"name": "a:1"}, {"name": "b:2"}]}')
    with openai_server(gets={"/api/tags": tags}) as server:
        assert await probe_ollama(server.base_url.removesuffix("/v1")) == ["a:1", "b:2"]


@pytest.mark.parametrize(
    "reply", [Reply(body=b"[]"), Reply(body=b"<html>"), failure(500), Reply(body=b'{"models": 3}')]
)
async def test_what_is_no_ollama_is_none(reply: Reply) -> None:
    with openai_server(gets={"/api/tags": reply}) as server:
        assert await probe_ollama(server.base_url.removesuffix("/v1")) is None


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "http://[::", "box"])
async def test_an_address_where_nothing_answers_is_none(base: str) -> None:
    assert await probe_ollama(base) is None
