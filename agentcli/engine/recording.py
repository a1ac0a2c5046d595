"""A recorded run, as the door answers from it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agentcli.core.events import (
    ApprovalResolved,
    CodeCompleted,
    EffectKey,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    RunCompleted,
    RunForked,
    RunResumed,
)

Describe = Callable[[Event], Any]
"""The request that the event recorded, as JSON; asked for only when it differs."""

UNUSABLE = frozenset({"E-OUTPUT-SCHEMA", "E-OUTPUT-EMPTY", "E-OUTPUT-FILTERED"})
"""Errors that a run ends with because of its last answer: going on means to ask for another one."""


class Recording:
    """The effects of a run by their place, and the order in which their results came.

    `run.resumed` and `run.forked` begin an era each; what had stopped the run before them is superseded and counts no
    more. `describe` rebuilds a recorded request for the report of a divergence.
    """

    def __init__(self, events: Iterable[Event], describe: Describe) -> None:
        self.intents: dict[EffectKey, Event] = {}
        self.results: dict[EffectKey, Event] = {}
        self.order: deque[EffectKey] = deque()
        self.last_seq = 0
        self.spent = 0.0
        """Seconds that the run took so far; the time between its eras is not counted."""
        self.ending: RunCompleted | None = None
        """How the run ended; None for one that did not, or was gone on with since."""
        self._describe = describe
        self._derived: dict[tuple[str, str, int], Event] = {}
        self._ordinals: Counter[tuple[str, str]] = Counter()
        self._unseen: deque[Event] = deque()
        self._reached: set[int] = set()
        self._superseded: set[int] = set()
        self._eras: list[int] = []
        self._ended: dict[str, int] = {}
        self._mono: float | None = None
        for event in events:
            self._take(event)

    # -- what is on record --------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        self.last_seq = event.seq
        self._unseen.append(event)
        if isinstance(event.body, (RunResumed, RunForked)):
            self._supersede()
            self._eras.append(event.seq)
            self._reached.add(event.seq)
            self._mono = None
        elif event.key is None:
            self._take_derived(event)
        elif event.result is not None:
            self.results[event.key] = event
            self.order.append(event.key)
        elif event.request is not None:
            if (given_up := self.intents.get(event.key)) is not None:  # its result was never known: asked for again
                self._reached.add(given_up.seq)
            self.intents[event.key] = event
        else:  # a note on an effect's performance: nothing asks for it, it is shown in its place
            self._reached.add(event.seq)
        if event.body.type == "tool.completed":
            self._ended[event.lane] = event.seq
        self._count_time(event)

    def _take_derived(self, event: Event) -> None:
        place = (event.lane, event.body.type)
        self._derived[(*place, self._ordinals[place])] = event
        self._ordinals[place] += 1
        if isinstance(event.body, RunCompleted):
            self.ending = event.body

    def _count_time(self, event: Event) -> None:
        if self._mono is not None:
            self.spent += max(0.0, event.mono - self._mono)
        self._mono = event.mono

    # -- what counts no more ------------------------------------------------------------------------------------

    def _supersede(self) -> None:
        """What stopped the run was answered by going on: it is asked for again, not given again."""
        dropped = [event for event in self.results.values() if self._stopped(event)]
        if self.ending is not None and self.ending.error is not None and self.ending.error.code in UNUSABLE:
            dropped += [event for event in list(self.results.values())[-1:] if isinstance(event.body, ModelCompleted)]
        for event in dropped:
            self._drop(event)
        self.order = deque(key for key in self.order if key in self.results)
        for place, event in list(self._derived.items()):
            if self._is_stale(event, dropped):
                del self._derived[place]
                self._ordinals[event.lane, event.body.type] -= 1
                self._superseded.add(event.seq)
        self.ending = None

    def _stopped(self, event: Event) -> bool:
        """Whether a result is a failure, or an approval that no call has used: approvals hold for nobody else."""
        body = event.body
        if isinstance(body, ApprovalResolved):
            return body.by == "nobody" or (body.decision != "no" and event.lane not in self._ended)
        if isinstance(body, CodeCompleted):
            return body.error is not None
        return isinstance(body, (ModelFailed, LimitReached))

    def _drop(self, event: Event) -> None:
        if event.key is not None:
            self.results.pop(event.key, None)
        self._superseded.add(event.seq)

    @staticmethod
    def _is_stale(event: Event, dropped: list[Event]) -> bool:
        """Whether a derived event said that the run ends, or followed from a result that was dropped."""
        if isinstance(event.body, (RunCompleted, LimitReached)):
            return True
        return any(event.seq > one.seq and _is_at_or_below(event.lane, one.lane) for one in dropped)

    # -- where the run stands -----------------------------------------------------------------------------------

    @property
    def era(self) -> int:
        """The era that the next recorded result belongs to; the newest one when there is none."""
        return bisect_left(self._eras, self.results[self.order[0]].seq) if self.order else len(self._eras)

    def era_of(self, lane: str) -> int:
        """The era in which the tool call of a lane came to its end; the newest one where it did not."""
        return bisect_left(self._eras, self._ended[lane]) if lane in self._ended else len(self._eras)

    def derived(self, lane: str, kind: str, ordinal: int) -> Event | None:
        """The `ordinal`-th (from 0) derived event of this type in this lane, if it is on record."""
        return self._derived.get((lane, kind, ordinal))

    def reach(self, event: Event) -> Iterator[Event]:
        """The run is at this event again. Gives what may be shown now: events are shown in the order of the record.

        A result, and the end, come when nothing that was recorded before them can come any more.
        """
        self._reached.add(event.seq)
        is_late = event.result is not None or isinstance(event.body, RunCompleted)
        while self._unseen and (self._is_due(self._unseen[0].seq) or (is_late and self._unseen[0].seq < event.seq)):
            yield from self._shown(self._unseen.popleft())

    def rest(self) -> Iterator[Event]:
        """What has not been shown, now that the record has ended."""
        while self._unseen:
            yield from self._shown(self._unseen.popleft())

    def _is_due(self, seq: int) -> bool:
        return seq in self._reached or seq in self._superseded

    def _shown(self, event: Event) -> Iterator[Event]:
        if event.seq not in self._superseded:
            yield event

    def asked(self, key: EffectKey) -> Event:
        """The event that recorded the request of an effect with a result: its intent, where it has one."""
        return self.intents.get(key) or self.results[key]

    def begun(self, key: EffectKey) -> Event | None:
        """The intent of an effect whose result is not known: it may have happened or not."""
        return self.intents.get(key) if key not in self.results else None

    def request(self, key: EffectKey) -> Any:
        """The recorded request of an effect with a result, as JSON."""
        return self._describe(self.asked(key))


def _is_at_or_below(lane: str, above: str) -> bool:
    return not above or lane == above or lane.startswith(f"{above}/")


def first_difference(recorded: Any, current: Any, path: str = "$") -> tuple[str, Any, Any] | None:
    """The first place where two JSON values differ: JSON path (RFC 9535 normalised), recorded and current value."""
    if isinstance(recorded, dict) and isinstance(current, dict):
        for name in sorted(recorded.keys() | current.keys()):
            if name not in recorded or name not in current:
                return f"{path}['{name}']", recorded.get(name), current.get(name)
            found = first_difference(recorded[name], current[name], f"{path}['{name}']")
            if found:
                return found
        return None
    if isinstance(recorded, list) and isinstance(current, list):
        for index, (left, right) in enumerate(zip(recorded, current, strict=False)):
            found = first_difference(left, right, f"{path}[{index}]")
            if found:
                return found
        if len(recorded) != len(current):
            index = min(len(recorded), len(current))
            return f"{path}[{index}]", _item(recorded, index), _item(current, index)
        return None
    same = recorded == current and type(recorded) is type(current)
    return None if same else (path, recorded, current)


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None
