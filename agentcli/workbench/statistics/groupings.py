"""By what figures are put together."""

from __future__ import annotations

from enum import StrEnum


class Grouping(StrEnum):
    """Runs by agent, day and status; calls by model and by tool; steps of workflows."""

    AGENT = "agent"
    MODEL = "model"
    TOOL = "tool"
    DAY = "day"
    STATUS = "status"
    STEP = "step"
