"""The bodies of events: what happened, each a class of its own; the class gives the event's type."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from agentcli.core.canonical import Digest
from agentcli.core.flags import Flag
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus
from agentcli.core.tools import FileTouch, ToolStatus
from agentcli.errors import ErrorInfo


@dataclass(frozen=True, slots=True)
class Body:
    """Base of the bodies: `type` is the event's type, `LARGE` names the fields that a store keeps by content."""

    type: ClassVar[str]
    LARGE: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The event's own fields."""
        return {name: _plain(getattr(self, name)) for name in _names(type(self))}


_NAMES: dict[Any, tuple[str, ...]] = {}
"""The names of the own fields of each kind of body, once one was asked for: bodies are written in great number."""


def _names(kind: Any) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(item.name for item in fields(kind))
    return _NAMES[kind]


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
class RunResumed(Body):
    """The run goes on after it had stopped. `manifest` is the plan in force from here on, by content.

    It supersedes what ended the run before: a failure, a limit that was reached, a question that nobody answered. With
    `retries`, which stands there only where it is true, also the ends of the rows that were not completed.
    """

    type: ClassVar[str] = "run.resumed"
    LARGE: ClassVar[tuple[str, ...]] = ("changes",)
    manifest: Digest
    changes: dict[str, Any]
    retries: bool = False

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; `retries` only where it is true."""
        out = Body.to_json(self)
        if not self.retries:
            del out["retries"]
        return out


@dataclass(frozen=True, slots=True)
class RunForked(Body):
    """The events before this one are those of the run `origin` up to its event `cut`; from here on it is a run apart.

    `manifest` is the plan in force from here on, by content; `changes` what is not as it was: the plan's fields by
    name, the recorded results that were replaced (`results`, by seq), and where its files came from (`files`).
    """

    type: ClassVar[str] = "run.forked"
    LARGE: ClassVar[tuple[str, ...]] = ("changes",)
    origin: str
    cut: int
    manifest: Digest
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TurnStarted(Body):
    """A turn: one model request and the tool calls it causes."""

    type: ClassVar[str] = "turn.started"


@dataclass(frozen=True, slots=True)
class ToolStarted(Body):
    """A tool is about to be called with these arguments, checked and allowed."""

    type: ClassVar[str] = "tool.started"
    LARGE: ClassVar[tuple[str, ...]] = ("arguments",)
    tool: str
    call_id: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCompleted(Body):
    """What a call gave back: `result` is the text that the model reads, `data` the same as JSON where it says more.

    `how` tells what one call below the door took: `attempts` made, `waited_s` for a rate limit, `cached_s` of age.
    `flags` are the places of `result` that read as if they wanted to instruct the model. They change nothing of it.
    `unseen`, which stands there only where it is true: the call may have changed files that `files` does not tell of.
    """

    type: ClassVar[str] = "tool.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("result", "data")
    tool: str
    call_id: str
    status: ToolStatus
    result: str
    data: Any
    duration_s: float
    files: tuple[FileTouch, ...] = ()
    how: dict[str, float] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    unseen: bool = False

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; `files` as a list of objects, `how` and `flags` only where there are any."""
        out = {item.name: getattr(self, item.name) for item in fields(self)}
        out["files"] = [touch.to_json() for touch in self.files]
        out["flags"] = [flag.to_json() for flag in self.flags]
        for name in ("how", "flags", "unseen"):  # left out, so that digests of old results stay the same
            if not out[name]:
                del out[name]
        return out


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Body):
    """Somebody is asked whether a call may go on. `rule` is the pattern that asks, or the tool's default.

    `preview` is what they are shown of what the call would change, where the tool can say so.
    """

    type: ClassVar[str] = "approval.requested"
    LARGE: ClassVar[tuple[str, ...]] = ("arguments", "preview")
    tool: str
    call_id: str
    arguments: dict[str, Any]
    rule: str
    preview: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; `preview` only where there is one."""
        out = Body.to_json(self)
        if self.preview is None:
            del out["preview"]
        return out


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
    """The engine read something from outside that is no tool's: a file of rows, an `@file`, standard input.

    Or a person's answer to a question: then `source` is the tool that asked.
    """

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


@dataclass(frozen=True, slots=True)
class UnknownBody(Body):
    """An event of a type that this version does not know: kept and shown as it is, each type a class of its own."""

    fields: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields as they were recorded."""
        return self.fields
