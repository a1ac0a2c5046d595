"""Whether two runs have a common past: one a fork of the other, both forks of a third, or one conversation."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from agentcli.core.runs import Relation, RunRow
from agentcli.core.values import value
from agentcli.errors import AgentcliError
from agentcli.workbench.comparing.records import Records, RunRecord

_MOST_GENERATIONS = 100


@value(frozen=True, slots=True)
class Descent:
    """`run` came from `parent`: `changes` are what a fork at the parent's event `cut` was told to do otherwise."""

    run: str
    parent: str
    relation: Relation | None
    cut: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@value(frozen=True, slots=True)
class Lineage:
    """How both came from the run `common`, newest descent first; neither has one where that is the run itself."""

    common: str
    a: tuple[Descent, ...] = ()
    b: tuple[Descent, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The common run, and each run's descents."""
        return {
            "common": self.common,
            "a": [descent.to_json() for descent in self.a],
            "b": [descent.to_json() for descent in self.b],
        }


def lineage(records: Records, a: RunRecord, b: RunRecord) -> Lineage | None:
    """Their nearest common past; None where they have none."""
    left, right = _descents(records, a), _descents(records, b)
    others = [b.id, *(descent.parent for descent in right)]
    for generation, run in enumerate([a.id, *(descent.parent for descent in left)]):
        if run in others:
            return Lineage(run, tuple(left[:generation]), tuple(right[: others.index(run)]))
    return None


def _descents(records: Records, run: RunRecord) -> list[Descent]:
    """From the run back to the first of its line; a run that is not there any more ends it."""
    descents: list[Descent] = []
    row: RunRow | None = run.row
    while row is not None and (parent := row.start.parent) is not None and len(descents) < _MOST_GENERATIONS:
        start = row.start
        descents.append(Descent(start.id, parent, start.relation, start.cut, _changes(run, parent)))
        row = _row(records, parent)
    return descents


def _changes(run: RunRecord, parent: str) -> dict[str, Any]:
    """What the fork of `parent` changed. A fork has the events of its parents, so also those of their forks."""
    return next((era.changes for era in reversed(run.eras) if era.origin == parent), {})


def _row(records: Records, run: str) -> RunRow | None:
    try:
        row = records.find(run)
    except AgentcliError:
        return None
    return row if row.start.id == run else None
