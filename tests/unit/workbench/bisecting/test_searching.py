"""The search: right on every monotone outcome, honest on every other one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.workbench.bisecting.searching import Found, Verdict, decide, first_turn, wilson

verdicts = st.lists(st.sampled_from(["good", "bad", "undecided"]), max_size=30)


def searched(places: int, oracle: Callable[[int], Verdict]) -> tuple[Found, list[int]]:
    search = first_turn(places, "good")
    tried: list[int] = []
    verdict: Verdict | None = None
    while True:
        try:
            place = search.send(verdict) if verdict is not None else next(search)
        except StopIteration as end:
            return end.value, tried
        tried.append(place)
        verdict = oracle(place)


@given(st.integers(1, 200), st.data())
def test_where_the_outcome_turns_once_the_turn_is_found_by_halves(places: int, data: st.DataObject) -> None:
    turn = data.draw(st.integers(0, places - 1))
    found, tried = searched(places, lambda place: "good" if place >= turn else "bad")
    assert found == Found(turn, (turn,), monotone=True)
    assert len(tried) == len(set(tried)) <= 2 + max(0, (places - 1).bit_length())


@given(st.integers(1, 60), st.data())
def test_with_places_that_cannot_be_tried_the_turn_is_among_the_suspects(places: int, data: st.DataObject) -> None:
    turn = data.draw(st.integers(0, places - 1))
    skipped = data.draw(st.sets(st.integers(0, places - 1)))

    def oracle(place: int) -> Verdict:
        if place in skipped:
            return "undecided"
        return "good" if place >= turn else "bad"

    found, _ = searched(places, oracle)
    decided = [place for place in range(turn, places) if place not in skipped]
    assert (found.first is None) == (not decided)
    assert found.first is None or turn in found.suspects


@given(verdicts)
def test_whatever_the_outcome_no_place_is_tried_twice_and_what_is_found_was_seen(outcome: list[Verdict]) -> None:
    found, tried = searched(len(outcome), lambda place: outcome[place])
    assert len(tried) == len(set(tried))
    assert (found.first is None) == ("good" not in outcome)
    if found.first is not None:
        assert outcome[found.first] == "good"
        before = found.suspects[0] - 1
        assert before < 0 or (outcome[before] == "bad" and before in tried)


def test_one_place_alone_in_the_midst_is_found_one_after_the_other() -> None:
    found, tried = searched(5, lambda place: "good" if place == 2 else "bad")
    assert (found, tried) == (Found(2, (2,), monotone=False), [0, 4, 1, 2])


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_rate_and_lies_within_0_and_1(of: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, of))
    low, high = wilson(passed, of)
    assert 0 <= low <= passed / of + 1e-12
    assert passed / of - 1e-12 <= high <= 1


def test_the_interval_is_the_published_one() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-5)


@pytest.mark.parametrize(
    ("passed", "of", "alone", "verdict"),
    [
        (0, 0, True, "undecided"),
        (1, 1, True, "good"),
        (0, 1, True, "bad"),
        (1, 1, False, "undecided"),
        (3, 3, False, "undecided"),
        (4, 4, False, "good"),
        (0, 4, False, "bad"),
        (5, 10, False, "undecided"),
    ],
)
def test_samples_decide_where_their_interval_is_clear_of_one_half(
    passed: int, of: int, alone: bool, verdict: Verdict
) -> None:
    assert decide(passed, of, alone=alone) == verdict
