"""A recorded run, as the door answers from it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agentcli.core.events import EffectKey, Event

Describe = Callable[[Event], Any]
"""The request that the event recorded, as JSON; asked for only when it differs."""


class Recording:
    """The effects of a run by their place, and the order in which their results came.

    `describe` rebuilds a recorded request for the report of a divergence.
    """

    def __init__(self, events: Iterable[Event], describe: Describe) -> None:
        self.intents: dict[EffectKey, Event] = {}
        self.results: dict[EffectKey, Event] = {}
        self.order: deque[EffectKey] = deque()
        self.last_seq = 0
        self._describe = describe
        self._derived: dict[tuple[str, str, int], Event] = {}
        self._ordinals: Counter[tuple[str, str]] = Counter()
        self._unseen: deque[Event] = deque()
        self._reached: set[int] = set()
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        self.last_seq = event.seq
        self._unseen.append(event)
        if event.key is None:
            place = (event.lane, event.body.type)
            self._derived[(*place, self._ordinals[place])] = event
            self._ordinals[place] += 1
        elif event.result is not None:
            self.results[event.key] = event
            self.order.append(event.key)
        elif event.request is not None:
            if (given_up := self.intents.get(event.key)) is not None:  # its result was never known: asked for again
                self._reached.add(given_up.seq)
            self.intents[event.key] = event
        else:  # a note on an effect's performance: nothing asks for it, it is shown in its place
            self._reached.add(event.seq)

    def derived(self, lane: str, kind: str, ordinal: int) -> Event | None:
        """The `ordinal`-th (from 0) derived event of this type in this lane, if it is on record."""
        return self._derived.get((lane, kind, ordinal))

    def reach(self, event: Event) -> Iterator[Event]:
        """The run is at this event again. Gives what may be shown now: events are shown in the order of the record."""
        self._reached.add(event.seq)
        while self._unseen and self._unseen[0].seq in self._reached:
            yield self._unseen.popleft()

    def asked(self, key: EffectKey) -> Event:
        """The event that recorded the request of an effect with a result: its intent, where it has one."""
        return self.intents.get(key) or self.results[key]

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
