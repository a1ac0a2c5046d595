"""What is counted: of runs, of a model's calls, of a tool's calls. Each is one row of a grouping."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agentcli.core.events import rfc3339
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus
from agentcli.core.tools import ToolStatus
from agentcli.workbench.statistics.own_part import OwnPart
from agentcli.workbench.statistics.spent import Spent
from agentcli.workbench.statistics.spread import Spread, Summary
from agentcli.workbench.statistics.steps import StepFigures

FAILURES: frozenset[RunStatus] = frozenset(("failed", "limited", "denied", "interrupted"))
"""How a run ends without what it was asked for. One that its user cancelled is no failure."""

_HOUR = 3600.0


@dataclass(slots=True)
class RunFigures:
    """Runs. The durations are of those that ended; tokens and cost of all, as far as they are."""

    key: str
    statuses: Counter[RunStatus] = field(default_factory=Counter)
    turns: int = 0
    spent: Spent = field(default_factory=Spent)
    durations: Spread = field(default_factory=Spread)
    first: float | None = None
    last: float = 0.0

    def add(self, part: OwnPart) -> None:
        """One more run."""
        started = part.row.start.started
        self.statuses[part.row.status] += 1
        self.turns += part.turns
        self.spent.add(part.usage, part.cost_usd)
        if part.duration_s is not None:
            self.durations.add(part.duration_s)
        self.first = started if self.first is None else min(self.first, started)
        self.last = max(self.last, started, part.ended or started)

    @property
    def count(self) -> int:
        """How many runs."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """How many of them ended without what they were asked for."""
        return sum(self.statuses[status] for status in FAILURES)

    @property
    def error_rate(self) -> float | None:
        """The failures' share of the runs that are over; None where none is."""
        return _share(self.failures, self.count - self.statuses["running"])

    @property
    def per_hour(self) -> float | None:
        """Runs an hour between the first start and the last end; None where that is no time."""
        took = 0.0 if self.first is None else self.last - self.first
        return self.count / took * _HOUR if took > 0 else None

    def to_json(self) -> dict[str, Any]:
        """One object of `runs stats --json`. `first` and `last` are RFC 3339, UTC."""
        return {
            "key": self.key,
            "runs": self.count,
            "statuses": dict(sorted(self.statuses.items())),
            "error_rate": _rounded(self.error_rate),
            "turns": self.turns,
            **self.spent.to_json(),
            "duration_s": _json(self.durations.summary()),
            "first": None if self.first is None else rfc3339(self.first),
            "last": None if self.first is None else rfc3339(self.last),
            "runs_per_hour": _rounded(self.per_hour),
        }


@dataclass(slots=True)
class ModelFigures:
    """One model's calls. `first_piece` is the wait for the first text, of the answers that were streamed."""

    key: str
    answered: int = 0
    failed: int = 0
    fallbacks: int = 0
    retries: int = 0
    spent: Spent = field(default_factory=Spent)
    durations: Spread = field(default_factory=Spread)
    first_piece: Spread = field(default_factory=Spread)
    seconds: float = 0.0

    def answer(self, usage: Usage, cost_usd: float | None, seconds: float, first_piece: float | None) -> None:
        """One more answer."""
        self.answered += 1
        self.spent.add(usage, cost_usd)
        self.durations.add(seconds)
        self.seconds += seconds
        if first_piece is not None:
            self.first_piece.add(first_piece)

    @property
    def count(self) -> int:
        """How often it was asked; what was tried again within a call counts as one."""
        return self.answered + self.failures

    @property
    def failures(self) -> int:
        """How often it could not answer, whether another model of the chain then did or not."""
        return self.failed + self.fallbacks

    @property
    def error_rate(self) -> float | None:
        """The failures' share; None where it was never asked."""
        return _share(self.failures, self.count)

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens of output for each second of waiting; None where there was no waiting."""
        return self.spent.output / self.seconds if self.seconds > 0 else None

    def to_json(self) -> dict[str, Any]:
        """One object of `runs stats --json`."""
        return {
            "key": self.key,
            "calls": self.count,
            "answered": self.answered,
            "failed": self.failed,
            "fallbacks": self.fallbacks,
            "error_rate": _rounded(self.error_rate),
            "retries": self.retries,
            **self.spent.to_json(),
            "duration_s": _json(self.durations.summary()),
            "first_piece_s": _json(self.first_piece.summary()),
            "output_tokens_per_s": _rounded(self.tokens_per_s),
        }


@dataclass(slots=True)
class ToolFigures:
    """One tool's calls. The durations leave out those that were denied: nothing was done.

    `cached` results came from a cache, `retries` were further attempts within a call, `waited_s` was for rate limits,
    `flagged` results read as if they wanted to instruct the model.
    """

    key: str
    statuses: Counter[ToolStatus] = field(default_factory=Counter)
    asked: int = 0
    refused: int = 0
    cached: int = 0
    retries: int = 0
    waited_s: float = 0.0
    flagged: int = 0
    durations: Spread = field(default_factory=Spread)

    def call(self, status: ToolStatus, seconds: float, *, flagged: bool = False) -> None:
        """One more call that came to an end."""
        self.statuses[status] += 1
        self.flagged += flagged
        if status != "denied":
            self.durations.add(seconds)

    @property
    def count(self) -> int:
        """How many calls."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """How many failed or ran out of time."""
        return self.statuses["error"] + self.statuses["timeout"]

    @property
    def error_rate(self) -> float | None:
        """The failures' share; None where it was asked about and never called."""
        return _share(self.failures, self.count)

    def to_json(self) -> dict[str, Any]:
        """One object of `runs stats --json`."""
        return {
            "key": self.key,
            "calls": self.count,
            "statuses": dict(sorted(self.statuses.items())),
            "error_rate": _rounded(self.error_rate),
            "approvals_asked": self.asked,
            "approvals_refused": self.refused,
            "cached": self.cached,
            "retries": self.retries,
            "waited_s": round(self.waited_s, 3),
            "flagged": self.flagged,
            "duration_s": _json(self.durations.summary()),
        }


Figures: TypeAlias = RunFigures | ModelFigures | ToolFigures | StepFigures


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _json(summary: Summary | None) -> dict[str, Any] | None:
    return None if summary is None else summary.to_json()
