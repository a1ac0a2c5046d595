"""What two sequences have in common: a longest common subsequence, found in bounded time.

The time grows with the number of differences, never with the product of the lengths: `difflib` takes minutes for two
texts of 100 KB that differ in every other word, or is made to take words that are frequent for noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from agentcli.core.values import value

MOST_EDITS = 1200
"""Items that occur in both, left out in one place and put in at another, up to which order is found: about 0.2 s."""


@value(frozen=True, slots=True)
class Match:
    """`size` items from `a` on in the one sequence are those from `b` on in the other."""

    a: int
    b: int
    size: int


@value(frozen=True, slots=True)
class Gap:
    """Items `a_from` up to `a_to` of the one sequence stand where `b_from` up to `b_to` of the other do."""

    a_from: int
    a_to: int
    b_from: int
    b_to: int


def compared(a: Sequence[Hashable], b: Sequence[Hashable], most: int = MOST_EDITS) -> Iterator[Match | Gap]:
    """Both sequences from their beginnings to their ends, as what they share and what they do not.

    Where more than `most` edits lie between what occurs in both, only their common beginning and end are shared.
    """
    at, bt = 0, 0
    for match in _matches(a, b, most):
        if match.a > at or match.b > bt:
            yield Gap(at, match.a, bt, match.b)
        yield match
        at, bt = match.a + match.size, match.b + match.size
    if at < len(a) or bt < len(b):
        yield Gap(at, len(a), bt, len(b))


def _matches(a: Sequence[Hashable], b: Sequence[Hashable], most: int) -> Iterator[Match]:
    head = _common(a, b, range(min(len(a), len(b))))
    rest = min(len(a), len(b)) - head
    tail = _common(a, b, range(-1, -rest - 1, -1))
    if head:
        yield Match(0, 0, head)
    for match in _shortest(a[head : len(a) - tail], b[head : len(b) - tail], most):
        yield Match(match.a + head, match.b + head, match.size)
    if tail:
        yield Match(len(a) - tail, len(b) - tail, tail)


def _common(a: Sequence[Hashable], b: Sequence[Hashable], places: range) -> int:
    return next((n for n, place in enumerate(places) if a[place] != b[place]), len(places))


def _shortest(a: Sequence[Hashable], b: Sequence[Hashable], most: int) -> Iterator[Match]:
    """The matches of a shortest edit script (Myers, "An O(ND) Difference Algorithm", 1986); none past `most` edits.

    What occurs on one side alone is left out beforehand: it has no match, and costs nothing then.
    """
    common = {item: number for number, item in enumerate(set(a) & set(b))}
    left, right = ([place for place, item in enumerate(items) if item in common] for items in (a, b))
    x, y = ([common[items[place]] for place in places] for items, places in ((a, left), (b, right)))
    if not common or _at_least(x, y) > most:
        return
    for match in _walked_back(_trace(x, y, most), len(x), len(y)):
        yield from _unbroken([(left[match.a + n], right[match.b + n]) for n in range(match.size)])


def _unbroken(pairs: Sequence[tuple[int, int]]) -> Iterator[Match]:
    """Pairs of places as matches, each without a place left out."""
    start = 0
    for n, (x, y) in enumerate(pairs, start=1):
        if n == len(pairs) or pairs[n] != (x + 1, y + 1):
            yield Match(*pairs[start], n - start)
            start = n


def _at_least(a: Sequence[int], b: Sequence[int]) -> int:
    """Fewer edits than this there cannot be: what occurs more often on one side has no counterpart."""
    counts = Counter(a)
    counts.subtract(b)
    return sum(map(abs, counts.values()))


def _trace(a: Sequence[int], b: Sequence[int], most: int) -> list[list[int]]:
    """For each number of edits, how far in `a` each diagonal reaches with them; empty where `most` do not suffice.

    Diagonal k (place in `a` minus place in `b`) of round d stands at index (k + d) // 2.
    """
    n, m = len(a), len(b)
    reached: list[int] = []
    trace: list[list[int]] = []
    for edits in range(min(most, n + m) + 1):
        before, reached = reached, []
        for index in range(edits + 1):
            k = 2 * index - edits
            # An item put in keeps the place in `a`; one left out moves it on.
            put_in = before[index] if index < edits else -1
            left_out = before[index - 1] + 1 if index else -1
            x = max(put_in, left_out, 0)
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reached.append(x)
            if x >= n and x - k >= m:
                return [*trace, reached]
        trace.append(reached)
    return []


def _walked_back(trace: list[list[int]], n: int, m: int) -> list[Match]:
    """The matches on the way from the end of both to their beginning, in order."""
    matches: list[Match] = []
    x, k = n, n - m
    for edits in range(len(trace) - 1, -1, -1):
        index, before = (k + edits) // 2, trace[edits - 1] if edits else []
        put_in = before[index] if index < edits else -1
        left_out = before[index - 1] + 1 if index and edits else -1
        begin = max(put_in, left_out, 0)
        if x > begin:
            matches.append(Match(begin, begin - k, x - begin))
        if put_in >= left_out:
            x, k = put_in, k + 1
        else:
            x, k = left_out - 1, k - 1
    matches.reverse()
    return matches
