"""What the benchmarks print: one table each, in Markdown, as it is measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured, the figure, the aim if there is one, what it stands beside, and whether it was reached."""

    what: str
    figure: str
    aim: str = ""
    beside: str = ""
    reached: bool = True


def show(rows: Iterable[Row]) -> int:
    """Print the rows as they come. Returns 1 if an aim was missed: the exit code."""
    reached = True
    print("| what | measured | aim | floor or comparison |\n| --- | --- | --- | --- |")
    for row in rows:
        missed = "" if row.reached else " **missed**"
        print(f"| {row.what} | {row.figure}{missed} | {row.aim} | {row.beside} |", flush=True)
        reached = reached and row.reached
    return 0 if reached else 1


def at(values: Sequence[float], share: float) -> float:
    """The value below which this share of the others lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
