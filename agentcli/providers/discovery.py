"""Which model answers when none is configured, and why.

In this order: a provider whose key is in the environment, an Ollama on this machine, an embedded model that was
pulled. Everything that was looked at is reported, so that `agentcli models` can say which one and why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from agentcli.core.values import value
from agentcli.errors import ModelError
from agentcli.providers.http import Endpoint, HttpClient
from agentcli.providers.servers import SERVERS, Server, ollama_address, same_origin

PROBE_SECONDS = 0.5
"""How long a local Ollama may take to answer."""

Probe = Callable[[str], Awaitable[Sequence[str] | None]]
"""The models that an Ollama at a base address has installed, or None where there is no Ollama."""


@value(frozen=True, slots=True)
class Considered:
    """A model, or where one could have come from, and why it can or cannot be used."""

    model: str
    usable: bool
    why: str


@value(frozen=True, slots=True)
class Choice:
    """The model to use, or None, with the reason, and all that was looked at in order."""

    model: str | None
    reason: str
    considered: tuple[Considered, ...]

    def required(self) -> str:
        """The model. Raises ModelError E-MODEL-NONE where there is none."""
        if self.model is None:
            raise ModelError(
                "E-MODEL-NONE",
                "There is no model to use.",
                why=self.reason,
                fix="Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY.",
            )
        return self.model


async def discover(
    get: Callable[[str], str | None],
    models_dir: Path,
    probe: Probe | None = None,
    pulled: Callable[[Path], Iterable[str]] | None = None,
    has_runtime: Callable[[], bool] | None = None,
) -> Choice:
    """Look for a model.

    `get` reads a variable of the environment or `.env`; `pulled` lists the embedded models in a folder,
    `has_runtime` tells whether this installation can run them.
    """
    considered = [_by_key(server, get) for server in SERVERS.values() if server.key_env]
    if not any(item.usable for item in considered):
        considered.append(await _by_ollama(get, probe or probe_ollama))
        considered += _by_folder((pulled or pulled_models)(models_dir), (has_runtime or local_runtime_installed)())
    chosen = next((item for item in considered if item.usable), None)
    if chosen is None:
        return Choice(None, "No key is set, no Ollama answers, no embedded model is pulled.", tuple(considered))
    return Choice(chosen.model, chosen.why, tuple(considered))


def _by_key(server: Server, get: Callable[[str], str | None]) -> Considered:
    name = f"{server.name}:{server.default_model or ''}".rstrip(":")
    if not get(server.key_env or ""):
        return Considered(name, False, f"{server.key_env} is not set.")
    elsewhere = get(server.base_url_env) if server.base_url_env else None
    if server.default_model is None or (elsewhere and not same_origin(elsewhere, server.base_url)):
        return Considered(server.name, False, f"{server.key_env} is set; name a model with -m {server.name}:MODEL.")
    return Considered(name, True, f"{server.key_env} is set.")


async def _by_ollama(get: Callable[[str], str | None], probe: Probe) -> Considered:
    base = ollama_address(get("OLLAMA_HOST"))
    installed = await probe(base)
    if installed is None:
        return Considered("ollama", False, f"No Ollama answers at {base}.")
    usable = [name for name in installed if "embed" not in name]
    if not usable:
        return Considered("ollama", False, f"The Ollama at {base} has no model; run `ollama pull`.")
    return Considered(f"ollama:{usable[0]}", True, f"An Ollama answers at {base} and has this model.")


def _by_folder(pulled: Iterable[str], has_runtime: bool) -> list[Considered]:
    why = (
        "It is embedded and pulled." if has_runtime else "It is pulled; run `pip install 'agentcli[local]'` to use it."
    )
    found = [Considered(f"local:{name}", has_runtime, why) for name in pulled]
    return found or [Considered("local", False, "No embedded model is pulled.")]


async def probe_ollama(base: str) -> Sequence[str] | None:
    """Ask an Ollama for its models, newest first; None where none answers in PROBE_SECONDS."""
    import httpx

    http = HttpClient(body_limit=4 * 1024 * 1024)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            answer = await http.get(Endpoint(f"{base}/api/tags", {}), PROBE_SECONDS)
            try:
                listed = json.loads(await answer.body())
                return [str(model["name"]) for model in listed["models"]]
            finally:
                await answer.aclose()
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ModelError, ValueError, LookupError, TypeError):
        return None
    finally:
        await http.aclose()


def pulled_models(models_dir: Path) -> Sequence[str]:
    """The embedded models in the folder, best first."""
    from agentcli.providers.local import pulled

    return pulled(models_dir)


def local_runtime_installed() -> bool:
    """Whether the extra `local` is there."""
    import importlib.util

    return importlib.util.find_spec("xllamacpp") is not None
