"""What is asked of a model and what it answers, in no provider's format."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from agentcli.core.canonical import Digest, chain, digest
from agentcli.core.messages import ConversationView, Message
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@value(frozen=True, slots=True)
class Usage:
    """Tokens. `cached` is the part of `input` read from the provider's cache, `reasoning` the part of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Input and output together: what `limits.tokens` counts."""
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's `usage` object."""
        return {"input": self.input, "output": self.output, "cached": self.cached, "reasoning": self.reasoning}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Usage:
        """Read back what `to_json` wrote; missing counts are 0."""
        get = value.get
        return cls(get("input", 0), get("output", 0), get("cached", 0), get("reasoning", 0))


@value(frozen=True, slots=True)
class ModelSettings:
    """How to ask. None means the provider's default. `timeout` is seconds for one attempt, 1..300."""

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = None
    timeout: float = 60.0
    stream: bool = True

    def to_json(self) -> dict[str, Any]:
        """What shapes the answer. `timeout` and `stream` do not, so they are no part of a request's digest."""
        out: dict[str, Any] = {}
        for name in ("temperature", "top_p", "max_output_tokens", "seed", "reasoning_effort"):
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        if self.stop:
            out["stop"] = list(self.stop)
        return out


@value(frozen=True, slots=True)
class RequestHead:
    """The part of a request that stays the same from turn to turn. Its digest is computed once."""

    models: tuple[str, ...]
    """`provider:model`, in the order in which they are tried."""
    tools: tuple[ToolSpec, ...] = ()
    settings: ModelSettings = field(default_factory=ModelSettings)
    output_schema: dict[str, Any] | None = None
    digest: Digest = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """The canonical form that `digest` is taken over."""
        return {
            "models": list(self.models),
            "tools": [tool.to_json() for tool in self.tools],
            "settings": self.settings.to_json(),
            "output_schema": self.output_schema,
        }


@value(frozen=True, slots=True)
class ModelRequest:
    """One logical request: the head, and the conversation so far."""

    head: RequestHead
    conversation: ConversationView

    @property
    def digest(self) -> Digest:
        """Stands for the head and every message."""
        return chain(self.head.digest, self.conversation.digest)

    def to_json(self) -> dict[str, Any]:
        """The whole request, for people and for the report of a divergence; nothing hashes this."""
        messages = [message.to_json() for message in self.conversation.messages]
        return {**self.head.to_json(), "messages": messages}


@value(frozen=True, slots=True)
class RequestDelta:
    """A request as what it adds: `kept` messages of the request at seq `previous`, then `added`, under `head`."""

    previous: int | None
    kept: int
    added: tuple[Digest, ...]
    head: Digest

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"previous": self.previous, "kept": self.kept, "added": list(self.added), "head": self.head}


@value(frozen=True, slots=True)
class ModelReply:
    """The answer to one logical request.

    `model` is the `provider:model` that answered, `attempts` how many requests went out until then (1 when the first
    succeeded). `cost_usd` is None where the price is not known, 0.0 where the model costs nothing. `duration_s` is
    the whole wait, retries included.
    """

    message: Message
    usage: Usage
    finish_reason: FinishReason
    model: str
    cost_usd: float | None
    duration_s: float
    attempts: int = 1

    def to_json(self) -> dict[str, Any]:
        """The recorded result of a model call."""
        return {
            "message": self.message.to_json(),
            "usage": self.usage.to_json(),
            "finish_reason": self.finish_reason,
            "model": self.model,
            "cost_usd": self.cost_usd,
            "duration_s": self.duration_s,
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ModelReply:
        """Read back what `to_json` wrote."""
        return cls(
            message=Message.from_json(value["message"]),
            usage=Usage.from_json(value["usage"]),
            finish_reason=value["finish_reason"],
            model=value["model"],
            cost_usd=value["cost_usd"],
            duration_s=value["duration_s"],
            attempts=value.get("attempts", 1),
        )
