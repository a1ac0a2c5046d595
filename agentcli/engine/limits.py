"""What a run has used, and when that is enough."""

from __future__ import annotations

from agentcli.core.events import LimitReached
from agentcli.core.limits import Limits
from agentcli.core.models import Usage
from agentcli.errors import LimitError, RunError

STEP_SECONDS = "step_seconds"
"""The name of the time that one try of a step has."""

NO_LIMITS = Limits(turns=None)
"""What a part of a run starts from: only what it says itself holds for it."""

_UNITS = {"turns": "turns", "tokens": "tokens", "cost_usd": "US dollars", "seconds": "seconds", STEP_SECONDS: "seconds"}


class Budget:
    """Counts turns, tokens and cost of one run, or of a part of one: what that uses counts for the `whole` too.

    `cost_usd` becomes None once a price was not known.
    """

    def __init__(self, limits: Limits, whole: Budget | None = None) -> None:
        self.limits = limits
        self.whole = whole
        self.turns = 0
        self.usage = Usage()
        self.cost_usd: float | None = 0.0
        self._known_cost = 0.0

    @property
    def root(self) -> Budget:
        """The budget of the run."""
        return self if self.whole is None or isinstance(self.whole, SharedBudget) else self.whole.root

    def count(self, usage: Usage, cost_usd: float | None) -> None:
        """Add what a model call used."""
        self.usage += usage
        self._known_cost += cost_usd or 0.0
        self.cost_usd = None if cost_usd is None or self.cost_usd is None else self._known_cost
        if self.whole is not None:
            self.whole.count(usage, cost_usd)

    def open_turn(self) -> int:
        """The number of the next turn, which counts from now on."""
        if self.whole is not None:
            self.whole.open_turn()
        self.turns += 1
        return self.turns

    def add(self, usage: Usage, cost_usd: float | None, turns: int) -> None:
        """Add what another run used, or a part of one."""
        self.count(usage, cost_usd)
        self.turns += turns

    def exhausted(self) -> LimitReached | None:
        """The first limit that allows no further turn. A cost that is not known cannot be held under one."""
        used = {"turns": self.turns, "tokens": self.usage.total, "cost_usd": self._known_cost}
        for name, value in used.items():
            allowed = getattr(self.limits, name)
            unknown = name == "cost_usd" and self.cost_usd is None
            if allowed is not None and (value >= allowed or unknown):
                return LimitReached(name, value, allowed)
        return self.whole.exhausted() if self.whole is not None else None


class SharedBudget(Budget):
    """What runs side by side may use together: `done` counts those that are over, `at_work` holds the others' own."""

    def __init__(self, done: Budget) -> None:
        super().__init__(done.limits)
        self.at_work: dict[int, Budget] = {}
        self._done = done

    def count(self, usage: Usage, cost_usd: float | None) -> None:
        """Nothing: whoever uses it has counted it, and stands in `at_work`."""

    def open_turn(self) -> int:
        """See `count`."""
        return 0

    def exhausted(self) -> LimitReached | None:
        """See `Budget`."""
        if self._done.limits == NO_LIMITS:
            return None
        together = Budget(self._done.limits)
        for one in (self._done, *self.at_work.values()):
            together.add(one.usage, one.cost_usd, one.turns)
        return together.exhausted()


def limit_error(reached: LimitReached, *, of_part: bool = False) -> LimitError | RunError:
    """The error for a limit that was reached: LimitError where it is the run's; that of a part of it fails the part."""
    name, unit = reached.limit, _UNITS[reached.limit]
    used = f"It had used {reached.used:g} {unit}."
    if name == "cost_usd" and reached.used < reached.allowed:
        used = f"It had used {reached.used:g} {unit}, and a call whose price is not known."
    if name == STEP_SECONDS:
        what = f"The step did not end within its {reached.allowed:g} seconds."
        return RunError("E-STEP-TIMEOUT", what, why=used, fix="Raise `timeout:` of the step.")
    code = f"E-LIMIT-{name.upper().replace('_', '-')}"
    if of_part:
        what = f"The step was stopped by its limit of {reached.allowed:g} {unit}."
        return RunError(code, what, why=used, fix="Raise it under `limits:` of the step, its workflow or its agent.")
    return LimitError(
        code,
        f"The run was stopped by its limit of {reached.allowed:g} {unit}.",
        why=used,
        fix=f"Raise it with `--limit {name}=…`, or under `limits:` in the template.",
        limit=name,
    )
