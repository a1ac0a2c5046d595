"""The servers that are known by name: where they are, where their key is kept, and what is particular about them.

Everything here is public documentation of the servers. Any other server that speaks Chat Completions is configured by
`base_url` under a name of one's own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Literal
from urllib.parse import urlsplit

from agentcli.core.values import value

OLLAMA = "http://localhost:11434"
"""Where an Ollama listens unless told otherwise."""

_ANY = str(IPv4Address(0))
"""What a server listens on to be reached by every address; a client cannot go there."""

Wire = Literal["openai", "anthropic"]


@value(frozen=True, slots=True)
class Server:
    """A provider by name.

    `default_model` is taken when nothing is configured but the key. `json_schema` says whether `response_format`
    takes a schema; `completion_cap` names the cap of the answer; `stream_usage` whether usage must be asked for when
    streaming; `echo_reasoning` whether the reasoning of a turn with tool calls must be handed back; `short_ids`
    whether tool call ids must be nine letters and digits; `seed_field` names the seed.
    """

    name: str
    base_url: str
    key_env: str | None = None
    default_model: str | None = None
    base_url_env: str | None = None
    wire: Wire = "openai"
    json_schema: bool = True
    completion_cap: str = "max_tokens"
    stream_usage: bool = True
    echo_reasoning: bool = False
    short_ids: bool = False
    seed_field: str = "seed"


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server(
            "openai",
            "https://api.openai.com/v1",
            "OPENAI_API_KEY",
            "gpt-5-mini",
            base_url_env="OPENAI_BASE_URL",
            completion_cap="max_completion_tokens",
        ),
        Server(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
            "claude-sonnet-5-5",
            base_url_env="ANTHROPIC_BASE_URL",
            wire="anthropic",
        ),
        Server(
            "gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "gemini-3.5-flash"
        ),
        Server(
            "mistral",
            "https://api.mistral.ai/v1",
            "MISTRAL_API_KEY",
            "mistral-medium-latest",
            stream_usage=False,
            short_ids=True,
            seed_field="random_seed",
        ),
        Server(
            "deepseek",
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
            "deepseek-chat",
            json_schema=False,
            echo_reasoning=True,
        ),
        Server("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "openai/gpt-oss-120b"),
        Server("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openai/gpt-5-mini"),
        Server("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "openai/gpt-oss-120b"),
        Server("xai", "https://api.x.ai/v1", "XAI_API_KEY", "grok-4.5"),
        Server("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "gpt-oss-120b"),
        Server("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        Server("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        Server("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
        Server("ollama", f"{OLLAMA}/v1", base_url_env="OLLAMA_HOST"),
        Server("llamacpp", "http://localhost:8080/v1"),
        Server("vllm", "http://localhost:8000/v1"),
        Server("lmstudio", "http://localhost:1234/v1"),
    )
}
"""By name, in the order in which their keys are looked for when no model is configured."""


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are the same scheme, host and port: a key for one may go to the other."""
    first = origin(one)
    return first is not None and first == origin(other)


@lru_cache(maxsize=256)
def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an http(s) address; None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    if usual is None or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, usual if port is None else port


def address_from(server: Server, get: Callable[[str], str | None]) -> str | None:
    """The base_url that the environment sets for a server, or None. `get` reads a variable."""
    value = get(server.base_url_env) if server.base_url_env else None
    if not value:
        return None
    return f"{ollama_address(value)}/v1" if server.name == "ollama" else value


def ollama_address(host: str | None) -> str:
    """Where Ollama listens by its own variable OLLAMA_HOST: a URL as it is, `host` (port 11434) or `host:port`.

    0.0.0.0, which is every address of this machine, is reached as localhost.
    """
    scheme, found, rest = (host or OLLAMA).rstrip("/").rpartition("://")
    name, colon, port = rest.partition(":")
    if name == _ANY:
        rest = f"localhost{colon}{port}"
    if found:
        return f"{scheme}://{rest}"
    return f"http://{rest}" if ":" in rest.rpartition("]")[2] else f"http://{rest}:11434"
