"""What two runs came to: status, turns, tokens, cost, time, output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentcli.core.canonical import Json
from agentcli.core.events import ModelCompleted, RunCompleted
from agentcli.core.models import Usage
from agentcli.core.values import value
from agentcli.workbench.comparing.differences import Difference, Place, differences
from agentcli.workbench.comparing.records import RunRecord
from agentcli.workbench.comparing.steps import Step


@value(frozen=True, slots=True)
class Figure:
    """A number of each run; None where it is not known. `counts` is False for what is another one every time."""

    name: str
    a: float | None
    b: float | None
    counts: bool = True

    @property
    def delta(self) -> float | None:
        """How much more it is in the second run."""
        return None if self.a is None or self.b is None else round(self.b - self.a, 9)

    @property
    def percent(self) -> float | None:
        """The same as a part of the first run's, in percent; None where that is 0."""
        delta = self.delta
        return None if delta is None or not self.a else round(100 * delta / self.a, 1)

    @property
    def differs(self) -> bool:
        """Whether it makes a difference between the runs."""
        return self.counts and self.a != self.b

    def to_json(self) -> dict[str, Any]:
        """Both numbers, and how far they are apart."""
        return {"a": self.a, "b": self.b, "delta": self.delta, "percent": self.percent}


@value(frozen=True, slots=True)
class Totals:
    """The figures, and what differs in status, error and output."""

    figures: tuple[Figure, ...]
    differences: tuple[Difference, ...]

    @property
    def differs(self) -> bool:
        """Whether anything but the time differs."""
        return bool(self.differences) or any(figure.differs for figure in self.figures)

    def to_json(self) -> dict[str, Any]:
        """The figures by name, then the list of differences."""
        figures = {figure.name: figure.to_json() for figure in self.figures}
        return {**figures, "differences": [difference.to_json() for difference in self.differences]}


def totals(a: RunRecord, b: RunRecord, a_steps: Sequence[Step], b_steps: Sequence[Step]) -> Totals:
    """What both came to; for a run without an end, what it came to so far."""
    left, right = _ending(a), _ending(b)
    found = [
        one
        for aspect in left
        for one in differences(left[aspect], right[aspect], Place(aspect), prose=aspect == "output")
    ]
    numbers = zip(_figures(a, a_steps).items(), _figures(b, b_steps).values(), strict=True)
    figures = [Figure(name, left, right, counts=name != "duration_s") for (name, left), right in numbers]
    return Totals(tuple(figures), tuple(found))


def _ending(run: RunRecord) -> dict[str, Json]:
    bodies = [event.body for event in run.events if isinstance(event.body, RunCompleted)]
    last = bodies[-1] if bodies and run.row.end is not None else None
    return {
        "status": run.row.status,
        "exit_code": run.row.end and run.row.end.exit_code,
        "error": last and last.error and last.error.to_json(),
        "output": last and last.output,
    }


def _figures(run: RunRecord, steps: Sequence[Step]) -> dict[str, float | None]:
    end, answers = run.row.end, [event.body for event in run.events if isinstance(event.body, ModelCompleted)]
    usage = end.usage if end else sum((body.usage for body in answers), Usage())
    return {
        "turns": end.turns if end else len(run.of_type("turn.started")),
        "tool_calls": sum(step.kind == "tool" for step in steps),
        "tokens": usage.total,
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cost_usd": end.cost_usd if end else _cost(answers),
        "duration_s": end.duration_s if end else _duration(run),
    }


def _cost(answers: Sequence[ModelCompleted]) -> float | None:
    costs = [body.cost_usd for body in answers if body.cost_usd is not None]
    return sum(costs) if len(costs) == len(answers) else None


def _duration(run: RunRecord) -> float | None:
    """From the first event to the last; the clock that never steps begins anew when a run is taken up again."""
    return round(max(0.0, run.events[-1].time - run.events[0].time), 6) if run.events else None
