"""Steps of workflows, counted event by event."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcli.core.models import Usage
from agentcli.core.places import Place, place_of
from agentcli.core.runs import RunRow
from agentcli.journal.reading import Outline
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.statistics import fields
from agentcli.workbench.statistics.own_part import copied
from agentcli.workbench.statistics.spent import Spent
from agentcli.workbench.statistics.spread import Spread

StepEnd = Literal["completed", "skipped", "failed", "cancelled"]

STEP_EVENTS = (
    "step.started",
    "step.completed",
    "step.skipped",
    "step.failed",
    "step.cancelled",
    "step.retried",
    "turn.started",
    "tool.started",
    "model.completed",
)
_ENDS: dict[str, StepEnd] = {
    "step.completed": "completed",
    "step.skipped": "skipped",
    "step.failed": "failed",
    "step.cancelled": "cancelled",
}


@dataclass(slots=True)
class StepFigures:
    """A step, in all runs of its workflow. Durations are of those that began: from the first thing done in it on.

    `items` counts what its lists had, whatever came of them.
    """

    key: str
    ends: Counter[StepEnd] = field(default_factory=Counter)
    items: int = 0
    retries: int = 0
    spent: Spent = field(default_factory=Spent)
    durations: Spread = field(default_factory=Spread)

    @property
    def count(self) -> int:
        """How often it came to an end, that it was skipped included."""
        return self.ends.total()

    @property
    def failures(self) -> int:
        """How often it failed."""
        return self.ends["failed"]

    @property
    def error_rate(self) -> float | None:
        """The failures' share of those that came to something; None where none did."""
        tried = self.ends["completed"] + self.ends["failed"]
        return round(self.failures / tried, 6) if tried else None

    def to_json(self) -> dict[str, Any]:
        """One object of `runs stats --json`."""
        summary = self.durations.summary()
        return {
            "key": self.key,
            "steps": self.count,
            "statuses": dict(sorted(self.ends.items())),
            "error_rate": self.error_rate,
            "items": self.items,
            "retries": self.retries,
            **self.spent.to_json(),
            "duration_s": None if summary is None else summary.to_json(),
        }


class StepCounter:
    """Figures by step (`WORKFLOW/STEP`), of runs that are counted one after the other.

    A failure that a resumed run has superseded stays one: it was an attempt.
    """

    def __init__(self) -> None:
        self.steps: dict[str, StepFigures] = {}

    def count(self, journal: SqliteJournal, row: RunRow) -> bool:
        """Add the run's own events. False where its record cannot be read to the end.

        Raises StorageError for what is no damage.
        """
        begun: dict[str, float] = {}
        try:
            with fields.reading():
                for event in journal.outlines(row.start.id, STEP_EVENTS, copied(row)):
                    place = place_of(event.lane)
                    if place is not None:
                        key = f"{row.start.name}/{place.path}"
                        self._take(self.steps.setdefault(key, StepFigures(key)), place, event, begun)
        except fields.UnreadableError:
            return False
        return True

    def _take(self, step: StepFigures, place: Place, event: Outline, begun: dict[str, float]) -> None:
        lane = event.lane.removesuffix("/".join(place.within)).removesuffix("/")
        if event.type in _ENDS:
            self._end(step, place, event, begun.pop(lane, None) if place.is_step else None)
        elif event.type == "step.retried":
            step.retries += 1
        elif event.type != "step.started" or event.fields()["action"] == "workflow":
            begun.setdefault(lane, event.time)  # one that has only started may wait for others
        if event.type == "model.completed":
            found = event.fields()
            step.spent.add(fields.usage(Usage.from_json(found["usage"])), fields.cost(found["cost_usd"]))

    def _end(self, step: StepFigures, place: Place, event: Outline, begun: float | None) -> None:
        if place.is_item:
            step.items += 1
            return
        step.ends[_ENDS[event.type]] += 1
        if begun is not None:
            step.durations.add(max(0.0, event.time - begun))
