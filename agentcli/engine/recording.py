"""A recorded run, as the door answers from it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

from agentcli.core.events import EffectKey, Event, RunCompleted, RunForked, RunResumed, StepCancelled
from agentcli.engine.superseding import Failures

Describe = Callable[[Event], Any]
"""The request that the event recorded, as JSON; asked for only when it differs."""


class Recording:
    """The effects of a run by their place, and the order in which their results came.

    `run.resumed` and `run.forked` begin an era each; what had stopped the run before them is superseded and counts no
    more. Where a step that had failed is tried again, it holds now what others had after it then (a slot, a lane): what
    they did is given `late`, once they come to ask for it. `describe` rebuilds a recorded request for the report of a
    divergence.
    """

    def __init__(self, events: Iterable[Event], describe: Describe) -> None:
        self.intents: dict[EffectKey, Event] = {}
        self.results: dict[EffectKey, Event] = {}
        self.order: deque[EffectKey] = deque()
        self.late: set[EffectKey] = set()
        """Results whose turn has passed, and that nobody has asked for yet."""
        self.last_seq = 0
        self.spent = 0.0
        """Seconds that the run took so far; the time between its eras is not counted."""
        self.ending: RunCompleted | None = None
        """How the run ended; None for one that did not, or was gone on with since."""
        self.retries = 0
        """See `RunResumed.retries`."""
        self._describe = describe
        self._derived: dict[tuple[str, str, int], Event] = {}
        self._ordinals: dict[tuple[str, str], int] = defaultdict(int)
        self._unseen: deque[Event] = deque()
        self._reached: set[int] = set()
        self._loose = 0
        """Up to which event results may come late."""
        self._unused: list[EffectKey] = []
        """The newest results, after which nothing was done any more."""
        self._stopped_by: set[EffectKey] = set()
        """Results that came while their run was being stopped: who had asked for them did nothing with them."""
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
            self._supersede(event.seq)
            self.retries += isinstance(event.body, RunResumed) and event.body.retries
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
        self._note_unused(event)
        if event.body.type == "tool.completed":
            self._ended[event.lane] = event.seq
        self._count_time(event)

    def _take_derived(self, event: Event) -> None:
        place = (event.lane, event.body.type)
        self._derived[(*place, self._ordinals[place])] = event
        self._ordinals[place] += 1
        if isinstance(event.body, RunCompleted):
            self.ending = event.body

    def _note_unused(self, event: Event) -> None:
        body = event.body
        if event.key is not None and event.result is not None:
            self._unused.append(event.key)
        elif isinstance(body, RunCompleted) and body.status == "cancelled":
            self._stopped_by.update(self._unused)
        elif not isinstance(body, StepCancelled):
            self._unused.clear()

    def _count_time(self, event: Event) -> None:
        if self._mono is not None:
            self.spent += max(0.0, event.mono - self._mono)
        self._mono = event.mono

    # -- what counts no more ------------------------------------------------------------------------------------

    def _supersede(self, seq: int) -> None:
        """What stopped the run was answered by going on: it is asked for again, not given again."""
        failures = Failures(self.results.values(), self._derived.values(), self._ended)
        gone = {event.seq for event in (*failures.derived, *failures.results)}
        for event in failures.results:
            if event.key is not None:
                self.results.pop(event.key, None)
        self.order = deque(key for key in self.order if key in self.results)
        for place, event in list(self._derived.items()):
            if event.seq in gone:
                del self._derived[place]
                self._ordinals[event.lane, event.body.type] -= 1
        for lane in failures.calls:
            self._ended.pop(lane, None)
        self._unseen = deque(event for event in self._unseen if event.seq not in gone)
        self._loose = seq if gone else self._loose
        self.ending = None

    # -- where the run stands -----------------------------------------------------------------------------------

    def turn_era(self, lane: str) -> int:
        """The era in which the model answered in the lane of a turn; the newest one where it did not."""
        return self.era_at(EffectKey(lane, "model", "model", 0))

    @property
    def era(self) -> int:
        """The era that the next recorded result belongs to; the newest one when there is none."""
        return self.era_at(self.order[0]) if self.order else len(self._eras)

    def era_at(self, key: EffectKey) -> int:
        """The era that the result of an effect belongs to; the newest one where it has none."""
        result = self.results.get(key)
        return bisect_left(self._eras, result.seq) if result is not None else len(self._eras)

    def keeps_turn(self, lane: str) -> bool:
        """Whether the model's answer in the lane of a turn is of a run that was gone on with: no limit of now stops it.

        Others may have used up since what there was left of a limit when it was asked for.
        """
        result = self.results.get(EffectKey(lane, "model", "model", 0))
        return result is not None and result.seq < self._loose

    def era_of(self, lane: str) -> int:
        """The era in which the tool call of a lane came to its end; the newest one where it did not."""
        return bisect_left(self._eras, self._ended[lane]) if lane in self._ended else len(self._eras)

    def due(self, asked: Collection[EffectKey]) -> EffectKey | None:
        """Which of the results that are asked for is given now: the next in order, before it those that are late.

        None where the next one must come now, and is not asked for, or where there is none.
        """
        late = [key for key in asked if key in self.late] if self.late else []
        if late:
            key = min(late, key=lambda one: self.results[one].seq)
            self.late.remove(key)
            return key
        while self.order and (self.order[0] in asked or self._may_pass(self.order[0])):
            key = self.order.popleft()
            if key in asked:
                return key
            self.late.add(key)
        return None

    def left(self) -> Event | None:
        """The first result that must come and was not asked for; None where there is none."""
        return next((self.results[key] for key in self.order if not self._may_pass(key)), None)

    def passed_over(self) -> tuple[Event, ...]:
        """The results that were not asked for and need not be, in their order.

        A limit, or a failure, may stop those who would ask: it came at another moment than when they were recorded.
        """
        passed = [*self.late, *filter(self._may_pass, self.order)]
        return tuple(sorted((self.results[key] for key in passed), key=lambda event: event.seq))

    def _may_pass(self, key: EffectKey) -> bool:
        """Whether a result need not be asked for when its turn has come."""
        return key in self._stopped_by or self.results[key].seq < self._loose

    def derived(self, lane: str, kind: str, ordinal: int) -> Event | None:
        """The `ordinal`-th (from 0) derived event of this type in this lane, if it is on record."""
        return self._derived.get((lane, kind, ordinal))

    def reach(self, event: Event) -> list[Event]:
        """The run is at this event again. Gives what may be shown now: events are shown in the order of the record.

        A result, and the end, come when nothing that was recorded before them can come any more.
        """
        unseen, reached, shown = self._unseen, self._reached, []
        reached.add(event.seq)
        is_late = event.result is not None or isinstance(event.body, RunCompleted)
        before = event.seq if is_late else 0
        while unseen and (unseen[0].seq < before or unseen[0].seq in reached):
            shown.append(unseen.popleft())
        return shown

    def rest(self) -> list[Event]:
        """What has not been shown, now that the record has ended."""
        shown = list(self._unseen)
        self._unseen.clear()
        return shown

    def asked(self, key: EffectKey) -> Event:
        """The event that recorded the request of an effect with a result: its intent, where it has one."""
        return self.intents.get(key) or self.results[key]

    def begun(self, key: EffectKey) -> Event | None:
        """The intent of an effect whose result is not known: it may have happened or not."""
        return self.intents.get(key) if key not in self.results else None

    def request(self, key: EffectKey) -> Any:
        """The recorded request of an effect with a result, as JSON."""
        return self._describe(self.asked(key))


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
