"""A run's requests and calls as bars along its time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from agentcli.core.events import Event, ModelCompleted, ModelFailed, ModelStarted, ToolCompleted
from agentcli.core.quantities import duration
from agentcli.core.values import value
from agentcli.workbench.exports.story import Operation, operations

WIDTH: Final = 1000.0
"""The bars' places run from 0 to this."""

_NARROWEST: Final = 2.0
_MOST_ROWS: Final = 8
_IDLE: Final = 0.05
"""Where nothing happened for longer than this share of the busy time, the gap is drawn as long as that."""


@value(frozen=True, slots=True)
class Bar:
    """One request or call. `x` and `width` are of `WIDTH`; `row` counts from 0, downwards; `kind` is a class of CSS."""

    anchor: str
    x: float
    width: float
    row: int
    kind: str
    title: str


@value(frozen=True, slots=True)
class Timeline:
    """All bars. `shortened` says that idle time is drawn shorter than it was."""

    bars: tuple[Bar, ...]
    rows: int
    total: str
    shortened: bool


def timeline_of(events: Sequence[Event]) -> Timeline | None:
    """The bars of a run; None where there is nothing to draw."""
    found = operations(events)
    if not found:
        return None
    place, total, shortened = _scale(found)
    ends: list[float] = []
    bars = tuple(_bar(operation, place, total, ends) for operation in found)
    return Timeline(bars, min(max(len(ends), 1), _MOST_ROWS), duration(total), shortened)


def _scale(found: list[Operation]) -> tuple[Callable[[float], float], float, bool]:
    """Where a time stands, in seconds from the left; how many there are in all; whether gaps were shortened."""
    spans = sorted((one.started.time, one.started.time + one.duration_s) for one in found)
    busy = sum(end - begin for begin, end in spans)
    most = max(busy * _IDLE, 1e-6)
    origin = until = spans[0][0]
    gap_ends, taken_out = [origin], [0.0]
    for begin, end in spans:
        if begin - until > most:
            gap_ends.append(begin)
            taken_out.append(taken_out[-1] + begin - until - most)
        until = max(until, end)

    def place(time: float) -> float:
        return time - origin - taken_out[bisect_right(gap_ends, time) - 1]

    return place, max(place(until), 1e-6), len(gap_ends) > 1


def _bar(operation: Operation, place: Callable[[float], float], total: float, ends: list[float]) -> Bar:
    """Its row is the first that is free; `ends` says until when each is taken."""
    begin = place(operation.started.time)
    x = min(begin / total * WIDTH, WIDTH - _NARROWEST)
    width = max(operation.duration_s / total * WIDTH, _NARROWEST)
    free = next((row for row, end in enumerate(ends) if end <= x), len(ends))
    if free == len(ends):
        ends.append(0.0)
    ends[free] = x + width
    row, kind = min(free, _MOST_ROWS - 1), _kind(operation)
    took = duration(operation.duration_s) if operation.ended else "not finished"
    return Bar(f"e{operation.started.seq}", round(x, 2), round(width, 2), row, kind, f"{_name(operation)}: {took}")


def _kind(operation: Operation) -> str:
    end = operation.ended.body if operation.ended else None
    if isinstance(end, ToolCompleted) and end.status == "ok":
        return "tool"
    return "model" if isinstance(end, ModelCompleted) else "bad"


def _name(operation: Operation) -> str:
    body = operation.started.body
    if isinstance(body, ModelStarted | ModelCompleted | ModelFailed):
        return getattr(body, "model", "model")
    return str(getattr(body, "tool", "tool"))
