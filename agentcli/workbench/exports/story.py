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
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)


@dataclass(slots=True)
class Operation:
    """A request to a model, or a call of a tool. `ended` is None where the record does not say how it came out.

    `notes` are the events in between, and the approvals before a call.
    """

    started: Event
    ended: Event | None = None
    notes: list[Event] = field(default_factory=list)

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
    return [item for item in story(events) if isinstance(item, Operation)]


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
        self._asked: dict[_Place, list[Event]] = {}
        """Approvals of calls that have not begun."""

    def take(self, event: Event) -> None:
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


def _place(event: Event) -> _Place:
    """A lane asks one model at a time; a call has an id that is unique in its lane."""
    return event.lane, getattr(event.body, "call_id", "")


def _first_seq(item: Item) -> int:
    return item.started.seq if isinstance(item, Operation) else item.seq
