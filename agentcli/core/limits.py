"""Limits, as a template or a person sets them."""

from __future__ import annotations

from typing import Any

from agentcli.core.values import value


@value(frozen=True, slots=True)
class Limits:
    """What may be used up before a run is stopped; None is no limit.

    `seconds` counts the whole run, `tool_seconds` one tool call, `tokens` input and output of all turns.
    """

    turns: int | None = 20
    tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    tool_seconds: float = 30.0

    def to_json(self) -> dict[str, Any]:
        """All of them, also those not set."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
