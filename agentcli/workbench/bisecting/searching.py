"""The search for the first place where a verdict turns, with as few trials as the answers allow."""

from __future__ import annotations

from collections.abc import Generator
from math import sqrt
from typing import Final, Literal, TypeAlias

from agentcli.core.values import value

Verdict: TypeAlias = Literal["good", "bad", "undecided"]
"""`undecided` is a trial that could not be made, or whose samples do not tell."""

Z95: Final = 1.959963984540054
"""The quantile of the normal distribution that leaves 2.5 % above it."""

EVEN: Final = 0.5
"""The rate at which a check passes as often as not."""


@value(frozen=True, slots=True)
class Found:
    """Where the verdict turns: `first` is the first place known to turn it, None where none does.

    `suspects` are the places that it may be: `first`, and those before it, in a row, about which nothing is known.
    `monotone` is False where the last place did not turn the verdict, so that each one was looked at.
    """

    first: int | None
    suspects: tuple[int, ...]
    monotone: bool


Search: TypeAlias = Generator[int, Verdict, Found]
"""Yields the place to try next and is sent the verdict; returns what was found. No place is tried twice."""


def first_turn(places: int, turns: Verdict) -> Search:
    """Find the first of `places` (numbered from 0) whose verdict is `turns`; what is before place 0 is known not to be.

    The first place is tried first: most often it is the one. Then the last. If that one turns, a place in between is
    sought by halves, on the assumption that the verdict turns once: what comes after a turn turns as well. If it does
    not, that assumption is refuted, and the places are tried one after the other. Either way the place found and its
    nearest decided neighbour before it were both tried, and differ.
    """
    known: dict[int, Verdict] = {}
    for end in dict.fromkeys((0, places - 1)) if places else ():
        known[end] = yield end
        if known[end] == turns:
            break
    ends = [place for place, verdict in known.items() if verdict == turns]
    if ends:
        yield from _halves(known, ends[0], turns)
    else:
        yield from _in_turn(known, places, turns)
    return _found(known, places, turns, monotone=bool(ends))


def _halves(known: dict[int, Verdict], last: int, turns: Verdict) -> Generator[int, Verdict, None]:
    before, after = -1, last
    while between := [place for place in range(before + 1, after) if place not in known]:
        middle = (before + after) // 2
        place = min(between, key=lambda one: abs(one - middle))
        known[place] = yield place
        if known[place] == turns:
            after = place
        elif known[place] != "undecided":
            before = place


def _in_turn(known: dict[int, Verdict], places: int, turns: Verdict) -> Generator[int, Verdict, None]:
    for place in range(places):
        if place not in known:
            known[place] = yield place
            if known[place] == turns:
                return


def _found(known: dict[int, Verdict], places: int, turns: Verdict, *, monotone: bool) -> Found:
    first = next((place for place in range(places) if known.get(place) == turns), None)
    if first is None:
        return Found(None, tuple(place for place in range(places) if known[place] == "undecided"), monotone)
    suspects = [first]
    while known.get(suspects[-1] - 1) == "undecided":
        suspects.append(suspects[-1] - 1)
    return Found(first, tuple(reversed(suspects)), monotone)


def wilson(passed: int, of: int) -> tuple[float, float]:
    """The 95 % confidence interval of a rate (Wilson 1927), `of` at least 1; both bounds within 0 and 1."""
    rate, square = passed / of, Z95 * Z95
    middle = (rate + square / (2 * of)) / (1 + square / of)
    margin = Z95 / (1 + square / of) * sqrt(rate * (1 - rate) / of + square / (4 * of * of))
    return max(0.0, middle - margin), min(1.0, middle + margin)


def decide(passed: int, of: int, *, alone: bool) -> Verdict:
    """What `of` samples say: one `alone`, if one was asked for; else as far as their interval is clear of a half."""
    if of == 0:
        return "undecided"
    if alone:
        return "good" if passed else "bad"
    low, high = wilson(passed, of)
    if low > EVEN:
        return "good"
    return "bad" if high < EVEN else "undecided"
