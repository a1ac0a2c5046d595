"""The events of a run: what the journal keeps and what `--json` prints.

An `Event` is an envelope and a body; the body's class gives the type. An event that is part of an effect carries
the effect's key (lane, kind, name, ordinal) and the digest of its request or of its result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from agentcli.core.canonical import Digest
from agentcli.core.messages import Message
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus
from agentcli.core.tools import ToolStatus
from agentcli.errors import ErrorInfo

SCHEMA = 1
"""Version of the events' format; raised when a reader of the old one would misread the new one."""

EffectKind = Literal["model", "tool", "clock", "random", "approval", "input"]


class Body:
    """Base of the bodies: `type` is the event's type, `LARGE` names the fields that a store keeps by content."""

    __slots__ = ()
    type: ClassVar[str]
    LARGE: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The event's own fields."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    return value.to_json() if hasattr(value, "to_json") else value


@dataclass(frozen=True, slots=True)
class RunStarted(Body):
    """The first event of a run."""

    type: ClassVar[str] = "run.started"
    LARGE: ClassVar[tuple[str, ...]] = ("task", "inputs")
    kind: str
    name: str
    model: str | None
    task: str
    inputs: dict[str, Any]
    manifest: Digest


@dataclass(frozen=True, slots=True)
class RunCompleted(Body):
    """The last event of a run, always; also when it failed."""

    type: ClassVar[str] = "run.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("output",)
    status: RunStatus
    output: Any
    error: ErrorInfo | None
    usage: Usage
    cost_usd: float | None
    duration_s: float
    turns: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class TurnStarted(Body):
    """A turn: one model request and the tool calls it causes."""

    type: ClassVar[str] = "turn.started"


@dataclass(frozen=True, slots=True)
class RequestDelta:
    """A request as what it adds: `kept` messages of the request at seq `previous`, then `added`, under `head`."""

    previous: int | None
    kept: int
    added: tuple[Digest, ...]
    head: Digest

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"previous": self.previous, "kept": self.kept, "added": list(self.added), "head": self.head}


@dataclass(frozen=True, slots=True)
class ModelStarted(Body):
    """A request is about to go to a model. `model` is the first of the chain, without its provider."""

    type: ClassVar[str] = "model.started"
    provider: str
    model: str
    request: RequestDelta


@dataclass(frozen=True, slots=True)
class ModelDelta(Body):
    """A piece of streamed text. Only live: never in the journal; `index` counts from 0 within its request."""

    type: ClassVar[str] = "model.delta"
    text: str
    index: int


@dataclass(frozen=True, slots=True)
class ModelRetried(Body):
    """An attempt failed and the same model is asked again after `wait_s` seconds."""

    type: ClassVar[str] = "model.retried"
    cause: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class ModelFallback(Body):
    """A model of the chain was given up and `model` is tried next."""

    type: ClassVar[str] = "model.fallback"
    cause: str
    wait_s: float
    model: str


@dataclass(frozen=True, slots=True)
class ModelCompleted(Body):
    """The answer. `model` is the `provider:model` that gave it."""

    type: ClassVar[str] = "model.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("message",)
    message: Message
    usage: Usage
    finish_reason: str
    model: str
    duration_s: float
    cost_usd: float | None
    attempts: int


@dataclass(frozen=True, slots=True)
class ModelFailed(Body):
    """No model of the chain could answer."""

    type: ClassVar[str] = "model.failed"
    error: ErrorInfo
    exit_code: int


@dataclass(frozen=True, slots=True)
class ToolStarted(Body):
    """A tool is about to be called with these arguments, checked and allowed."""

    type: ClassVar[str] = "tool.started"
    LARGE: ClassVar[tuple[str, ...]] = ("arguments",)
    tool: str
    call_id: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FileTouch:
    """A file that a call read or changed, by the digests of its content (None: there was none).

    `masked` says that the content holds a secret: then the digests are keyed ones and no snapshot is kept.
    """

    path: str
    before: Digest | None
    after: Digest | None
    changed: bool
    masked: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class ToolCompleted(Body):
    """What a call gave back: `result` is the text that the model reads, `data` the same as JSON where it says more."""

    type: ClassVar[str] = "tool.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("result", "data")
    tool: str
    call_id: str
    status: ToolStatus
    result: str
    data: Any
    duration_s: float
    files: tuple[FileTouch, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; `files` as a list of objects."""
        out = {item.name: getattr(self, item.name) for item in fields(self)}
        out["files"] = [touch.to_json() for touch in self.files]
        return out


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Body):
    """Somebody is asked whether a call may go on. `rule` is the pattern that asks, or the tool's default."""

    type: ClassVar[str] = "approval.requested"
    LARGE: ClassVar[tuple[str, ...]] = ("arguments",)
    tool: str
    call_id: str
    arguments: dict[str, Any]
    rule: str


@dataclass(frozen=True, slots=True)
class ApprovalResolved(Body):
    """The answer to an ask. `by` is `user`, `flag` (--yes, --allow) or `nobody`; `reason` is the user's own words."""

    type: ClassVar[str] = "approval.resolved"
    tool: str
    call_id: str
    decision: Literal["once", "always", "no"]
    by: Literal["user", "flag", "nobody"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClockRead(Body):
    """`now()` was read: Unix seconds."""

    type: ClassVar[str] = "clock.read"
    value: float


@dataclass(frozen=True, slots=True)
class RandomDrawn(Body):
    """Random bits were drawn."""

    type: ClassVar[str] = "random.drawn"
    value: int


@dataclass(frozen=True, slots=True)
class InputRead(Body):
    """The engine read something from outside that is no tool's: a file of rows, an `@file`, standard input."""

    type: ClassVar[str] = "input.read"
    LARGE: ClassVar[tuple[str, ...]] = ("value",)
    source: str
    value: Any


@dataclass(frozen=True, slots=True)
class LimitReached(Body):
    """A limit stops the run: `used` against `allowed`."""

    type: ClassVar[str] = "limit.reached"
    limit: str
    used: float
    allowed: float


@dataclass(frozen=True, slots=True)
class Warned(Body):
    """Something that the user should know and that stops nothing."""

    type: ClassVar[str] = "warning"
    code: str
    what: str
    fix: str


AnyBody = (
    RunStarted
    | RunCompleted
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


@dataclass(frozen=True, slots=True)
class EffectKey:
    """Where an effect stands: the `ordinal`-th effect of that kind and name in its lane. Never holds the model."""

    lane: str
    kind: EffectKind
    name: str
    ordinal: int


@dataclass(frozen=True, slots=True)
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


_READERS: dict[tuple[str, str], Any] = {
    ("model.started", "request"): lambda v: RequestDelta(v["previous"], v["kept"], tuple(v["added"]), v["head"]),
    ("model.completed", "message"): Message.from_json,
    ("model.completed", "usage"): Usage.from_json,
    ("run.completed", "usage"): Usage.from_json,
    ("run.completed", "error"): lambda v: None if v is None else ErrorInfo.from_json(v),
    ("model.failed", "error"): ErrorInfo.from_json,
    ("tool.completed", "files"): lambda v: tuple(FileTouch(**touch) for touch in v),
}


@dataclass(frozen=True, slots=True)
class UnknownBody(Body):
    """An event of a type that this version does not know: kept and shown as it is."""

    type: ClassVar[str] = "unknown"
    fields: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields as they were recorded."""
        return self.fields


def read_body(kind: str, value: dict[str, Any]) -> Body:
    """The body that `to_json` wrote, as its class. Unknown fields of a newer minor version are ignored."""
    cls = BODIES.get(kind)
    if cls is None:
        return UnknownBody(value)
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
    out = {}
    for name, item in value.items():
        if name in known:
            reader = _READERS.get((kind, name))
            out[name] = reader(item) if reader else item
    return cls(**out)
