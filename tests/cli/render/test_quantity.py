"""Numbers as people read them."""

from __future__ import annotations

import time

import pytest

from agentcli.cli.render.quantity import count, duration, local_time, moment, money, size, tokens
from agentcli.core.models import Usage


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.0996, "0.1 s"),
        (3.21, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3599.6, "1 h"),
        (3840, "1 h 4 min"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_counts() -> None:
    assert count(None) == "-"
    assert count(1234) == "1,234"
    assert count(1, "turn") == "1 turn"
    assert count(0, "turn") == "0 turns"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (340, "340 B"), (1200, "1.2 kB"), (999_999, "1.0 MB"), (491_400_064, "491 MB"), (1.117e9, "1.12 GB")],
)
def test_sizes(number: float, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(None, "price unknown"), (0, "$0"), (0.00001, "<$0.0001"), (0.0123, "$0.0123"), (1.5, "$1.50")],
)
def test_money(usd: float | None, shown: str) -> None:
    assert money(usd) == shown


def test_tokens_name_their_parts() -> None:
    assert tokens(Usage(1100, 134)) == "1,234 tokens (1,100 in, 134 out)"
    assert tokens(Usage(10, 5, 4, 3)) == "15 tokens (10 in, 5 out, 4 cached, 3 reasoning)"


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(5, "just now"), (300, "5 min ago"), (3 * 3600, "3 h ago"), (2 * 86400, "2 d ago")],
)
def test_moments_of_this_week(ago: float, shown: str) -> None:
    assert moment(1_700_000_000 - ago, 1_700_000_000) == shown


def test_other_moments_are_dates() -> None:
    date = time.strftime("%Y-%m-%d", time.localtime(1_600_000_000))
    assert moment(1_600_000_000, 1_700_000_000) == date
    assert moment(1_600_000_000, 1_500_000_000) == date
    assert local_time(1_600_000_000) == time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_600_000_000))
