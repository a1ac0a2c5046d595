"""Numbers for people: durations, counts, bytes, money, and moments as this machine has them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from agentcli.core.quantities import count, duration, money, pace, size, time_left, tokens

__all__ = ["count", "duration", "local_time", "moment", "money", "pace", "size", "time_left", "tokens"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def moment(unix_seconds: float, now: float) -> str:
    """How long ago, for the last week: `just now`, `5 min ago`, `3 h ago`, `2 d ago`; else the local date."""
    past = now - unix_seconds
    if past < 0 or past >= 7 * _DAY:
        return time.strftime("%Y-%m-%d", time.localtime(unix_seconds))
    if past < _MINUTE:
        return "just now"
    if past < _HOUR:
        return f"{past // _MINUTE:.0f} min ago"
    if past < _DAY:
        return f"{past // _HOUR:.0f} h ago"
    return f"{past // _DAY:.0f} d ago"


def local_time(unix_seconds: float) -> str:
    """`2026-11-21 08:15:32` in the time zone of this machine."""
    return datetime.fromtimestamp(unix_seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
