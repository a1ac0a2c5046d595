"""When a parcel arrives: typed, documented functions that the agent `parcels` can call.

`@tool` makes a function a tool. Models are told its types and its docstring; the code runs in a process of its own, and
only in a project that you trust. `agentcli tools show delivery_date` shows what is understood of it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from agentcli import tool

WORKING_DAYS = {"standard": 5, "express": 2}


@tool(effects="read-only", examples=[{"ordered": "2026-11-20", "service": "express"}])
def delivery_date(ordered: date, service: Literal["standard", "express"] = "standard") -> str:
    """Tell the day on which a parcel arrives at the latest.

    Args:
        ordered: The day of the order, such as 2026-11-20.
        service: How it is sent.

    Returns:
        The day, such as 2026-11-27.
    """
    day, left = ordered, WORKING_DAYS[service]
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day.isoformat()
