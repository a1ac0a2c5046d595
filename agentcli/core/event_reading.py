"""Events' bodies by their types, and back from JSON to the class."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, lru_cache
from typing import Any, ClassVar

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
from agentcli.core.outlines import StepOutline
from agentcli.core.row_bodies import RowCompleted, RowsRead, RowStarted
from agentcli.core.step_bodies import (
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
)
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
    | CodeStarted
    | CodeAsked
    | CodeCompleted
    | ClockRead
    | RandomDrawn
    | InputRead
    | LimitReached
    | Warned
    | StepStarted
    | StepCompleted
    | StepSkipped
    | StepRetried
    | StepFailed
    | StepCancelled
    | RowsRead
    | RowStarted
    | RowCompleted
)

BODIES: dict[str, type[Body]] = {body.type: body for body in AnyBody.__args__}


_READERS: dict[tuple[str, str], Any] = {
    ("run.started", "steps"): lambda v: tuple(StepOutline.from_json(step) for step in v),
    ("model.started", "request"): lambda v: RequestDelta(v["previous"], v["kept"], tuple(v["added"]), v["head"]),
    ("model.completed", "message"): Message.from_json,
    ("model.completed", "usage"): Usage.from_json,
    ("model.completed", "deltas"): tuple,
    ("run.completed", "usage"): Usage.from_json,
    ("run.completed", "error"): lambda v: None if v is None else ErrorInfo.from_json(v),
    ("model.failed", "error"): ErrorInfo.from_json,
    ("step.failed", "error"): ErrorInfo.from_json,
    ("step.retried", "error"): ErrorInfo.from_json,
    ("row.completed", "usage"): Usage.from_json,
    ("row.completed", "error"): lambda v: None if v is None else ErrorInfo.from_json(v),
    ("code.completed", "error"): lambda v: None if v is None else ErrorInfo.from_json(v),
    ("code.completed", "changed"): tuple,
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
    known, readers = _fields_of(kind)
    given = value if value.keys() <= known else {name: value[name] for name in known & value.keys()}
    if readers:
        given = given | {name: reader(given[name]) for name, reader in readers if name in given}
    return cls(**given)


@cache
def _fields_of(kind: str) -> tuple[frozenset[str], tuple[tuple[str, Any], ...]]:
    """The fields of a body; and what reads those for which plain JSON will not do."""
    names = [item.name for item in fields(BODIES[kind])]
    return frozenset(names), tuple((name, _READERS[kind, name]) for name in names if (kind, name) in _READERS)
