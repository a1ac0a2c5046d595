"""Asking a model in tests: requests made short, an observer that remembers, providers that wait for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentcli.core.messages import Conversation, Message
from agentcli.core.models import ModelRequest, ModelSettings, RequestHead
from agentcli.core.tools import ToolSpec
from agentcli.providers.registry import ProviderConfig, Providers
from agentcli.providers.remote import Surroundings
from agentcli.providers.retry import RetryPolicy

READ_LINES = ToolSpec(
    "read_lines",
    "Read lines of a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "read-only",
)


@dataclass
class Heard:
    """A ModelObserver that keeps what it is told."""

    deltas: list[str] = field(default_factory=list)
    retries: list[tuple[str, float]] = field(default_factory=list)
    falls: list[tuple[str, str]] = field(default_factory=list)

    def delta(self, text: str) -> None:
        self.deltas.append(text)

    def retried(self, cause: str, wait_s: float) -> None:
        self.retries.append((cause, wait_s))
        self.deltas.clear()

    def fell_back(self, model: str, cause: str) -> None:
        self.falls.append((model, cause))
        self.deltas.clear()

    @property
    def text(self) -> str:
        return "".join(self.deltas)


@dataclass
class NoWaiting:
    """Stands for `asyncio.sleep`, and remembers the waits."""

    waits: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def conversation(*messages: Message | str) -> Conversation:
    """Strings are the user's."""
    return Conversation(Message("user", item) if isinstance(item, str) else item for item in messages)


def request(
    *messages: Message | str, tools: tuple[ToolSpec, ...] = (), schema: dict[str, Any] | None = None, **settings: Any
) -> ModelRequest:
    """A request; `settings` are those of ModelSettings."""
    head = RequestHead(("fake:m",), tools, ModelSettings(**settings), schema)
    return ModelRequest(head, conversation(*(messages or ("hi",))).view())


def patient(sleep: NoWaiting | None = None, **policy: Any) -> Surroundings:
    """Surroundings whose retries wait for nothing and are not random."""
    return Surroundings(retry=RetryPolicy(sleep=sleep or NoWaiting(), draw=lambda: 1.0, **policy), now=lambda: 0.0)


def providers(
    base_urls: Mapping[str, str] | None = None, base_dir: Path = Path(), around: Surroundings | None = None
) -> Providers:
    """Providers by name and base_url, with the key `k-NAME`."""
    config = {
        name: ProviderConfig(base_url=url, api_key=f"k-{name}", key_env=f"{name.upper()}_API_KEY")
        for name, url in (base_urls or {}).items()
    }
    return Providers(config, base_dir / "models", base_dir, around=around or patient())
