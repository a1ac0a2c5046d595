"""Statistics over the runs on record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import Any

from agentcli.core.runs import RunQuery, RunRow
from agentcli.core.values import value
from agentcli.workbench.statistics.calls import MODEL_EVENTS, TOOL_EVENTS, CallCounter
from agentcli.workbench.statistics.figures import Figures, RunFigures
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.statistics.own_part import own_part
from agentcli.workbench.statistics.steps import StepCounter
from agentcli.workbench.wiring import Workbench

DEFAULT_GROUPINGS = (Grouping.AGENT, Grouping.MODEL, Grouping.TOOL)

_KEY_OF_RUN: dict[Grouping, Callable[[RunRow], str]] = {
    Grouping.AGENT: lambda row: row.start.name,
    Grouping.DAY: lambda row: time.strftime("%Y-%m-%d", time.localtime(row.start.started)),
    Grouping.STATUS: lambda row: row.status,
}

_EVENTS_OF = {Grouping.MODEL: MODEL_EVENTS, Grouping.TOOL: TOOL_EVENTS}


@value(frozen=True, slots=True)
class RunStats:
    """All runs together, and the rows of each grouping, the largest first (days: the newest).

    `partly` names the runs whose record cannot be read to its end: they are counted as far as it goes.
    """

    overall: RunFigures
    groups: dict[Grouping, Sequence[Figures]] = field(default_factory=dict)
    partly: tuple[str, ...] = ()


def run_stats(bench: Workbench, query: RunQuery, by: Sequence[Grouping] = DEFAULT_GROUPINGS) -> RunStats:
    """Figures over the runs that fit, child runs included: each tells of its own model and tool calls.

    Runs are grouped by agent, by the day on which they started (this machine's time zone) and by status; calls by model
    and by tool, steps by their workflow and id. What a fork copied from its parent is counted with the parent alone.
    Groupings of runs read the runs' rows; those of calls and steps go through their events. Raises StorageError.
    """
    rows = bench.journal.runs(replace(query, children=True, limit=None, offset=0))
    overall, calls, steps, partly = RunFigures("all"), CallCounter(), StepCounter(), set[str]()
    of_runs = {grouping: dict[str, RunFigures]() for grouping in by if grouping in _KEY_OF_RUN}
    types = tuple(kind for grouping in dict.fromkeys(by) for kind in _EVENTS_OF.get(grouping, ()))
    for row in rows:
        part = own_part(bench.journal, row)
        overall.add(part)
        for grouping, found in of_runs.items():
            key = _KEY_OF_RUN[grouping](row)
            found.setdefault(key, RunFigures(key)).add(part)
        whole = not types or calls.count(bench.journal, row, types)
        stepped = Grouping.STEP not in by or steps.count(bench.journal, row)
        if not (whole and stepped and part.whole):
            partly.add(row.start.id)
    counted: dict[Grouping, dict[str, Any]] = {
        **of_runs,
        Grouping.MODEL: calls.models,
        Grouping.TOOL: calls.tools,
        Grouping.STEP: steps.steps,
    }
    groups = {grouping: _in_order(grouping, counted[grouping].values()) for grouping in by}
    return RunStats(overall, groups, tuple(sorted(partly)))


def _in_order(grouping: Grouping, rows: Iterable[Figures]) -> Sequence[Figures]:
    if grouping is Grouping.DAY:
        return sorted(rows, key=lambda row: row.key, reverse=True)
    return sorted(rows, key=lambda row: (-row.count, row.key))
