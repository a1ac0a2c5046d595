"""The bodies of what happens with a model: it is asked, it answers, or it does not."""

from __future__ import annotations

from typing import Any, ClassVar

from agentcli.core.event_bodies import Body
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.values import value
from agentcli.errors import ErrorInfo


@value(frozen=True, slots=True)
class ModelStarted(Body):
    """A request is about to go to a model. `model` is the first of the chain, without its provider."""

    type: ClassVar[str] = "model.started"
    provider: str
    model: str
    request: RequestDelta


@value(frozen=True, slots=True)
class ModelDelta(Body):
    """A piece of streamed text. Only live: never in the journal; `index` counts from 0 within its request."""

    type: ClassVar[str] = "model.delta"
    text: str
    index: int


@value(frozen=True, slots=True)
class ModelRetried(Body):
    """An attempt failed and the same model is asked again after `wait_s` seconds."""

    type: ClassVar[str] = "model.retried"
    cause: str
    wait_s: float


@value(frozen=True, slots=True)
class ModelFallback(Body):
    """A model of the chain was given up and `model` is tried next."""

    type: ClassVar[str] = "model.fallback"
    cause: str
    wait_s: float
    model: str


@value(frozen=True, slots=True)
class ModelCompleted(Body):
    """The answer. `model` is the `provider:model` that gave it.

    `deltas` says how it came where it was streamed: pairs of characters and of milliseconds since the piece before (the
    request, for the first), in order. They cut `message.content` into the pieces that were shown.
    """

    type: ClassVar[str] = "model.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("message",)
    message: Message
    usage: Usage
    finish_reason: str
    model: str
    duration_s: float
    cost_usd: float | None
    attempts: int
    deltas: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; `deltas` only where there are any."""
        out = Body.to_json(self)
        del out["deltas"]
        if self.deltas:
            out["deltas"] = list(self.deltas)
        return out


@value(frozen=True, slots=True)
class ModelFailed(Body):
    """No model of the chain could answer."""

    type: ClassVar[str] = "model.failed"
    error: ErrorInfo
    exit_code: int
