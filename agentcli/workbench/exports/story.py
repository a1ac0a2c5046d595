"""A run's events told as what was done: each request and call from its start to its end, and what else happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    ModelCompleted,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RunCompleted,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)


@dataclass(slots=True)
class Operation:
    """A request to a model, a call of a tool, or a step of a workflow or one item of it.

    `ended` is None where the record does not say how it came out.
    `notes` are the events in between, and the approvals before a call.
    """

    started: Event
    ended: Event | None = None
    notes: list[Event] = field(default_factory=list)

    @property
    def is_step(self) -> bool:
        """Whether it is a step, with requests and calls of its own."""
        return isinstance(self.started.body, StepStarted)

    @property
    def duration_s(self) -> float:
        """Seconds between its first event and its last, never less than 0: clocks step."""
        return max(0.0, self.ended.time - self.started.time) if self.ended else 0.0


Item: TypeAlias = Operation | Event
_Place: TypeAlias = tuple[str, str]

_FRAME = (RunStarted, RunCompleted, TurnStarted)
_APPROVAL = (ApprovalRequested, ApprovalResolved)


def operations(events: Iterable[Event]) -> list[Operation]:
    """The requests and calls alone, in the order in which they began."""
    return [item for item in story(events) if isinstance(item, Operation) and not item.is_step]


def story(events: Iterable[Event]) -> list[Item]:
    """Requests, calls, and the events that belong to none of them, by the number of their first event."""
    told = _Story()
    for event in events:
        told.take(event)
    return told.items()


class _Story:
    def __init__(self) -> None:
        self._done: list[Item] = []
        self._open: dict[_Place, Operation] = {}
        self._steps: dict[str, Operation] = {}
        """By their lanes. The last end of a step counts: a run that was gone on with may have several."""
        self._asked: dict[_Place, list[Event]] = {}
        """Approvals of calls that have not begun."""

    def take(self, event: Event) -> None:
        if not self._take_step(event):
            self._take_other(event)

    def _take_step(self, event: Event) -> bool:
        """Whether it is an event of a step that has begun."""
        body, step = event.body, self._steps.get(event.lane)
        if isinstance(body, StepStarted):
            if step is None:
                self._steps[event.lane] = Operation(event)
                self._done.append(self._steps[event.lane])
            return True
        if step is not None and isinstance(body, StepCompleted | StepFailed | StepCancelled):
            step.ended = event
        elif step is not None and isinstance(body, StepRetried):
            step.notes.append(event)
        else:
            return False
        return True

    def _take_other(self, event: Event) -> None:
        body = event.body
        if isinstance(body, ModelStarted | ToolStarted):
            self._begin(event)
        elif isinstance(body, ModelCompleted | ModelFailed | ToolCompleted):
            self._end(event)
        elif isinstance(body, ModelRetried | ModelFallback) and _place(event) in self._open:
            self._open[_place(event)].notes.append(event)
        elif isinstance(body, _APPROVAL):
            self._asked.setdefault(_place(event), []).append(event)
        elif not isinstance(body, _FRAME):
            self._done.append(event)

    def _begin(self, event: Event) -> None:
        place = _place(event)
        operation = Operation(event, notes=self._asked.pop(place, []))
        self._open[place] = operation
        self._done.append(operation)

    def _end(self, event: Event) -> None:
        operation = self._open.pop(_place(event), None)
        if operation is None:  # a record that somebody else made may begin anywhere
            operation = Operation(event)
            self._done.append(operation)
        operation.ended = event

    def items(self) -> list[Item]:
        unclaimed = [event for events in self._asked.values() for event in events]
        return sorted([*self._done, *unclaimed], key=_first_seq)


def conversation_of(lane: str) -> str:
    """The lane of the conversation that a turn, or a call in it, belongs to; of anything else the lane itself."""
    return lane.partition("turn.")[0] if "turn." in lane else lane


def _place(event: Event) -> _Place:
    """A lane asks one model at a time; a call has an id that is unique in its lane."""
    return event.lane, getattr(event.body, "call_id", "")


def _first_seq(item: Item) -> int:
    return item.started.seq if isinstance(item, Operation) else item.seq
