"""When a parcel arrives: a plain Python function, typed and documented, ready to become a tool of an agent.

This version of agentcli runs its built-in tools only; nothing loads this file yet.
"""

from __future__ import annotations

from datetime import date, timedelta

WORKING_DAYS = {"standard": 5, "express": 2}


def delivery_date(ordered: str, service: str = "standard") -> str:
    """The day on which a parcel arrives at the latest.

    `ordered` is the day of the order (2026-11-21), `service` is standard or express. Raises ValueError for others.
    """
    if service not in WORKING_DAYS:
        raise ValueError(f"expected one of {', '.join(WORKING_DAYS)}, got {service}")
    day = date.fromisoformat(ordered)
    left = WORKING_DAYS[service]
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day.isoformat()
