"""Durations and how they are spread."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agentcli.core.values import value


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile: the smallest of the values that at least `percent` in a hundred do not exceed.

    It is exact and always a value that occurred, never one between two. `ordered` is sorted and not empty, `percent`
    is 1 to 100.
    """
    return ordered[(len(ordered) * percent + 99) // 100 - 1]


@value(frozen=True, slots=True)
class Summary:
    """What durations come to: how many, and nearest-rank percentiles in seconds."""

    count: int
    total: float
    p50: float
    p90: float
    p99: float
    max: float

    def to_json(self) -> dict[str, Any]:
        """All fields, to the microsecond."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


class Spread:
    """Seconds, gathered one by one: eight bytes each, so that millions fit."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values = array("d")

    def add(self, seconds: float) -> None:
        """One more."""
        self._values.append(seconds)

    def summary(self) -> Summary | None:
        """What they come to; None where there are none."""
        if not self._values:
            return None
        ordered = sorted(self._values)
        p50, p90, p99 = (nearest_rank(ordered, percent) for percent in (50, 90, 99))
        return Summary(len(ordered), sum(ordered), p50, p90, p99, ordered[-1])
