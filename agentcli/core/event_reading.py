"""Events' bodies by their types, and back from JSON to the class."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, lru_cache
from typing import Any, ClassVar

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
from agentcli.core.flags import Flag
from agentcli.core.messages import Message
from agentcli.core.model_bodies import (
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
)
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.tools import FileTouch
from agentcli.errors import ErrorInfo

AnyBody = (
    RunStarted
    | RunCompleted
    | RunResumed
    | RunForked
    | TurnStarted
    | ModelStarted
    | ModelDelta
    | ModelRetried
    | ModelFallback
    | ModelCompleted
    | ModelFailed
    | ToolStarted
    | ToolCompleted
    | ApprovalRequested
    | ApprovalResolved
    | ClockRead
    | RandomDrawn
    | InputRead
    | LimitReached
    | Warned
)

BODIES: dict[str, type[Body]] = {body.type: body for body in AnyBody.__args__}


_READERS: dict[tuple[str, str], Any] = {
    ("model.started", "request"): lambda v: RequestDelta(v["previous"], v["kept"], tuple(v["added"]), v["head"]),
    ("model.completed", "message"): Message.from_json,
    ("model.completed", "usage"): Usage.from_json,
    ("model.completed", "deltas"): tuple,
    ("run.completed", "usage"): Usage.from_json,
    ("run.completed", "error"): lambda v: None if v is None else ErrorInfo.from_json(v),
    ("model.failed", "error"): ErrorInfo.from_json,
    ("tool.completed", "files"): lambda v: tuple(FileTouch.from_json(touch) for touch in v),
    ("tool.completed", "flags"): lambda v: tuple(Flag.from_json(flag) for flag in v),
    ("tool.completed", "artifacts"): tuple,
}


@lru_cache(maxsize=64)
def _unknown(kind: str) -> type[UnknownBody]:
    class Newer(UnknownBody):
        __slots__ = ()
        type: ClassVar[str] = kind

    return Newer


def read_body(kind: str, value: dict[str, Any]) -> Body:
    """The body that `to_json` wrote, as its class. Unknown fields of a newer minor version are ignored."""
    cls = BODIES.get(kind)
    if cls is None:
        return _unknown(kind)(value)
    readers = _readers(kind)
    out = {}
    for name, item in value.items():
        if name in readers:
            reader = readers[name]
            out[name] = reader(item) if reader else item
    return cls(**out)


@cache
def _readers(kind: str) -> dict[str, Any]:
    """The fields of a body, each with what reads it, where plain JSON will not do."""
    return {item.name: _READERS.get((kind, item.name)) for item in fields(BODIES[kind])}
