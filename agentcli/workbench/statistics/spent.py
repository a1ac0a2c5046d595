"""Tokens and money, added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentcli.core.models import Usage


@dataclass(slots=True)
class Spent:
    """Tokens and money. `unpriced` counts the runs or calls whose price is not known."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    known_cost: float = 0.0
    priced: int = 0
    unpriced: int = 0

    def add(self, usage: Usage, cost_usd: float | None) -> None:
        """What one run or call took."""
        self.input += usage.input
        self.output += usage.output
        self.cached += usage.cached
        self.reasoning += usage.reasoning
        self.known_cost += cost_usd or 0.0
        self.priced += cost_usd is not None
        self.unpriced += cost_usd is None

    @property
    def usage(self) -> Usage:
        """The tokens."""
        return Usage(self.input, self.output, self.cached, self.reasoning)

    @property
    def cost_usd(self) -> float | None:
        """What is known of the cost; None where nothing is."""
        return None if self.unpriced and not self.priced else self.known_cost

    def to_json(self) -> dict[str, Any]:
        """`usage`, `cost_usd` and `cost_unknown`: the cost is that of all others."""
        cost = self.cost_usd
        return {
            "usage": self.usage.to_json(),
            "cost_usd": None if cost is None else round(cost, 9),
            "cost_unknown": self.unpriced,
        }
