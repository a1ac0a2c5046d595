"""A divergence in words."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.errors import ErrorInfo
from agentcli.workbench.difference import difference
from agentcli.workbench.replay_run import Divergence

SAME = "the same words again and again, "


def told(recorded: Any, current: Any, at: int | None = 3) -> tuple[str, ...]:
    turn = 1 if at is not None else None
    return difference(Divergence(ErrorInfo("E-X", "x", "", ""), at, turn, "turn.1", "$", recorded, current))


def test_the_place_and_both_values_are_a_line_each() -> None:
    assert told("one", "two") == ("at        event 3, turn 1  $", 'recorded  "one"', 'current   "two"')
    assert told(None, {"b": 1, "a": "ü"}, at=None) == (
        "at        the end of the record  $",
        "recorded  null",
        'current   {"a": "ü", "b": 1}',
    )


def test_of_long_texts_what_differs_is_shown_with_a_little_around_it() -> None:
    _, recorded, current = told(f"{SAME * 9}first{SAME * 9}", f"{SAME * 9}second{SAME * 9}")
    assert (
        recorded
        == 'recorded  "… again, the same words again and again, firstthe same words again and again, the same…"'
    )
    assert (
        current
        == 'current   "… again, the same words again and again, secondthe same words again and again, the same…"'
    )


@pytest.mark.parametrize(
    ("recorded", "current"), [("aa", "aaa"), ("aaa", "aa"), ("", "a"), (SAME * 9, SAME * 8), ("abab", "ab"), ("x", "x")]
)
def test_a_text_that_repeats_itself_is_cut_in_no_wrong_place(recorded: str, current: str) -> None:
    _, left, right = told(recorded, current)
    assert (left.removeprefix("recorded  ") != right.removeprefix("current   ")) == (recorded != current)


def test_a_value_is_never_longer_than_a_few_lines() -> None:
    _, recorded, current = told("x" * 10_000, ["y" * 10_000])
    assert max(len(recorded), len(current)) < 450
