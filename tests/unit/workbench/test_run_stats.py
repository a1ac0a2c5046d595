"""Statistics over runs: what is counted, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.core.events import TurnStarted
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery, RunStart
from agentcli.workbench.run_stats import RunStats, run_stats
from agentcli.workbench.statistics.figures import RunFigures
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.wiring import Workbench
from tests.fakes.counted import MODEL, answer, opened, run_of, whole
from tests.fakes.recorded import MANIFEST, NOW


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


def runs_by(bench: Workbench, grouping: Grouping, query: RunQuery | None = None) -> dict[str, RunFigures]:
    found = run_stats(bench, query or RunQuery(), [grouping]).groups[grouping]
    return {row.key: row for row in found if isinstance(row, RunFigures)}


def test_an_empty_journal_has_figures_of_nothing(bench: Workbench) -> None:
    stats = run_stats(bench, RunQuery())
    assert (stats.overall.count, stats.overall.error_rate, stats.overall.per_hour) == (0, None, None)
    assert stats.groups == {Grouping.AGENT: [], Grouping.MODEL: [], Grouping.TOOL: []}
    assert stats.overall.to_json() == {
        "key": "all",
        "runs": 0,
        "statuses": {},
        "error_rate": None,
        "turns": 0,
        "usage": {"input": 0, "output": 0, "cached": 0, "reasoning": 0},
        "cost_usd": 0.0,
        "cost_unknown": 0,
        "duration_s": None,
        "first": None,
        "last": None,
        "runs_per_hour": None,
    }


async def test_runs_are_summed_up_from_their_rows(bench: Workbench) -> None:
    await run_of(bench.journal, 1, [], whole(1, Usage(10, 2, 3, 1), duration_s=1.0))
    await run_of(bench.journal, 2, [], whole(2, Usage(20, 4), duration_s=3.0, cost_usd=None))
    await run_of(bench.journal, 3, [], whole(3, duration_s=2.0, status="failed", exit_code=1), name="writer")
    stats = run_stats(bench, RunQuery(), [Grouping.AGENT])
    reader, writer = stats.groups[Grouping.AGENT]
    assert (reader.key, reader.count, writer.key, writer.count) == ("reader", 2, "writer", 1)
    assert stats.overall.to_json() == {
        "key": "all",
        "runs": 3,
        "statuses": {"completed": 2, "failed": 1},
        "error_rate": 0.333333,
        "turns": 3,
        "usage": {"input": 40, "output": 8, "cached": 3, "reasoning": 1},
        "cost_usd": 0.5,
        "cost_unknown": 1,
        "duration_s": {"count": 3, "total": 6.0, "p50": 2.0, "p90": 3.0, "p99": 3.0, "max": 3.0},
        "first": "2026-11-18T11:07:40.000Z",
        "last": "2026-11-18T11:09:45.000Z",
        "runs_per_hour": 86.4,
    }
    assert reader.error_rate == 0
    assert writer.error_rate == 1


async def test_a_cost_of_which_nothing_is_known_is_none(bench: Workbench) -> None:
    await run_of(bench.journal, 1, [], whole(1, cost_usd=None))
    spent = run_stats(bench, RunQuery(), []).overall.spent
    assert (spent.cost_usd, spent.unpriced) == (None, 1)
    assert spent.to_json()["cost_usd"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RunQuery(name="writer"), {"writer": 1}),
        (RunQuery(model="other:model"), {"writer": 1}),
        (RunQuery(after=NOW + 120), {"reader": 1, "writer": 1}),
        (RunQuery(before=NOW + 120), {"reader": 1}),
        (RunQuery(tag="baseline"), {"reader": 1}),
        (RunQuery(limit=1, offset=1), {"reader": 2, "writer": 1}),
    ],
)
async def test_only_the_runs_that_fit_are_counted(bench: Workbench, query: RunQuery, expected: dict[str, int]) -> None:
    await run_of(bench.journal, 1, [], whole(1))
    tagged = await run_of(bench.journal, 2, [], whole(2))
    await run_of(bench.journal, 3, [], whole(3), name="writer", model="other:model")
    bench.journal.tag(tagged, ["baseline"])
    assert {key: row.count for key, row in runs_by(bench, Grouping.AGENT, query).items()} == expected


async def test_child_runs_count_like_all_others(bench: Workbench) -> None:
    parent = await run_of(bench.journal, 1, [], whole(1))
    await run_of(bench.journal, 2, [], whole(2), parent=parent, relation="child", kind="row")
    assert run_stats(bench, RunQuery(), []).overall.count == 2


async def test_days_are_the_newest_first_and_statuses_the_most_frequent(bench: Workbench) -> None:
    for number in (1, 2, 3000):
        await run_of(bench.journal, number, [], whole(number, status="completed" if number > 1 else "limited"))
    days = run_stats(bench, RunQuery(), [Grouping.DAY]).groups[Grouping.DAY]
    assert [row.count for row in days] == [1, 2]
    assert days[0].key > days[1].key
    assert {key: row.count for key, row in runs_by(bench, Grouping.STATUS).items()} == {"completed": 2, "limited": 1}
    assert list(runs_by(bench, Grouping.STATUS)) == ["completed", "limited"]


async def test_a_run_without_an_end_counts_with_what_it_has(bench: Workbench) -> None:
    log = bench.journal.begin(RunStart("r", "agent", "reader", "?", MODEL, MANIFEST, NOW))
    await run_of(bench.journal, 2, [TurnStarted(), answer(), TurnStarted(), answer(cost=None)])
    await log.barrier()
    overall = run_stats(bench, RunQuery(), []).overall
    await log.abandon()
    assert overall.statuses == {"running": 1, "interrupted": 1}
    assert (overall.turns, overall.spent.usage, overall.spent.unpriced) == (2, Usage(20, 4), 1)
    assert overall.durations.summary() is None
    assert overall.error_rate == 1  # of the one that is over


async def test_one_that_its_user_cancelled_is_no_failure(bench: Workbench) -> None:
    await run_of(bench.journal, 1, [], whole(1, status="cancelled", exit_code=130))
    assert run_stats(bench, RunQuery(), []).overall.error_rate == 0


def test_the_rows_of_a_grouping_are_asked_for_by_name(bench: Workbench) -> None:
    stats: RunStats = run_stats(bench, RunQuery(), [Grouping.TOOL, Grouping.DAY, Grouping.TOOL])
    assert list(stats.groups) == [Grouping.TOOL, Grouping.DAY]
