"""What stands beside a progress bar: how far, how fast, how long yet; and what was used, against its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agentcli.cli.render.quantity import count, money, pace, time_left


def progress(far: str, rate: float | None, left: float | None) -> Iterator[str]:
    """`12 of 40 steps`, `3.2/s`, `9 s left`, as far as it can be told. `rate` is per second, `left` seconds."""
    yield far
    if rate is not None:
        yield pace(rate)
    if left is not None:
        yield f"{time_left(left)} left"


def used(tokens: int, cost_usd: float | None, limits: Mapping[str, float]) -> Iterator[str]:
    """`1,204 of 100,000 tokens`, `$0.0123 of $0.5000`; what was not used and has no limit is left out."""
    if "tokens" in limits:
        yield f"{count(tokens)} of {count(int(limits['tokens']), 'token')}"
    elif tokens:
        yield count(tokens, "token")
    if cost_usd != 0 or "cost_usd" in limits:
        yield money(cost_usd) + (f" of {money(limits['cost_usd'])}" if "cost_usd" in limits else "")
