"""A recorded run, as the door answers from it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agentcli.core.canonical import Digest
from agentcli.core.events import EffectKey, Event

Describe = Callable[[Event], Any]
"""The request that an effect's event recorded, as JSON; asked for only when it differs."""


class Recording:
    """The effects of a run by their place, and the order in which their results came.

    `describe` rebuilds a recorded request for the report of a divergence.
    """

    def __init__(self, events: Iterable[Event], describe: Describe) -> None:
        self.describe = describe
        self.intents: dict[EffectKey, Event] = {}
        self.results: dict[EffectKey, Event] = {}
        self.order: deque[EffectKey] = deque()
        self.last_seq = 0
        self._announced: deque[Event] = deque()
        self._derived: Counter[tuple[str, str]] = Counter()
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        self.last_seq = event.seq
        if event.key is None:
            self._derived[event.lane, event.body.type] += 1
        elif event.result is None:
            self.intents[event.key] = event
            self._announced.append(event)
        else:
            self.results[event.key] = event
            self.order.append(event.key)

    def holds_derived(self, lane: str, kind: str, ordinal: int) -> bool:
        """Whether the `ordinal`-th (from 0) derived event of this type in this lane is on record."""
        return ordinal < self._derived[lane, kind]

    def announced_before(self, result: Event) -> Iterator[Event]:
        """The announcements on record before this result, each given once, in their order."""
        while self._announced and self._announced[0].seq < result.seq:
            yield self._announced.popleft()

    def request_digest(self, key: EffectKey) -> Digest | None:
        """The digest that was recorded when the effect was asked for."""
        event = self.intents.get(key) or self.results.get(key)
        return event.request if event else None


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
