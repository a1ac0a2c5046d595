"""The steps of a run as the page shows them: requests, calls, and what happened between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    ModelStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepSkipped,
    StepStarted,
    ToolCompleted,
    ToolStarted,
    Warned,
)
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import Usage
from agentcli.core.quantities import count, duration, money
from agentcli.core.values import value
from agentcli.errors import ErrorInfo
from agentcli.workbench.exports.html_diff import ChangedFile, changed_file, previewed
from agentcli.workbench.exports.html_notes import remark
from agentcli.workbench.exports.record import RunRecord
from agentcli.workbench.exports.story import Operation, conversation_of, story

MOST_TEXT: Final = 100_000
"""Characters of one text; the whole stands in the other formats."""

Kind = Literal["model", "tool", "note"]


@value(frozen=True, slots=True)
class Text:
    """A text, cut to `MOST_TEXT`; `more` says how many characters were left out."""

    shown: str = ""
    more: int = 0

    @classmethod
    def of(cls, text: str) -> Text:
        """The text as it is shown."""
        return cls(text[:MOST_TEXT], max(len(text) - MOST_TEXT, 0))

    @property
    def lines(self) -> int:
        """How many lines are shown."""
        return self.shown.count("\n") + 1


@value(frozen=True, slots=True)
class Said:
    """A message that a request brought. `anchor` is the step whose result it repeats."""

    role: str
    text: Text
    anchor: str | None = None


@dataclass(slots=True)
class Asked:
    """A call that an answer asks for. `anchor` is the step that carried it out."""

    name: str
    arguments: str
    anchor: str | None = None


@value(frozen=True, slots=True)
class Value:
    """A named value, as it is shown."""

    name: str
    text: Text


@dataclass(slots=True)
class Step:
    """One card of the page. What does not apply is empty. `state` is ok, error, denied, timeout, warning or open.

    `part` is the step of the workflow that it belongs to.
    """

    anchor: str
    seq: int
    kind: Kind
    title: str
    state: str
    turn: int | None = None
    lane: str = ""
    part: str = ""
    tool: str = ""
    time: float = 0.0
    figures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    reasoning: Text | None = None
    text: Text | None = None
    asks: list[Asked] = field(default_factory=list)
    arguments: list[Value] = field(default_factory=list)
    result: Text | None = None
    data: Text | None = None
    files: list[ChangedFile] = field(default_factory=list)
    error: ErrorInfo | None = None


def steps_of(record: RunRecord) -> list[Step]:
    """The steps, in the order in which they began."""
    return list(_Steps(record).all())


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2)


@dataclass(slots=True)
class _Steps:
    record: RunRecord
    _asked: dict[tuple[str, str], Asked] = field(default_factory=dict)
    """The newest call of each id, by the conversation that it was asked for in."""

    def all(self) -> Iterator[Step]:
        for item in story(self.record.events):
            if isinstance(item, Event):
                yield _note(item)
            elif item.is_step:
                yield _step(item)
            elif isinstance(item.started.body, ModelStarted | ModelCompleted | ModelFailed):
                yield self._model(item)
            else:
                yield self._tool(item)

    def _model(self, operation: Operation) -> Step:
        started, ended = operation.started.body, operation.ended.body if operation.ended else None
        step = _new(operation.started, "model", getattr(started, "model", "model"))
        step.remarks = [remark(event) for event in operation.notes]
        if isinstance(started, ModelStarted):
            step.said = list(self._said(started, conversation_of(operation.started.lane)))
        if isinstance(ended, ModelCompleted):
            _answered(step, ended)
            calls = {call.id: Asked(call.name, _inline(call)) for call in ended.message.tool_calls}
            step.asks = list(calls.values())
            held = conversation_of(operation.started.lane)
            self._asked.update({(held, call_id): asked for call_id, asked in calls.items()})
        elif isinstance(ended, ModelFailed):
            step.state, step.error = "error", ended.error
        return step

    def _said(self, started: ModelStarted, held: str) -> Iterator[Said]:
        """The answers of before stand in their own steps already; a result is shown where its call is."""
        for _, message in self.record.added(started):
            call = self._asked.get((held, message.tool_call_id or "")) if message.role == "tool" else None
            anchor = call.anchor if call else None
            if started.request.previous is None or message.role != "assistant":
                yield Said(message.role, Text() if anchor else Text.of(_words(message)), anchor)

    def _tool(self, operation: Operation) -> Step:
        started, ended = operation.started.body, operation.ended.body if operation.ended else None
        step = _new(operation.started, "tool", getattr(started, "tool", "tool"))
        step.tool = step.title
        held = conversation_of(operation.started.lane)
        if (asked := self._asked.get((held, getattr(started, "call_id", "")))) is not None:
            asked.anchor = step.anchor
        step.remarks = [remark(event) for event in operation.notes]
        if isinstance(started, ToolStarted):
            step.arguments = [Value(name, Text.of(_plain(value))) for name, value in started.arguments.items()]
        if isinstance(ended, ToolCompleted):
            step.state, step.figures = ended.status, [duration(ended.duration_s)]
            step.remarks += [f"Reads like instructions ({flag.kind}): {flag.excerpt}" for flag in ended.flags]
            step.result = Text.of(ended.result)
            step.data = None if ended.data is None else Text.of(pretty(ended.data))
            step.files = [changed_file(self.record, touch) for touch in ended.files]
        step.files = [*_previews(operation.notes, folded=bool(step.files)), *step.files]
        return step


def _new(event: Event, kind: Kind, title: str) -> Step:
    place = (event.turn, event.lane, event.step or "")
    return Step(f"e{event.seq}", event.seq, kind, title, "open", *place, time=event.time)


def _answered(step: Step, body: ModelCompleted) -> None:
    message = body.message
    step.state = "ok" if body.finish_reason in ("stop", "tool_calls") else "warning"
    step.figures = [duration(body.duration_s), _tokens(body.usage), *_rare(body)]
    step.reasoning = Text.of(message.reasoning) if message.reasoning else None
    step.text = Text.of(message.content) if message.content.strip() else None


def _rare(body: ModelCompleted) -> Iterator[str]:
    """What is only worth its place where it is not as always."""
    if body.cost_usd != 0:
        yield money(body.cost_usd)
    if body.attempts > 1:
        yield f"{body.attempts} attempts"
    if body.finish_reason not in ("stop", "tool_calls"):
        yield f"ended by {body.finish_reason}"


def _tokens(usage: Usage) -> str:
    cached = f", {usage.cached:,} cached" if usage.cached else ""
    return f"{usage.input:,} → {usage.output:,} tokens{cached}"


def _inline(call: ToolCall) -> str:
    if call.malformed is not None:
        return call.malformed[:MOST_TEXT]
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())[
        :MOST_TEXT
    ]


def _words(message: Message) -> str:
    calls = "".join(f"\n→ {call.name}({_inline(call)})" for call in message.tool_calls)
    return (message.content + calls).lstrip("\n")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)


# -- the steps of a workflow -----------------------------------------------------------------------------------------


def _step(operation: Operation) -> Step:
    """A step, or one item of it, with how it came out; what was done in it has cards of its own."""
    first, ended = operation.started, operation.ended.body if operation.ended else None
    last = first.lane.rpartition("/")[2]
    item = f", {last.replace('.', ' ')}" if last.startswith("item.") else ""
    step = _new(first, "note", f"Step {first.step}{item}")
    if isinstance(first.body, StepStarted):
        step.figures = [first.body.action, *([count(first.body.items, "item")] if first.body.items is not None else [])]
    step.figures.append(duration(operation.duration_s))
    step.remarks = [remark(event) for event in operation.notes]
    if isinstance(ended, StepCompleted):
        step.state, step.result = "ok", Text.of(_plain(ended.output))
    elif isinstance(ended, StepFailed):
        step.state, step.error = "error", ended.error
    elif isinstance(ended, StepCancelled):
        step.state, step.remarks = "warning", [*step.remarks, f"Cancelled: {ended.reason}"]
    return step


# -- what is neither a request nor a call ----------------------------------------------------------------------------

_STATES: Final = {LimitReached: "error", Warned: "warning", ApprovalRequested: "open", StepCancelled: "warning"}
_SAID: Final = (LimitReached, Warned, ApprovalResolved, StepSkipped, StepCancelled)
"""What its line says whole."""


def _note(event: Event) -> Step:
    step = _new(event, "note", remark(event))
    step.state = _STATES.get(type(event.body), "ok")
    fields = event.body.to_json()
    step.files = list(_previews([event], folded=False))
    if step.files:
        del fields["preview"]
    if not isinstance(event.body, _SAID) and fields:
        step.data = Text.of(pretty(fields))
    return step


def _previews(events: Iterable[Event], *, folded: bool) -> Iterator[ChangedFile]:
    for event in events:
        body = event.body
        if isinstance(body, ApprovalRequested) and body.preview is not None:
            yield previewed(body.tool, body.preview, folded=folded)
