"""What counts no more on a record once its run is gone on with: what had stopped it is asked for again.

A failure that the run itself dealt with (a step was tried again, another took its place) stopped nothing, and what came
after it rests on it: it is given again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agentcli.core.events import (
    ApprovalResolved,
    CodeCompleted,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    RunCompleted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    ToolCompleted,
)
from agentcli.core.step_bodies import DEALT_WITH

UNUSABLE = frozenset({"E-OUTPUT-SCHEMA", "E-OUTPUT-EMPTY", "E-OUTPUT-FILTERED"})
"""Errors that a run, or a step, ends with because of its last answer: going on means to ask for another one."""

STEP_CALL = "call"
"""The lane, below a step's own, of the call that the step is."""


class Failures:
    """Which recorded failures stopped the run, or a step of it for good.

    `results` are the recorded results and `derived` the other events of the eras so far, each in their order; `ended`
    holds the lanes of the tool calls that came to an end. Then `results` are those that are to be asked for again, and
    `derived` the events that said what is true no more, or followed from such a result; `calls` are the lanes of the
    calls that had come to an end, and are made again.
    """

    def __init__(self, results: Iterable[Event], derived: Iterable[Event], ended: Iterable[str]) -> None:
        recorded, others = list(results), list(derived)
        self._ended = frozenset(ended)
        self._dealt_with = _marks(others)
        self._unusable = _unusable_answers(recorded, others)
        stopped = [event for event in recorded if self._stopped(event)]
        refused = [event for event in others if _failed_step(event) and not self._is_dealt_with(event)]
        self._again = _first_by_lane(stopped) | {event.lane: 0 for event in refused}
        """By lane, after which event nothing counts any more."""
        self.calls = frozenset(event.lane for event in (*stopped, *refused) if _failed_step(event))
        self.results = [event for event in recorded if self._stopped(event) or self._was_for_such(event)]
        self.derived = [event for event in others if self._is_stale(event)]

    def _stopped(self, event: Event) -> bool:
        body = event.body
        if isinstance(body, ApprovalResolved):  # approvals hold for nobody else
            return body.by == "nobody" or (body.decision != "no" and event.lane not in self._ended)
        if isinstance(body, CodeCompleted):
            return body.error is not None and not self._is_dealt_with(event)
        failed = isinstance(body, (ModelFailed, LimitReached)) or event.seq in self._unusable or _failed_step(event)
        return failed and not self._is_dealt_with(event)

    def _was_for_such(self, event: Event) -> bool:
        """Whether it is what somebody said of a call that is made again."""
        return isinstance(event.body, ApprovalResolved) and event.lane in self._again

    def _is_dealt_with(self, event: Event) -> bool:
        return any(self._dealt_with.get(lane, 0) > event.seq for lane in lanes_above(event.lane))

    def _is_stale(self, event: Event) -> bool:
        body = event.body
        if isinstance(body, (RunCompleted, LimitReached, StepCancelled)):
            return not self._is_dealt_with(event)
        if isinstance(body, StepFailed):
            return body.then not in DEALT_WITH and not self._is_dealt_with(event)
        if isinstance(body, StepSkipped):
            return body.because == "need" and not self._is_dealt_with(event)
        return any(event.seq > self._again.get(lane, event.seq) for lane in lanes_above(event.lane))


def _marks(derived: Iterable[Event]) -> dict[str, int]:
    """By lane, up to which event the failures at or below it were dealt with."""
    marks: dict[str, int] = {}
    for event in derived:
        body = event.body
        if isinstance(body, (StepRetried, StepCompleted)) or (isinstance(body, StepFailed) and body.then == "fallback"):
            marks[event.lane] = event.seq
    return marks


def _first_by_lane(events: Iterable[Event]) -> dict[str, int]:
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(event.lane, event.seq)
    return first


def _unusable_answers(results: Sequence[Event], derived: Sequence[Event]) -> frozenset[int]:
    """The last answer of each conversation that ended because of it."""
    steps = [event for event in derived if isinstance(event.body, StepFailed)]
    endings = steps or [event for event in derived if isinstance(event.body, RunCompleted)]
    last: dict[str, Event] = {}
    """The newest result of each step, item or run."""
    found: set[int] = set()
    for event in sorted((*results, *endings), key=lambda one: one.seq):
        if event.result is not None:
            last[_whose(event.lane)] = event
        elif _is_unusable(event) and isinstance((answer := last.get(event.lane, event)).body, ModelCompleted):
            found.add(answer.seq)
    return frozenset(found)


def _whose(lane: str) -> str:
    """The lane of the step or item that the conversation in a lane is; of the run, where it is none of a step."""
    return next((one for one in lanes_above(lane) if one.rpartition("/")[2].startswith(("step.", "item."))), "")


def _is_unusable(ending: Event) -> bool:
    error = ending.body.error if isinstance(ending.body, (StepFailed, RunCompleted)) else None
    return error is not None and error.code in UNUSABLE


def _failed_step(event: Event) -> bool:
    """Whether it is the result of a step that is one call of a tool, which did not succeed or was refused."""
    is_step = event.lane.rpartition("/")[2] == STEP_CALL
    return is_step and isinstance(event.body, ToolCompleted) and event.body.status != "ok"


def lanes_above(lane: str) -> Iterator[str]:
    """The lane, and those that it is in, up to the run's own."""
    while lane:
        yield lane
        lane = lane.rpartition("/")[0]
    yield ""
