"""Percentiles: exact, and always a value that occurred."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from agentcli.workbench.statistics.spread import Spread, Summary, nearest_rank

SECONDS = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@given(SECONDS, st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = nearest_rank(sorted(values), percent)
    assert found in values
    at_most = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert 100 * at_most >= percent * len(values) > 100 * below


@given(SECONDS)
def test_percentiles_of_one_spread_rise_to_its_maximum(values: list[float]) -> None:
    spread = Spread()
    for value in values:
        spread.add(value)
    summary = spread.summary()
    assert summary is not None
    assert (summary.count, summary.max) == (len(values), max(values))
    assert min(values) <= summary.p50 <= summary.p90 <= summary.p99 <= summary.max
    assert summary.p50 == sorted(values)[ceil(len(values) / 2) - 1]


def test_a_hundred_values_are_their_own_percentiles() -> None:
    spread = Spread()
    for value in range(100, 0, -1):
        spread.add(value)
    assert spread.summary() == Summary(100, 5050, 50, 90, 99, 100)


def test_nothing_has_no_percentiles() -> None:
    assert Spread().summary() is None


def test_json_is_to_the_microsecond() -> None:
    made = Summary(3, 0.1 + 0.2, 0.1, 0.2, 0.2, 0.2)
    assert made.to_json() == {"count": 3, "total": 0.3, "p50": 0.1, "p90": 0.2, "p99": 0.2, "max": 0.2}
