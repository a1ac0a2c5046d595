"""Statistics: what all runs come to, then a table for each grouping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agentcli.cli.render.items import print_fields
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, duration, local_time, money, tokens
from agentcli.cli.render.table import Cell, Column, print_table
from agentcli.cli.render.text import one_line
from agentcli.core.values import value
from agentcli.workbench.run_stats import RunStats
from agentcli.workbench.statistics.figures import Figures, RunFigures
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.statistics.spent import Spent
from agentcli.workbench.statistics.spread import Summary

KEY_WIDTH = 60
"""Characters of a name at most: it may come from anywhere."""

_TELLING_S = 60.0
"""Over less time than this, runs an hour say nothing."""


@value(frozen=True, slots=True)
class _Row:
    """Figures, and what their durations come to."""

    figures: Any
    took: Summary | None


@value(frozen=True, slots=True)
class _Measure:
    """A column of numbers. A `sparse` one is left out where no row has anything to say in it."""

    column: Column
    text: Callable[[_Row], str]
    sparse: bool = False


def _number(title: str, text: Callable[[Any], str], drop: int = 0, *, sparse: bool = False) -> _Measure:
    return _Measure(Column(title, right=True, drop=drop), lambda row: text(row.figures), sparse)


def _percentile(title: str, name: str, drop: int = 0) -> _Measure:
    return _Measure(
        Column(title, right=True, drop=drop), lambda row: duration(getattr(row.took, name) if row.took else None)
    )


_FAILED = (
    _number("FAILED", lambda row: count(row.failures)),
    _number("RATE", lambda row: percent(row.error_rate), 5),
)
_SPENT = (
    _number("IN", lambda row: count(row.spent.input), 9),
    _number("OUT", lambda row: count(row.spent.output), 9),
    _number("CACHED", lambda row: _some(row.spent.cached), 11, sparse=True),
    _number("REASONING", lambda row: _some(row.spent.reasoning), 11, sparse=True),
    _number("COST", lambda row: "?" if row.spent.cost_usd is None else money(row.spent.cost_usd)),
    _number("UNPRICED", lambda row: _some(row.spent.unpriced), 8, sparse=True),
)
_TIMES = (
    _percentile("P50", "p50"),
    _percentile("P90", "p90", 4),
    _percentile("P99", "p99", 3),
    _percentile("MAX", "max", 2),
)
_RUNS = (
    _number("RUNS", lambda row: count(row.count)),
    *_FAILED,
    _number("TURNS", lambda row: count(row.turns), 10),
    _number("TOKENS", lambda row: count(row.spent.usage.total), 1),
    *_SPENT,
    *_TIMES,
)
_MODELS = (
    _number("CALLS", lambda row: count(row.count)),
    *_FAILED,
    _number("RETRIES", lambda row: _some(row.retries), 6, sparse=True),
    _number("FALLBACKS", lambda row: _some(row.fallbacks), 7, sparse=True),
    _number("TOKENS", lambda row: count(row.spent.usage.total), 1),
    *_SPENT,
    *_TIMES,
    _number("FIRST", lambda row: _median(row.first_piece.summary()), 6, sparse=True),
    _number("TOK/S", lambda row: "-" if row.tokens_per_s is None else f"{row.tokens_per_s:,.1f}", 5),
)
_TOOLS = (
    _number("CALLS", lambda row: count(row.count)),
    *_FAILED,
    _number("DENIED", lambda row: _some(row.statuses["denied"]), 6, sparse=True),
    _number("ASKED", lambda row: _some(row.asked), 5, sparse=True),
    _number("CACHED", lambda row: _some(row.cached), 6, sparse=True),
    _number("RETRIES", lambda row: _some(row.retries), 6, sparse=True),
    _number("REFUSED", lambda row: _some(row.refused), 5, sparse=True),
    _number("FLAGGED", lambda row: _some(row.flagged), 5, sparse=True),
    *_TIMES,
)
_STEPS = (
    _number("STEPS", lambda row: count(row.count)),
    *_FAILED,
    _number("SKIPPED", lambda row: _some(row.ends["skipped"]), 6, sparse=True),
    _number("CANCELLED", lambda row: _some(row.ends["cancelled"]), 7, sparse=True),
    _number("RETRIES", lambda row: _some(row.retries), 6, sparse=True),
    _number("ITEMS", lambda row: _some(row.items), 5, sparse=True),
    _number("TOKENS", lambda row: count(row.spent.usage.total), 1),
    *_SPENT,
    *_TIMES,
)
_OF = {
    Grouping.AGENT: _RUNS,
    Grouping.DAY: _RUNS,
    Grouping.STATUS: _RUNS,
    Grouping.MODEL: _MODELS,
    Grouping.TOOL: _TOOLS,
    Grouping.STEP: _STEPS,
}


def print_stats(out: Printer, stats: RunStats) -> None:
    """All runs in a few lines, then the tables. A grouping without rows is left out."""
    print_fields(out, _head(out, stats.overall))
    for grouping, figures in stats.groups.items():
        if figures:
            out.line()
            _print_grouping(out, grouping, figures)


def stats_json(stats: RunStats) -> Iterator[dict[str, Any]]:
    """One object a row, that of all runs first; `by` says which grouping it belongs to."""
    yield {"by": "all", **stats.overall.to_json()}
    for grouping, rows in stats.groups.items():
        for row in rows:
            yield {"by": grouping, **row.to_json()}


def _print_grouping(out: Printer, grouping: Grouping, figures: Sequence[Figures]) -> None:
    rows = [_Row(one, one.durations.summary()) for one in figures]
    measures = [one for one in _OF[grouping] if not one.sparse or any(one.text(row) for row in rows)]
    columns = [Column(grouping.upper(), least=8), *(one.column for one in measures)]
    print_table(out, columns, [_cells(row, measures) for row in rows])


def _cells(row: _Row, measures: Sequence[_Measure]) -> list[str | Cell]:
    return [Cell(one_line(row.figures.key, KEY_WIDTH), ("bold",)), *(one.text(row) for one in measures)]


def _head(out: Printer, runs: RunFigures) -> Iterator[tuple[str, str]]:
    dot = f" {out.glyphs.dot} "
    statuses = sorted(runs.statuses.items(), key=lambda item: (-item[1], item[0]))
    by_status = ", ".join(f"{count(number)} {status}" for status, number in statuses)
    yield "runs", dot.join([f"{count(runs.count)}: {by_status}", count(runs.turns, "turn")])
    yield "failed", "" if runs.error_rate is None else percent(runs.error_rate)
    yield "tokens", tokens(runs.spent.usage)
    yield "cost", _cost(runs.spent, runs.count)
    took = runs.durations.summary()
    if took is not None:
        names = ("p50", "p90", "p99", "max")
        yield "time", dot.join(f"{name} {duration(getattr(took, name))}" for name in names)
    if runs.first is not None:
        parts = [f"{local_time(runs.first)} to {local_time(runs.last)}"]
        if runs.per_hour is not None and runs.last - runs.first >= _TELLING_S:
            parts.append(f"{runs.per_hour:,.1f} runs an hour")
        yield "period", dot.join(parts)


def _cost(spent: Spent, runs: int) -> str:
    if not spent.unpriced:
        return money(spent.known_cost)
    unknown = f"unknown for {count(spent.unpriced)} of {count(runs)}"
    return unknown if not spent.priced else f"{money(spent.known_cost)}, {unknown}"


def percent(share: float | None) -> str:
    """`12.5%`; a dash where there is nothing to share."""
    return "-" if share is None else f"{share:.1%}"


def _some(number: int) -> str:
    return count(number) if number else ""


def _median(summary: Summary | None) -> str:
    return "" if summary is None else duration(summary.p50)
