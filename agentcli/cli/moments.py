"""Moments as people type them: `2h`, `3d`, `2026-11-20`, `2026-11-20T08:15:00Z`."""

from __future__ import annotations

import re
from datetime import datetime

from agentcli.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])", re.ASCII)


def since(text: str, now: float) -> float:
    """Unix seconds: that long before `now`, or that date in local time. Raises UsageError."""
    span = _SPAN.fullmatch(text.strip().lower())
    if span:
        return now - int(span[1]) * _UNITS[span[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            "E-USAGE-TIME",
            f"`{text}` is not a time.",
            why="A time is a span before now (s, m, h, d, w) or a date.",
            fix="Write 30m, 2h, 3d, 1w, 2026-11-20 or 2026-11-20T08:15.",
        ) from error
