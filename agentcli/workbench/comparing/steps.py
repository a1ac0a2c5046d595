"""What happened in a run, as steps: one for each request to a model, each tool call, and whatever else is on record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agentcli.core.canonical import Digest, Json
from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    ClockRead,
    CodeStarted,
    Event,
    InputRead,
    LimitReached,
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RandomDrawn,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepSkipped,
    StepStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)
from agentcli.workbench.comparing.differences import encoded

_UNCOUNTED = (
    TurnStarted,
    RunStarted,
    RunCompleted,
    CodeStarted,
    ModelDelta,
    ModelRetried,
    ModelFallback,
    ClockRead,
    StepStarted,
)
"""Events that are no step: where a run begins and ends, and what happens anew each time."""

_VOLATILE = frozenset({"call_id", "duration_s", "wait_s", "time", "manifest", "printed", "trace"})
"""Fields that are other ones in every run."""

_NUMBERED = re.compile(r"(?:turn|call|ask)\.\d+|repair")
_PARTS = re.compile(r"(\d+)")


@dataclass(slots=True)
class Step:
    """One step. `parts` are what may differ, by name, in the order in which they came about.

    `seq` is that of its last event, `asked` that of the request to a model, `request` the request's digest.
    `thread` is the lane without its numbers: steps of one thread follow each other. `touched` are the files that a call
    read or changed, `model` is the first of the chain that was asked.
    """

    kind: str
    name: str
    lane: str
    turn: int | None
    seq: int
    thread: str = ""
    asked: int | None = None
    request: Digest | None = None
    parts: dict[str, Json] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()
    model: str = ""

    def key(self, *parts: str) -> str:
        """Stands for the step by its kind, its name and some of its parts."""
        return encoded([self.kind, self.name, [self.parts.get(part) for part in parts]])

    @property
    def shape(self) -> str:
        """Stands for what kind of step it is: for an answer, which tools it asks for."""
        calls = [call["name"] for call in self.parts.get("calls", ())]
        return encoded([self.kind, self.name, self.parts.get("outcome"), calls])

    @property
    def content(self) -> str:
        """Stands for everything in the step that may differ."""
        return encoded([self.kind, self.name, self.parts])

    def to_json(self) -> dict[str, Any]:
        """Where it stands."""
        return {"seq": self.seq, "lane": self.lane, "turn": self.turn}


_Key: TypeAlias = tuple[object, ...]


def steps_of(events: Iterable[Event]) -> list[Step]:
    """The steps of a run, in the order of its turns and of the calls in each; parallel calls as they were asked for."""
    collected = _Collected()
    for event in events:
        collected.take(event)
    return collected.in_order()


def by_thread(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """The steps of each thread, in their order."""
    threads: dict[str, list[Step]] = {}
    for step in steps:
        threads.setdefault(step.thread, []).append(step)
    return threads


class _Collected:
    """Steps by their place. What is done again after a resumption takes the place of what it supersedes."""

    def __init__(self) -> None:
        self._steps: dict[_Key, Step] = {}
        self._turns: dict[tuple[str, int], int] = {}

    def take(self, event: Event) -> None:
        if event.turn is not None:
            self._turns.setdefault((_thread(event.lane), event.turn), event.seq)
        body = event.body
        if isinstance(body, RunResumed | RunForked):
            self._supersede()
        elif isinstance(body, ModelStarted):
            step = self._model(event)
            step.asked, step.request, step.parts = event.seq, event.request, {"outcome": "not finished"}
            step.model = f"{body.provider}:{body.model}"
        elif isinstance(body, ModelCompleted | ModelFailed) or (event.key and event.key.kind == "model"):
            step = self._model(event)
            step.parts = _answer(body, step.model)
        elif isinstance(body, ApprovalRequested | ApprovalResolved | ToolStarted | ToolCompleted):
            self._take_call(event, body)
        elif event.key and event.key.kind == "tool":
            self._call(event, event.key.name).parts["status"] = _plain(body)
        elif isinstance(body, StepCompleted):  # what it came to is told by what was done in it
            self._steps.pop(("step", event.lane), None)
        elif isinstance(body, StepFailed | StepSkipped | StepCancelled):
            self._step(("step", event.lane), "event", body.type, event).parts = {"event": _plain(body)}
        elif not isinstance(body, _UNCOUNTED):
            self._other(event)

    def _model(self, event: Event) -> Step:
        return self._step(("model", event.lane, event.key.ordinal if event.key else 0), "model", "model", event)

    def _call(self, event: Event, tool: str) -> Step:
        return self._step(("tool", event.lane, tool), "tool", tool, event)

    def _step(self, key: _Key, kind: str, name: str, event: Event) -> Step:
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = Step(kind, name, event.lane, event.turn, event.seq, _thread(event.lane))
        step.seq = event.seq
        return step

    def _take_call(
        self, event: Event, body: ApprovalRequested | ApprovalResolved | ToolStarted | ToolCompleted
    ) -> None:
        step = self._call(event, body.tool)
        if isinstance(body, ApprovalRequested):
            step.parts = {"arguments": body.arguments, "approval": {"rule": body.rule}, "status": "not begun"}
        elif isinstance(body, ApprovalResolved):
            asked = step.parts.get("approval", {})
            step.parts["approval"] = {**asked, "decision": body.decision, "by": body.by, "reason": body.reason}
        elif isinstance(body, ToolStarted):
            approval = {name: value for name, value in step.parts.items() if name == "approval"}
            step.parts = {"arguments": body.arguments, **approval, "status": "not finished"}
        else:
            result = {"status": body.status, "result": body.result, "data": body.data}
            files = {
                touch.path: {"after": touch.after, "masked": touch.masked} for touch in body.files if touch.changed
            }
            step.parts.update({**result, "files": files})
            step.touched = frozenset(touch.path for touch in body.files)

    def _other(self, event: Event) -> None:
        body = event.body
        kind = event.key.kind if event.key else "event"
        ordinal = event.key.ordinal if event.key else event.seq
        name = body.source if isinstance(body, InputRead) else body.type
        step = self._step((kind, event.lane, name, ordinal), kind, name, event)
        step.parts = {"value": body.value} if isinstance(body, InputRead | RandomDrawn) else {"event": _plain(body)}

    def _supersede(self) -> None:
        """The run went on: what had stopped it is no step of it."""
        self._steps = {key: step for key, step in self._steps.items() if step.name != LimitReached.type}

    def in_order(self) -> list[Step]:
        return sorted(self._steps.values(), key=self._order)

    def _order(self, step: Step) -> tuple[Any, ...]:
        begun = self._turns.get((step.thread, step.turn), step.seq) if step.turn is not None else step.seq
        return begun, _natural(step.lane), step.seq


def _answer(body: Any, asked: str) -> dict[str, Json]:
    """What came of a request to the model `asked`.

    Ids of calls and what a provider wants handed back are other ones each time; which model answered is told where it
    was not the one asked, and why it stopped where calls and answer do not say so.
    """
    if isinstance(body, ModelFailed):
        return {"outcome": "failed", "error": body.error.to_json()}
    if not isinstance(body, ModelCompleted):
        return {"outcome": "stopped", "event": _plain(body)}
    message = body.message
    calls = [{name: value for name, value in call.to_json().items() if name != "id"} for call in message.tool_calls]
    return {
        "outcome": "answered",
        "fallback": body.model if body.model != asked else None,
        "reasoning": message.reasoning,
        "answer": message.content,
        "calls": calls,
        "stopped": body.finish_reason if body.finish_reason not in ("stop", "tool_calls") else None,
    }


def _plain(body: Any) -> dict[str, Json]:
    """An event's fields, but for those that differ in every run; how long a run took until it was stopped is one."""
    timed = {"used"} if isinstance(body, LimitReached) and body.limit == "seconds" else set()
    fields = {name: value for name, value in body.to_json().items() if name not in _VOLATILE | timed}
    return {"type": body.type, **fields}


def _thread(lane: str) -> str:
    return "/".join(part for part in lane.split("/") if not _NUMBERED.fullmatch(part))


def _natural(lane: str) -> list[tuple[int, str]]:
    """`turn.10` comes after `turn.9`."""
    return [(len(part) if part.isdecimal() else 0, part) for part in _PARTS.split(lane)]
