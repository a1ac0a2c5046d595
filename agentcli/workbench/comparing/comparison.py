"""Two runs, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from agentcli.core.values import value
from agentcli.workbench.comparing.alignment import Pair, align
from agentcli.workbench.comparing.causes import causes
from agentcli.workbench.comparing.differences import Difference
from agentcli.workbench.comparing.effects import StepDiff, step_diffs
from agentcli.workbench.comparing.lineage import Lineage, lineage
from agentcli.workbench.comparing.records import Records, RunRecord
from agentcli.workbench.comparing.requests import FirstRequest, Requests
from agentcli.workbench.comparing.steps import Step, steps_of
from agentcli.workbench.comparing.totals import Totals, totals

Origin: TypeAlias = Literal["request", "model", "files", "tool", "approval", "run"]
"""Why the first step that differs does: the model was asked something else; it answered the same request otherwise; a
file that a tool touched held something else; a tool gave another result for the same call; somebody approved
otherwise; or the runs took another way between two steps (a limit, an interruption, another version)."""


@value(frozen=True, slots=True)
class FirstStep:
    """The first step that differs, as it is in each run (None where it is not), and why it does."""

    a: Step | None
    b: Step | None
    origin: Origin

    @property
    def step(self) -> Step:
        """The step of one of them."""
        return Pair(self.a, self.b).step

    def to_json(self) -> dict[str, Any]:
        """Where it stands in each run, and the origin."""
        return {
            "kind": self.step.kind,
            "name": self.step.name,
            "a": self.a and self.a.to_json(),
            "b": self.b and self.b.to_json(),
            "origin": self.origin,
        }


@value(frozen=True, slots=True)
class Comparison:
    """What differs between two runs: what went in, what happened, what it came to.

    `asked` is the first request to a model that was another one, `first` the first step. `missing` says, a sentence
    each, what the journal does not hold any more and what is therefore not compared.
    """

    a: RunRecord
    b: RunRecord
    lineage: Lineage | None
    cause: tuple[Difference, ...]
    steps: tuple[StepDiff, ...]
    asked: FirstRequest | None
    first: FirstStep | None
    totals: Totals

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be read of either run."""
        return tuple(dict.fromkeys((*self.a.missing, *self.b.missing)))

    @property
    def differs(self) -> bool:
        """Whether anything differs but times and ids."""
        return bool(self.cause or self.asked or self.first or self.totals.differs)

    def to_json(self) -> dict[str, Any]:
        """The object that `agentcli diff --json` prints."""
        return {
            "same": not self.differs,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "lineage": self.lineage and self.lineage.to_json(),
            "cause": [difference.to_json() for difference in self.cause],
            "effect": {
                "first_request": self.asked and self.asked.to_json(),
                "first_step": self.first and self.first.to_json(),
                "steps": [step.to_json() for step in self.steps],
            },
            "totals": self.totals.to_json(),
            "missing": list(self.missing),
        }


def compare_runs(records: Records, a: RunRecord, b: RunRecord) -> Comparison:
    """Compare two runs as they are on record; nothing is executed, and nothing is written."""
    left, right = steps_of(a.events), steps_of(b.events)
    steps = tuple(step_diffs(records, align(left, right)))
    requests = Requests(records, a, b)
    cause = tuple(causes(records, a, b))
    return Comparison(
        a=a,
        b=b,
        lineage=lineage(records, a, b),
        cause=cause,
        steps=steps,
        asked=requests.first(left, right),
        first=_First(left, right, requests, cause).among(steps),
        totals=totals(a, b, left, right),
    )


@value(frozen=True, slots=True)
class _First:
    """Finds the first step that differs, and why it does."""

    a: Sequence[Step]
    b: Sequence[Step]
    requests: Requests
    cause: Sequence[Difference]

    def among(self, steps: Sequence[StepDiff]) -> FirstStep | None:
        """The earliest of the threads' first ones: threads that ran beside each other are listed in turn."""
        different: dict[str, StepDiff] = {}
        for step in steps:
            if step.state != "same":
                different.setdefault(step.pair.step.thread, step)
        diff = min(different.values(), key=lambda step: step.pair.step.seq, default=None)
        return None if diff is None else self._explained(diff)

    def _explained(self, diff: StepDiff) -> FirstStep:
        a, b = diff.pair.a, diff.pair.b
        if diff.pair.step.kind == "model":  # until then both asked alike: the n-th answer stands beside the n-th
            a = a or (b and _same_place(b, self.b, self.a))
            b = b or (a and _same_place(a, self.a, self.b))
        if a is None or b is None:
            return FirstStep(a, b, "run")
        if a.kind == "model":
            return FirstStep(a, b, "request" if self.requests.compare(a, b) is not None else "model")
        return FirstStep(a, b, self._of_call(diff, a, b))

    def _of_call(self, diff: StepDiff, a: Step, b: Step) -> Origin:
        aspects = {difference.aspect for difference in diff.differences}
        if a.kind != "tool" or "arguments" in aspects:
            return "run"
        if "approval" in aspects:
            return "approval"
        changed = {one.name for one in self.cause if one.aspect == "files"}
        return "files" if changed & (a.touched | b.touched) else "tool"


def _same_place(step: Step, steps: Sequence[Step], others: Sequence[Step]) -> Step | None:
    """The answer that is the n-th of its thread, where `step` is the n-th of the same thread among `steps`."""
    alike, theirs = (
        [one for one in run if (one.kind, one.thread) == ("model", step.thread)] for run in (steps, others)
    )
    place = alike.index(step)
    return theirs[place] if place < len(theirs) else None
