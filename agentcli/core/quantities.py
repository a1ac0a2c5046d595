"""Numbers for people: durations, counts, bytes, money."""

from __future__ import annotations

from agentcli.core.models import Usage

_MINUTE, _HOUR = 60.0, 3600.0


def duration(seconds: float | None) -> str:
    """`12 ms`, `3.2 s`, `2 min 5 s`, `1 h 4 min`; a dash where it is not known."""
    if seconds is None:
        return "-"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE - 0.5:
        return f"{seconds:.0f} s"
    if seconds < _HOUR - 0.5:
        return _two(seconds, _MINUTE, "min", 1, "s")
    return _two(seconds, _HOUR, "h", _MINUTE, "min")


def _two(seconds: float, large: float, large_unit: str, small: float, small_unit: str) -> str:
    total = round(seconds / small)
    whole, rest = divmod(total, round(large / small))
    return f"{whole} {large_unit} {rest} {small_unit}" if rest else f"{whole} {large_unit}"


def count(number: int | None, noun: str = "") -> str:
    """`1,234 tokens`; the noun gets its s where it is not one of them. A dash where it is not known."""
    if number is None:
        return "-"
    return f"{number:,}" + (f" {noun}{'' if number == 1 else 's'}" if noun else "")


def time_left(seconds: float) -> str:
    """`9 s`, `2 min 5 s`: an estimate has no tenths."""
    return f"{max(round(seconds), 1)} s" if seconds < _MINUTE - 0.5 else duration(seconds)


def pace(per_second: float) -> str:
    """`120/s`, `3.2/s`, `12/min`, `40/h`: whichever is a number that one can read."""
    if per_second >= 0.995:
        number, unit = per_second, "s"
    elif per_second * _MINUTE >= 0.995:
        number, unit = per_second * _MINUTE, "min"
    else:
        number, unit = per_second * _HOUR, "h"
    return f"{number:,.0f}/{unit}" if number >= 9.95 else f"{number:.1f}/{unit}"


def size(number: float) -> str:
    """Bytes: `340 B`, `1.2 MB`, in powers of 1000."""
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.2f} GB"


def money(usd: float | None) -> str:
    """`$0.0123`; `price unknown` where it is not known."""
    if usd is None:
        return "price unknown"
    if usd == 0:
        return "$0"
    return f"${usd:.2f}" if usd >= 0.995 else f"${usd:.4f}" if usd >= 0.00005 else "<$0.0001"


def tokens(usage: Usage) -> str:
    """`1,234 tokens (1,100 in, 134 out)`, with the cached and reasoning parts where there are any."""
    parts = [f"{usage.input:,} in", f"{usage.output:,} out"]
    if usage.cached:
        parts.append(f"{usage.cached:,} cached")
    if usage.reasoning:
        parts.append(f"{usage.reasoning:,} reasoning")
    return f"{count(usage.total, 'token')} ({', '.join(parts)})"
