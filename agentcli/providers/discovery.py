"""Which model answers when none is configured, and why.

In this order: a provider whose key is in the environment, an Ollama on this machine, an embedded model that was
pulled. Everything that was looked at is reported, so that `agentcli models` can say which one and why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from agentcli.errors import ModelError
from agentcli.providers.http import Endpoint, HttpClient
from agentcli.providers.servers import SERVERS, Server, same_origin

PROBE_SECONDS = 0.5
"""How long a local Ollama may take to answer."""

OLLAMA = "http://localhost:11434"

_ANY = str(IPv4Address(0))
"""What a server listens on to be reached by every address; a client cannot go there."""

Probe = Callable[[str], Awaitable[Sequence[str] | None]]
"""The models that an Ollama at a base address has installed, or None where there is no Ollama."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A model, or where one could have come from, and why it can or cannot be used."""

    model: str
    usable: bool
    why: str


@dataclass(frozen=True, slots=True)
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
) -> Choice:
    """Look for a model.

    `get` reads a variable of the environment or `.env`; `pulled` lists the embedded models in a folder.
    """
    considered = [_by_key(server, get) for server in SERVERS.values() if server.key_env]
    if not any(item.usable for item in considered):
        considered.append(await _by_ollama(get, probe or probe_ollama))
        considered += _by_folder(models_dir, pulled or pulled_models)
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


def _by_folder(models_dir: Path, pulled: Callable[[Path], Iterable[str]]) -> list[Considered]:
    found = [Considered(f"local:{name}", True, "It is embedded and pulled.") for name in pulled(models_dir)]
    return found or [Considered("local", False, "No embedded model is pulled.")]


def ollama_address(host: str | None) -> str:
    """Where Ollama listens by its own variable OLLAMA_HOST: `host`, `host:port` or a URL; 0.0.0.0 is this machine."""
    if not host:
        return OLLAMA
    url = host if "://" in host else f"http://{host}"
    scheme, _, rest = url.rstrip("/").partition("://")
    host_only, colon, port = rest.partition(":")
    if host_only == _ANY:
        rest = f"localhost{colon}{port}"
    return f"{scheme}://{rest}" if ":" in rest.rpartition("]")[2] else f"{scheme}://{rest}:11434"


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
    """The embedded models in the folder whose content was verified, best first."""
    from agentcli.providers.local import pulled

    return pulled(models_dir)
