"""What happened otherwise: every step that is not the same, and what is different in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from agentcli.core.values import value
from agentcli.workbench.comparing.alignment import Pair
from agentcli.workbench.comparing.differences import Difference, Place, differences
from agentcli.workbench.comparing.files import file_differences, left_behind
from agentcli.workbench.comparing.records import Records

State: TypeAlias = Literal["same", "changed", "added", "removed"]

_PROSE = frozenset({"answer", "reasoning", "result"})


@value(frozen=True, slots=True)
class StepDiff:
    """A step of both runs, or of one; `differences` are those in it, in the order in which they came about."""

    pair: Pair
    differences: tuple[Difference, ...] = ()

    @property
    def state(self) -> State:
        """Whether both runs have the step, and the same one."""
        if self.pair.a is None:
            return "added"
        if self.pair.b is None:
            return "removed"
        return "changed" if self.differences else "same"

    def to_json(self) -> dict[str, Any]:
        """Where it stands in each run (None where it does not), and its differences."""
        pair, step = self.pair, self.pair.step
        return {
            "state": self.state,
            "kind": step.kind,
            "name": step.name,
            "a": pair.a and pair.a.to_json(),
            "b": pair.b and pair.b.to_json(),
            "differences": [difference.to_json() for difference in self.differences],
        }


def step_diffs(records: Records, pairs: Sequence[Pair]) -> list[StepDiff]:
    """All steps, the same ones too."""
    return [StepDiff(pair, tuple(_differences(records, pair))) for pair in pairs]


def _differences(records: Records, pair: Pair) -> Iterator[Difference]:
    if pair.a is None or pair.b is None:
        return
    a, b = pair.a.parts, pair.b.parts
    for aspect in [*a, *(name for name in b if name not in a)]:
        if aspect == "files":
            yield from file_differences(records, left_behind(a.get(aspect, {})), left_behind(b.get(aspect, {})))
        elif aspect != "data" or a.get("result") == b.get("result"):  # otherwise it says the same as the result
            yield from differences(a.get(aspect), b.get(aspect), Place(aspect), prose=aspect in _PROSE)
