"""What counts no more on a record once its run is gone on with: what had stopped it is asked for again.

A failure that the run itself dealt with (a step was tried again, another took its place) stopped nothing, and what came
after it rests on it: it is given again.
"""

from __future__ import annotations

from collections.abc import Iterable

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

    `results` are the recorded results and `derived` the other events of the eras so far, in their order; `ended` holds
    the lanes of the tool calls that came to an end.
    """

    def __init__(self, results: Iterable[Event], derived: Iterable[Event], ended: Iterable[str]) -> None:
        self._results = list(results)
        self._derived = list(derived)
        self._ended = frozenset(ended)
        self._dealt_with = self._marks()
        self._unusable = self._unusable_answers()

    def results(self) -> list[Event]:
        """The results that are to be asked for again."""
        return [event for event in self._results if self._stopped(event)]

    def derived(self) -> list[Event]:
        """The events that said what is true no more, or followed from such a result."""
        dropped = self.results()
        return [event for event in self._derived if self._is_stale(event, dropped)]

    def _marks(self) -> dict[str, int]:
        """By lane, up to which event the failures at or below it were dealt with."""
        marks: dict[str, int] = {}
        for event in self._derived:
            body = event.body
            if isinstance(body, (StepRetried, StepCompleted)) or (
                isinstance(body, StepFailed) and body.then in DEALT_WITH
            ):
                marks[event.lane] = event.seq
        return marks

    def _unusable_answers(self) -> frozenset[int]:
        """The last answer of each conversation that ended because of it."""
        steps = [event for event in self._derived if isinstance(event.body, StepFailed)]
        endings = steps or [event for event in self._derived if isinstance(event.body, RunCompleted)]
        return frozenset(seq for event in endings if (seq := self._last_answer(event)) is not None)

    def _last_answer(self, ending: Event) -> int | None:
        body = ending.body
        error = body.error if isinstance(body, (StepFailed, RunCompleted)) else None
        if error is None or error.code not in UNUSABLE:
            return None
        below = [event for event in self._results if is_at_or_below(event.lane, ending.lane) and event.seq < ending.seq]
        last = below[-1] if below else None
        return last.seq if last is not None and isinstance(last.body, ModelCompleted) else None

    def _stopped(self, event: Event) -> bool:
        body = event.body
        if isinstance(body, ApprovalResolved):  # approvals hold for nobody else
            return body.by == "nobody" or (body.decision != "no" and event.lane not in self._ended)
        if isinstance(body, CodeCompleted):
            return body.error is not None and not self._is_dealt_with(event)
        failed = isinstance(body, (ModelFailed, LimitReached)) or event.seq in self._unusable or _failed_step(event)
        return failed and not self._is_dealt_with(event)

    def _is_dealt_with(self, event: Event) -> bool:
        lane = event.lane
        while True:
            if self._dealt_with.get(lane, 0) > event.seq:
                return True
            if not lane:
                return False
            lane = lane.rpartition("/")[0]

    def _is_stale(self, event: Event, dropped: list[Event]) -> bool:
        body = event.body
        if isinstance(body, (RunCompleted, LimitReached, StepCancelled)):
            return not self._is_dealt_with(event)
        if isinstance(body, StepFailed):
            return body.then not in DEALT_WITH and not self._is_dealt_with(event)
        if isinstance(body, StepSkipped):
            return body.because == "need"
        return any(event.seq > one.seq and is_at_or_below(event.lane, one.lane) for one in dropped)


def _failed_step(event: Event) -> bool:
    """Whether it is the result of a step that is one call of a tool, which did not succeed."""
    is_step = event.lane.rpartition("/")[2] == STEP_CALL
    return is_step and isinstance(event.body, ToolCompleted) and event.body.status != "ok"


def is_at_or_below(lane: str, above: str) -> bool:
    """Whether a lane is another one, or in it."""
    return not above or lane == above or lane.startswith(f"{above}/")
