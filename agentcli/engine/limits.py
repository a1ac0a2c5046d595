"""What a run has used, and when that is enough."""

from __future__ import annotations

from agentcli.core.events import LimitReached
from agentcli.core.limits import Limits
from agentcli.core.models import Usage
from agentcli.errors import LimitError

_UNITS = {"turns": "turns", "tokens": "tokens", "cost_usd": "US dollars", "seconds": "seconds"}


class Budget:
    """Counts turns, tokens and cost of one run. `cost_usd` becomes None once a price was not known."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.turns = 0
        self.usage = Usage()
        self.cost_usd: float | None = 0.0

    def count(self, usage: Usage, cost_usd: float | None) -> None:
        """Add what a model call used."""
        self.usage += usage
        self.cost_usd = None if cost_usd is None or self.cost_usd is None else self.cost_usd + cost_usd

    def open_turn(self) -> int:
        """The number of the next turn, which counts from now on."""
        self.turns += 1
        return self.turns

    def exhausted(self) -> LimitReached | None:
        """The first limit that allows no further turn."""
        used = {"turns": self.turns, "tokens": self.usage.total, "cost_usd": self.cost_usd or 0.0}
        for name, value in used.items():
            allowed = getattr(self.limits, name)
            if allowed is not None and value >= allowed:
                return LimitReached(name, value, allowed)
        return None


def limit_error(reached: LimitReached) -> LimitError:
    """The error for a limit that was reached."""
    name, unit = reached.limit, _UNITS[reached.limit]
    return LimitError(
        f"E-LIMIT-{name.upper().replace('_', '-')}",
        f"The run was stopped by its limit of {reached.allowed:g} {unit}.",
        why=f"It had used {reached.used:g} {unit}.",
        fix=f"Raise it with --limit {name}=… or under `limits:` in the template.",
        limit=name,
    )
