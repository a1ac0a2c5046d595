"""What two sequences have in common."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from agentcli.workbench.comparing.matching import Gap, Match, compared

letters = st.lists(st.sampled_from("abc"), max_size=12)


def shared(parts: list[Match | Gap]) -> int:
    return sum(part.size for part in parts if isinstance(part, Match))


def longest(a: list[str], b: list[str]) -> int:
    """The length of a longest common subsequence, as the textbook has it."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(letters, letters)
def test_both_are_covered_from_their_beginnings_to_their_ends(a: list[str], b: list[str]) -> None:
    at = bt = 0
    for part in compared(a, b):
        if isinstance(part, Match):
            assert (part.a, part.b) == (at, bt)
            assert a[at : at + part.size] == b[bt : bt + part.size]
            at, bt = at + part.size, bt + part.size
        else:
            assert (part.a_from, part.b_from) == (at, bt)
            at, bt = part.a_to, part.b_to
    assert (at, bt) == (len(a), len(b))


@given(letters, letters)
def test_as_much_as_can_be_is_shared(a: list[str], b: list[str]) -> None:
    assert shared(list(compared(a, b))) == longest(a, b)


@given(letters, letters, st.integers(0, 6))
def test_up_to_the_bound_on_edits_as_much_is_shared_as_without(a: list[str], b: list[str], most: int) -> None:
    parts = list(compared(a, b, most))
    edits = len(a) + len(b) - 2 * longest(a, b)
    if edits <= most:
        assert shared(parts) == longest(a, b)


def test_an_inserted_item_moves_the_rest() -> None:
    assert list(compared("abc", "axbc")) == [Match(0, 0, 1), Gap(1, 1, 1, 2), Match(1, 2, 2)]


def test_nothing_is_shared_with_nothing() -> None:
    assert list(compared([], [])) == []
    assert list(compared("ab", "")) == [Gap(0, 2, 0, 0)]


def test_items_in_another_order_past_the_bound_are_one_gap() -> None:
    items = list(range(5000))
    shuffled = random.Random(7).sample(items, len(items))
    assert list(compared(items, shuffled)) == [Gap(0, 5000, 0, 5000)]
