from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.messages import Message
from agentcli.core.models import ModelReply, ModelRequest, Usage
from agentcli.engine.ports import ModelObserver
from agentcli.errors import DefinitionError, ModelError, UsageError
from agentcli.providers.registry import ProviderConfig, Providers, with_environment
from agentcli.providers.servers import SERVERS, ollama_address, origin, same_origin
from tests.fakes.model_server import openai_server
from tests.fakes.model_talk import Heard, patient, request


class Embedded:
    """Stands for a local model."""

    def __init__(self) -> None:
        self.closed = 0

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        return ModelReply(Message("assistant", "local"), Usage(), "stop", "local:x", 0.0, 0.0)

    async def aclose(self) -> None:
        self.closed += 1


def opened(config: Mapping[str, ProviderConfig] | None = None, **more: Any) -> Providers:
    return Providers(config or {}, Path("models"), Path(), around=patient(), **more)


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("opnai:gpt-5-mini", "E-MODEL-UNKNOWN-PROVIDER", "openai"),
        ("qqq:m", "E-MODEL-UNKNOWN-PROVIDER", "scripted"),
        ("mytown:m", "E-MODEL-UNKNOWN-PROVIDER", "mytowns"),
        ("gpt-5-mini", "E-MODEL-NAME", "openai:gpt-5-mini"),
        ("claude-opus-5", "E-MODEL-NAME", "anthropic:claude-opus-5"),
        ("mystery", "E-MODEL-NAME", "provider:mystery"),
        ("ollama", "E-MODEL-NAME", "ollama:MODEL"),
        ("ollama:", "E-MODEL-NAME", "ollama:MODEL"),
        ("", "E-MODEL-NAME", "provider:model"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(name: str, code: str, hint: str) -> None:
    providers = opened({"mytowns": ProviderConfig(base_url="http://localhost:1/v1")})
    with pytest.raises(UsageError) as raised:
        providers.open(["openai:gpt-5-mini", name])
    assert raised.value.code == code
    assert hint in raised.value.info.fix


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        opened().open([])


async def test_a_key_is_missed_only_when_the_models_turn_comes() -> None:
    with pytest.raises(ModelError) as raised:
        await opened().open(["groq:llama"]).complete(request(), Heard())
    assert raised.value.code == "E-MODEL-KEY-MISSING"
    assert "GROQ_API_KEY" in raised.value.info.fix


async def test_a_key_that_cannot_be_one_is_not_sent() -> None:
    with openai_server("x") as server:
        providers = opened({"openai": ProviderConfig(base_url=server.base_url, api_key="sk-“quoted”")})
        with pytest.raises(ModelError) as raised:
            await providers.open(["openai:m"]).complete(request(), Heard())
        assert (raised.value.code, server.requests) == ("E-MODEL-KEY", [])


async def test_a_server_of_ones_own_needs_no_key_and_gets_its_headers() -> None:
    with openai_server("hello") as server:
        config = {"mine": ProviderConfig(base_url=server.base_url, headers={"X-Team": "seven"})}
        providers = opened(config)
        reply = await providers.open(["mine:some/model:free"]).complete(request(max_output_tokens=5), Heard())
        await providers.aclose()
    sent = server.requests[0]
    assert (reply.model, sent.json["model"], sent.json["max_tokens"]) == ("mine:some/model:free", "some/model:free", 5)
    assert sent.headers["x-team"] == "seven"
    assert "authorization" not in sent.headers


async def test_redirects_are_not_followed_and_the_key_stays() -> None:
    from tests.fakes.model_server import failure

    with openai_server("stolen") as other, openai_server(failure(307, location=other.base_url)) as server:
        providers = opened({"openai": ProviderConfig(base_url=server.base_url, api_key="k-secret")})
        with pytest.raises(ModelError, match="elsewhere"):
            await providers.open(["openai:m"]).complete(request(), Heard())
        await providers.aclose()
        assert other.connections == 0


async def test_a_server_on_this_machine_is_reached_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with openai_server("through the proxy") as proxy, openai_server("direct") as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        monkeypatch.setenv("ALL_PROXY", proxy.base_url)
        providers = opened({"openai": ProviderConfig(base_url=server.base_url, api_key="k")})
        reply = await providers.open(["openai:m"]).complete(request(), Heard())
        await providers.aclose()
    assert reply.message.content == "direct"
    assert proxy.requests == []


async def test_a_local_model_is_opened_late_once_and_closed_with_its_providers() -> None:
    made: list[tuple[str, Path]] = []
    model = Embedded()

    def open_local(name: str, folder: Path) -> Embedded:
        made.append((name, folder))
        return model

    providers = opened(open_local=open_local)
    one, two = providers.open(["local:coder-1.5b"]), providers.open(["openai:m", "local:coder-1.5b"])
    assert made == []
    await one.complete(request(), Heard())
    await one.aclose()
    assert (await two.complete(request(), Heard())).message.content == "local"
    assert (made, model.closed) == ([("coder-1.5b", Path("models"))], 0)
    await providers.aclose()
    assert model.closed == 1


async def test_a_local_model_that_is_not_there_falls_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("replies: [scripted]")
    providers = Providers({}, tmp_path / "models", tmp_path, around=patient())
    heard = Heard()
    reply = await providers.open(["local:no-such-model", "scripted:s.yaml"]).complete(request(), heard)
    assert (reply.message.content, heard.falls[0][0]) == ("scripted", "scripted:s.yaml")
    await providers.aclose()


def test_a_broken_script_is_told_when_its_chain_is_opened(tmp_path: Path) -> None:
    providers = Providers({}, tmp_path, tmp_path)
    with pytest.raises(DefinitionError):
        providers.open(["openai:m", "scripted:none.yaml"])


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("scripted:x", True),
        ("local:x", True),
        ("ollama:x", True),
        ("openai:gpt-5-mini", True),
        ("openai:no-such", False),
    ],
)
def test_it_is_known_whether_a_call_can_be_priced(model: str, known: bool) -> None:
    assert opened().price_known(model) is known


def test_a_usage_is_priced_without_a_key_or_a_server() -> None:
    providers = opened()
    assert providers.price("scripted:x", Usage(1000, 1000)) == 0.0
    assert providers.price("openai:no-such", Usage(1000, 1000)) is None
    once, twice = (providers.price("openai:gpt-5-mini", Usage(n * 1000, n * 1000)) for n in (1, 2))
    assert once
    assert twice == pytest.approx(2 * once)
    with pytest.raises(UsageError) as caught:
        providers.price("nobody:m", Usage(1, 1))
    assert caught.value.code == "E-MODEL-UNKNOWN-PROVIDER"


ENVIRON = {"OPENAI_API_KEY": " sk-openai\n", "MY_KEY": "sk-mine", "GROQ_API_KEY": ""}


def filled(declared: Mapping[str, ProviderConfig], **more: str) -> dict[str, ProviderConfig]:
    return with_environment(declared, {**ENVIRON, **more}.get)


def test_keys_come_from_the_well_known_variables() -> None:
    found = filled({})
    assert set(found) == set(SERVERS)
    assert (found["openai"].api_key, found["openai"].base_url, found["groq"].api_key) == ("sk-openai", None, None)


def test_an_address_of_the_environment_goes_with_the_key_beside_it() -> None:
    found = filled({}, OPENAI_BASE_URL="http://gateway/v1", OLLAMA_HOST="0.0.0.0:9")
    assert (found["openai"].base_url, found["openai"].api_key) == ("http://gateway/v1", "sk-openai")
    assert found["ollama"].base_url == "http://localhost:9/v1"


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (ProviderConfig(base_url="https://elsewhere/v1"), None),
        (ProviderConfig(base_url="https://elsewhere/v1", key_env="MY_KEY"), "sk-mine"),
        (ProviderConfig(base_url="https://elsewhere/v1", key_env="MY_KEY", may_have_key=False), None),
        (ProviderConfig(base_url="https://elsewhere/v1", api_key="sk-given", may_have_key=False), "sk-given"),
        (ProviderConfig(base_url="https://api.openai.com/v2"), "sk-openai"),
        (ProviderConfig(base_url="http://api.openai.com/v1"), None),
        (ProviderConfig(base_url="https://api.openai.com:444/v1"), None),
        (ProviderConfig(base_url="https://api.openai.com.evil/v1"), None),
        (ProviderConfig(base_url="https://api.openai.com@evil/v1"), None),
        (ProviderConfig(key_env="MY_KEY"), "sk-mine"),
    ],
)
def test_a_key_goes_to_its_own_address_alone(config: ProviderConfig, key: str | None) -> None:
    assert filled({"openai": config})["openai"].api_key == key


def test_a_provider_of_ones_own_names_its_key() -> None:
    found = filled({"mine": ProviderConfig(base_url="https://mine/v1", key_env="MY_KEY")})["mine"]
    assert found.api_key == "sk-mine"
    assert "sk-mine" not in repr(found)


@pytest.mark.parametrize("url", ["", "localhost:1", "ftp://x/", "http://", "http://[::", "http://x:y/"])
def test_what_is_no_address_has_no_origin(url: str) -> None:
    assert origin(url) is None
    assert not same_origin(url, url)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (None, "http://localhost:11434"),
        ("box", "http://box:11434"),
        ("0.0.0.0", "http://localhost:11434"),
        ("box:9/", "http://box:9"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:9", "http://[::1]:9"),
        ("https://box/", "https://box"),
    ],
)
def test_ollama_is_found_by_its_own_variable(host: str | None, address: str) -> None:
    assert ollama_address(host) == address
