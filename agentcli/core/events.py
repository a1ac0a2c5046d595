"""The events of a run: what the journal keeps and what `--json` prints.

An `Event` is an envelope and a body; the body's class gives the type. An event that is part of an effect carries
the effect's key (lane, kind, name, ordinal) and the digest of its request or of its result.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from agentcli.core.canonical import Digest
from agentcli.core.code_bodies import CodeAsked, CodeCompleted, CodeStarted
from agentcli.core.event_bodies import (
    ApprovalRequested,
    ApprovalResolved,
    Body,
    ClockRead,
    InputRead,
    LimitReached,
    RandomDrawn,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
    UnknownBody,
    Warned,
)
from agentcli.core.event_reading import BODIES, AnyBody, read_body
from agentcli.core.model_bodies import (
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
)
from agentcli.core.row_bodies import RowCompleted, RowsRead, RowStarted
from agentcli.core.step_bodies import (
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
)
from agentcli.core.values import value

__all__ = [
    "BODIES",
    "SCHEMA",
    "AnyBody",
    "ApprovalRequested",
    "ApprovalResolved",
    "Body",
    "ClockRead",
    "CodeAsked",
    "CodeCompleted",
    "CodeStarted",
    "EffectKey",
    "EffectKind",
    "Event",
    "InputRead",
    "LimitReached",
    "ModelCompleted",
    "ModelDelta",
    "ModelFailed",
    "ModelFallback",
    "ModelRetried",
    "ModelStarted",
    "RandomDrawn",
    "RowCompleted",
    "RowStarted",
    "RowsRead",
    "RunCompleted",
    "RunForked",
    "RunResumed",
    "RunStarted",
    "StepCancelled",
    "StepCompleted",
    "StepFailed",
    "StepRetried",
    "StepSkipped",
    "StepStarted",
    "ToolCompleted",
    "ToolStarted",
    "TurnStarted",
    "UnknownBody",
    "Warned",
    "read_body",
    "rfc3339",
]

SCHEMA = 1
"""Version of the events' format; raised when a reader of the old one would misread the new one."""

EffectKind = Literal["model", "tool", "clock", "random", "approval", "input", "run", "code"]


class EffectKey(NamedTuple):
    """Where an effect stands: the `ordinal`-th effect of that kind and name in its lane. Never holds the model."""

    lane: str
    kind: EffectKind
    name: str
    ordinal: int


@value(frozen=True, slots=True)
class Event:
    """One event. `time` is Unix seconds, `mono` seconds of a clock that never steps, both read at the door."""

    run: str
    seq: int
    time: float
    mono: float
    body: Body
    lane: str = ""
    parent: str | None = None
    turn: int | None = None
    step: str | None = None
    key: EffectKey | None = None
    request: Digest | None = None
    result: Digest | None = None

    def to_json(self) -> dict[str, Any]:
        """One line of `--json`: the envelope of the contract, then the body's own fields."""
        out: dict[str, Any] = {
            "schema": SCHEMA,
            "type": self.body.type,
            "run": self.run,
            "parent": self.parent,
            "lane": self.lane,
        }
        if self.step is not None:
            out["step"] = self.step
        if self.turn is not None:
            out["turn"] = self.turn
        out["seq"] = self.seq
        out["time"] = rfc3339(self.time)
        out.update(self.body.to_json())
        return out


def rfc3339(unix_seconds: float) -> str:
    """UTC with milliseconds, as RFC 3339 has it: `2026-11-21T08:15:32.041Z`."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
