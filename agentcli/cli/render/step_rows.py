"""One step of a workflow at work, as a row of a table: in which state it is, since when, and what it has used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["running", "failed", "cancelled", "pending", "skipped", "completed"]
STATES: tuple[State, ...] = get_args(State)
"""The first ones are what a person looks for first."""


@dataclass(slots=True, eq=False)
class Row:
    """A step: `path` is its id behind those of the workflows around it. Times are seconds of the run.

    `items` is how many its list has (None: no list, or not known yet), of which `over` are done with, whatever came of
    them. A step of a workflow that is carried out for a list is as many `passes`.
    """

    path: str
    name: str
    expected: int | None = 1
    state: State = "pending"
    reason: str = ""
    action: str = ""
    items: int | None = None
    over: int = 0
    failed: int = 0
    passes: int = 0
    active: int = 0
    attempt: int = 1
    round: int | None = None
    begun: float | None = None
    ended: float | None = None
    tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def depth(self) -> int:
        """How many workflows it is inside of, the outermost one not counted."""
        return self.path.count(".")

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state not in ("pending", "running")

    @property
    def done(self) -> float:
        """How much of it is done, from 0 to 1."""
        if self.is_over:
            return 1.0
        return self.over / self.items if self.items else 0.0

    @property
    def units(self) -> int | None:
        """How often its action is carried out, all in all; None where that is not known yet."""
        if self.is_over:
            return self.units_done
        return self.items if self.items is not None else self.expected

    @property
    def units_done(self) -> int:
        """How often that was done. A step that was skipped or stopped did nothing."""
        if self.items is not None:
            return self.over
        return 1 if self.state in ("completed", "failed") else 0

    def seconds(self, now: float) -> float | None:
        """How long it took, or has taken until now; None where it never began."""
        if self.begun is None:
            return None
        return (now if self.ended is None else self.ended) - self.begun

    def use(self, tokens: int, cost_usd: float | None) -> None:
        """Add what a request took; a price that is not known makes the sum unknown."""
        self.tokens += tokens
        self.cost_usd = None if self.cost_usd is None or cost_usd is None else self.cost_usd + cost_usd
