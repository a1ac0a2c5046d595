"""What one run itself did.

A fork begins with a copy of its parent's events up to the cut: those are the parent's, and are counted there alone.
"""

from __future__ import annotations

from dataclasses import replace

from agentcli.core.models import Usage
from agentcli.core.runs import RunEnd, RunRow
from agentcli.core.values import value
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.statistics import fields
from agentcli.workbench.statistics.spent import Spent

_NOTHING = Usage()
_COUNTED = ("turn.started", "model.completed")


@value(frozen=True, slots=True)
class OwnPart:
    """A run without what it copied. `duration_s` and `ended` are None while it has no end.

    `whole` is false where its record cannot be read to the end: then the rest is what stands before.
    """

    row: RunRow
    turns: int = 0
    usage: Usage = _NOTHING
    cost_usd: float | None = 0.0
    duration_s: float | None = None
    ended: float | None = None
    whole: bool = True


def copied(row: RunRow) -> int:
    """The seq of the last event that is the parent's; 0 for a run that copied nothing."""
    return row.start.cut or 0 if row.start.relation == "fork" else 0


def own_part(journal: SqliteJournal, row: RunRow) -> OwnPart:
    """From the run's row where that says it all, else from its events. Raises StorageError for what is no damage.

    The row of a workflow may tell what the runs of its own rows took as well.
    """
    try:
        end = _checked(row.end)
    except (ValueError, TypeError):
        return OwnPart(row, whole=False)
    if end is not None and not copied(row) and row.start.kind != "workflow":
        return OwnPart(row, end.turns, end.usage, end.cost_usd, end.duration_s, end.ended)
    return _counted(journal, row, end)


def _checked(end: RunEnd | None) -> RunEnd | None:
    if end is not None:
        fields.amount(end.duration_s)
        fields.amount(end.ended)
        fields.cost(end.cost_usd)
        fields.count(end.turns)
        fields.usage(end.usage)
    return end


def _counted(journal: SqliteJournal, row: RunRow, end: RunEnd | None) -> OwnPart:
    turns, spent, whole = 0, Spent(), True
    try:
        with fields.reading():
            for event in journal.outlines(row.start.id, _COUNTED, copied(row)):
                if event.type == "turn.started":
                    turns += 1
                else:
                    found = event.fields()
                    spent.add(fields.usage(Usage.from_json(found["usage"])), fields.cost(found["cost_usd"]))
    except fields.UnreadableError:
        whole = False
    cost = None if spent.unpriced else spent.known_cost
    part = OwnPart(row, turns, spent.usage, cost, whole=whole)
    if end is None:
        return part
    # The end of a fork tells of all its events; it cannot have worked longer than since it was made.
    took = min(end.duration_s, max(0.0, end.ended - row.start.started))
    return replace(part, duration_s=took, ended=end.ended)
