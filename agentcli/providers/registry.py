"""From `provider:model` to something that answers.

A name is checked when a chain is opened; the key, the server or the model file is needed only when the model's turn
comes, so that a chain whose first model answers needs nothing of its last.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agentcli.core.models import ModelReply, ModelRequest, Usage
from agentcli.core.values import value
from agentcli.engine.ports import ModelObserver, ModelProvider
from agentcli.errors import ModelError, UsageError
from agentcli.providers.fallback import Chain, Link
from agentcli.providers.servers import SERVERS, Server, Wire, address_from, same_origin

if TYPE_CHECKING:
    from agentcli.providers.remote import Surroundings
    from agentcli.providers.wire import WireFormat

EMBEDDED = ("local", "scripted")
"""Providers that are no server."""


@value(frozen=True, slots=True)
class ProviderConfig:
    """How to reach a provider, as far as it differs from what is known of it.

    `key_env` names the variable that holds the key. `headers` go with every request. `wire` is for names of one's own.
    `may_have_key` is False for a `base_url` that must not be given any key of the environment (an untrusted project's).
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Wire = "openai"
    may_have_key: bool = True


def with_environment(
    declared: Mapping[str, ProviderConfig], get: Callable[[str], str | None]
) -> dict[str, ProviderConfig]:
    """The declared providers and the well-known ones, with addresses and keys from the environment filled in.

    `get` reads a variable. A key goes with its own address only: where a file sets another `base_url`, the well-known
    variable is not read for it, and a key for it must be named (`key_env`) or given.
    """
    names = [*SERVERS, *(name for name in declared if name not in SERVERS)]
    return {name: _filled(SERVERS.get(name), declared.get(name, ProviderConfig()), get) for name in names}


def _filled(server: Server | None, config: ProviderConfig, get: Callable[[str], str | None]) -> ProviderConfig:
    base_url, key_env = config.base_url, config.key_env
    if server is not None:
        if base_url is None and server.base_url_env:
            # The same person set this address and the key beside it.
            base_url = address_from(server, get)
            key_env = key_env or server.key_env
        elif base_url is None or same_origin(base_url, server.base_url):
            key_env = key_env or server.key_env
    key = config.api_key
    if key is None and key_env and (config.may_have_key or config.base_url is None):
        key = get(key_env)
    return replace(config, base_url=base_url, api_key=(key or "").strip() or None, key_env=key_env)


def split_name(name: str) -> tuple[str, str]:
    """`provider:model` as its two parts. Raises UsageError E-MODEL-NAME."""
    provider, colon, model = name.partition(":")
    if colon and provider and model:
        return provider, model
    from agentcli.providers.local.catalog import MODELS

    guess = (
        "local"
        if name in MODELS
        else {"gpt": "openai", "o1": "openai", "o3": "openai", "cla": "anthropic", "gem": "gemini"}.get(name[:3])
    )
    known = name.rstrip(":") in (*SERVERS, *EMBEDDED)
    example = f"{name.rstrip(':')}:MODEL" if known else f"{guess or 'provider'}:{name or 'model'}"
    raise UsageError(
        "E-MODEL-NAME",
        f"`{name}` is not the name of a model.",
        why="A model is `provider:model`.",
        fix=f"Write `{example}`.",
    )


def names_file(local_model: str) -> bool:
    """Whether the name of an embedded model is the path of a file."""
    return "/" in local_model or local_model.endswith(".gguf")


class Providers:
    """Opens chains of models and owns what they share: connections, loaded models, prices."""

    def __init__(
        self,
        config: Mapping[str, ProviderConfig],
        models_dir: Path,
        base_dir: Path,
        *,
        around: Surroundings | None = None,
        open_local: Callable[[str, Path], ModelProvider] | None = None,
    ) -> None:
        """`config` as `with_environment` gives it; `base_dir` is what files in names are relative to."""
        self._config = config
        self._models_dir = models_dir
        self._base_dir = base_dir
        self._given_around = around
        self._open_local = open_local or _open_local
        self._opened: dict[str, _Deferred] = {}

    def open(self, models: Sequence[str]) -> ModelProvider:
        """A chain over `provider:model` names, tried in order.

        Raises UsageError (E-MODEL-NAME, E-MODEL-UNKNOWN-PROVIDER), DefinitionError for a broken scripted file.
        """
        if not models:
            raise UsageError(
                "E-MODEL-NAME",
                "No model is named.",
                why="A run asks at least one.",
                fix="Name one: `-m provider:model`.",
            )
        return Chain([Link(name, self._model(name)) for name in models])

    def price_known(self, model: str) -> bool:
        """Whether the cost of a call to this `provider:model` can be told. May load the price table: takes a while."""
        return self.price(model, Usage(1, 1)) is not None

    def price(self, model: str, usage: Usage) -> float | None:
        """US dollars of a call to this `provider:model`; None where its price is not known. Takes a while, as above.

        Needs no key and no network. Raises UsageError (E-MODEL-NAME, E-MODEL-UNKNOWN-PROVIDER).
        """
        provider, name = split_name(model)
        if provider in EMBEDDED:
            return 0.0
        return self._around.prices.estimate(name, self._server(provider)[0].base_url, usage)

    async def aclose(self) -> None:
        """Close every model that was opened, and all connections."""
        opened, self._opened = self._opened, {}
        try:
            for model in opened.values():
                await model.close()
        finally:
            around = self.__dict__.pop("_around", self._given_around)
            if around is not None:
                await around.http.aclose()

    @cached_property
    def _around(self) -> Surroundings:
        """What remote models share; made with the first of them."""
        from agentcli.providers.remote import Surroundings

        return self._given_around or Surroundings()

    def _model(self, name: str) -> _Deferred:
        """One model, opened once however many chains it is in."""
        if name not in self._opened:
            self._opened[name] = self._deferred(name)
        return self._opened[name]

    def _deferred(self, name: str) -> _Deferred:
        provider, model = split_name(name)
        if provider == "local":
            where = str(self._base_dir / Path(model).expanduser()) if names_file(model) else model
            return _Deferred(lambda: self._open_local(where, self._models_dir))
        if provider == "scripted":
            from agentcli.providers.scripted import ScriptedModel

            scripted = ScriptedModel.open(model, self._base_dir)
            return _Deferred(lambda: scripted)
        server, config = self._server(provider)
        return _Deferred(lambda: self._remote(server, config, model))

    def _server(self, provider: str) -> tuple[Server, ProviderConfig]:
        config = self._config.get(provider, ProviderConfig())
        known = SERVERS.get(provider)
        if known is None:
            if config.base_url is None:
                raise self._unknown(provider)
            return Server(provider, config.base_url, config.key_env, wire=config.wire), config
        if config.base_url is None or same_origin(config.base_url, known.base_url):
            return replace(known, base_url=config.base_url or known.base_url), config
        # Another server under a known name: the older, wider understood field.
        return replace(known, base_url=config.base_url, key_env=config.key_env, completion_cap="max_tokens"), config

    def _unknown(self, provider: str) -> UsageError:
        names = [*SERVERS, *EMBEDDED, *(name for name in self._config if name not in SERVERS)]
        near = difflib.get_close_matches(provider, names, 1)
        return UsageError(
            "E-MODEL-UNKNOWN-PROVIDER",
            f"There is no provider `{provider}`.",
            why="It is neither well known nor configured with a base_url.",
            fix=f"Did you mean `{near[0]}`?" if near else f"Use one of: {', '.join(names)}.",
        )

    def _remote(self, server: Server, config: ProviderConfig, model: str) -> ModelProvider:
        from agentcli.providers.failures import Correspondent
        from agentcli.providers.remote import RemoteModel

        key = _usable_key(server, config)
        whom = Correspondent(server.name, model, server.base_url, server.key_env or config.key_env, key)
        return RemoteModel(whom, _wire(server, model), self._around, config.headers)


def _wire(server: Server, model: str) -> WireFormat:
    if server.wire == "anthropic":
        from agentcli.providers.anthropic import Messages

        return Messages(server.base_url, model)
    from agentcli.providers.openai import ChatCompletions

    return ChatCompletions(server, model)


def _usable_key(server: Server, config: ProviderConfig) -> str | None:
    """The key, where there is one. Raises ModelError where one is needed, or where it cannot be one."""
    key, env = config.api_key, config.key_env or server.key_env
    known = SERVERS.get(server.name)
    if key is None and known is not None and known.key_env and same_origin(server.base_url, known.base_url):
        raise ModelError(
            "E-MODEL-KEY-MISSING",
            f"There is no key for {server.name}.",
            why=f"{env} is not set.",
            fix=f"Set {env} in the environment or .env, or choose another model with -m.",
        )
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ModelError(
            "E-MODEL-KEY",
            f"The key for {server.name} holds characters that no key has.",
            why="A key is plain ASCII without control characters.",
            fix=f"Copy it again into {env or 'its variable'}.",
        )
    return key


def _open_local(name_or_path: str, models_dir: Path) -> ModelProvider:
    from agentcli.providers.local import open_local

    return open_local(name_or_path, models_dir)


class _Deferred:
    """A model that is opened when its turn comes and closed with its `Providers`, not with one of its chains."""

    def __init__(self, opening: Callable[[], ModelProvider]) -> None:
        self._opening = opening
        self._model: ModelProvider | None = None

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        if self._model is None:
            self._model = self._opening()
        return await self._model.complete(request, observer)

    async def aclose(self) -> None:
        """Nothing: other chains may use the same model."""

    async def close(self) -> None:
        model, self._model = self._model, None
        if model is not None:
            await model.aclose()
