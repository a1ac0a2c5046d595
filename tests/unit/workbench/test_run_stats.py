"""Statistics: what is counted, for whom, and that nothing is counted twice."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcli.core.events import (
    Body,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    RunForked,
    RunResumed,
    TurnStarted,
)
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery, RunStart
from agentcli.errors import ErrorInfo, StorageError
from agentcli.workbench.run_stats import RunStats, run_stats
from agentcli.workbench.statistics.figures import ModelFigures, RunFigures, ToolFigures
from agentcli.workbench.statistics.own_part import own_part
from agentcli.workbench.wiring import Options, Workbench, open_workbench
from tests.fakes.counted import MODEL, answer, asked, asking, called, copied, resolved, run_of, whole
from tests.fakes.journals import change
from tests.fakes.recorded import MANIFEST, NOW, completed

FAULT = ErrorInfo("E-MODEL-UNREACHABLE", "It does not answer.", "", "")


def opened(folder: Path) -> Workbench:
    return open_workbench(Options(cwd=folder, environ={**os.environ, "AGENTCLI_HOME": str(folder / "home")}))


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


def runs_by(bench: Workbench, grouping: Any, query: RunQuery | None = None) -> dict[str, RunFigures]:
    found = run_stats(bench, query or RunQuery(), [grouping]).groups[grouping]
    return {row.key: row for row in found if isinstance(row, RunFigures)}


def models(bench: Workbench) -> dict[str, ModelFigures]:
    found = run_stats(bench, RunQuery(), ["model"]).groups["model"]
    return {row.key: row for row in found if isinstance(row, ModelFigures)}


def tools(bench: Workbench) -> dict[str, ToolFigures]:
    found = run_stats(bench, RunQuery(), ["tool"]).groups["tool"]
    return {row.key: row for row in found if isinstance(row, ToolFigures)}


# -- runs -------------------------------------------------------------------------------------------------------


def test_an_empty_journal_has_figures_of_nothing(bench: Workbench) -> None:
    stats = run_stats(bench, RunQuery())
    assert (stats.overall.count, stats.overall.error_rate, stats.overall.per_hour) == (0, None, None)
    assert stats.groups == {"agent": [], "model": [], "tool": []}
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
    stats = run_stats(bench, RunQuery(), ["agent"])
    reader, writer = stats.groups["agent"]
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
    assert {key: row.count for key, row in runs_by(bench, "agent", query).items()} == expected


async def test_child_runs_count_like_all_others(bench: Workbench) -> None:
    parent = await run_of(bench.journal, 1, [], whole(1))
    await run_of(bench.journal, 2, [], whole(2), parent=parent, relation="child", kind="row")
    assert run_stats(bench, RunQuery(), []).overall.count == 2


async def test_days_are_the_newest_first_and_statuses_the_most_frequent(bench: Workbench) -> None:
    for number in (1, 2, 3000):
        await run_of(bench.journal, number, [], whole(number, status="completed" if number > 1 else "limited"))
    days = run_stats(bench, RunQuery(), ["day"]).groups["day"]
    assert [row.count for row in days] == [1, 2]
    assert days[0].key > days[1].key
    assert {key: row.count for key, row in runs_by(bench, "status").items()} == {"completed": 2, "limited": 1}
    assert list(runs_by(bench, "status")) == ["completed", "limited"]


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


# -- models -----------------------------------------------------------------------------------------------------


async def test_calls_are_counted_by_the_model_that_was_asked(bench: Workbench) -> None:
    streamed = answer(written=6, duration_s=2.0, deltas=(5, 250, 3, 20))
    story: list[Body] = [
        asking("a:one"),
        ModelRetried("429", 1.0),
        ModelRetried("429", 2.0),
        ModelFallback("503", 0.0, "b:two"),
        ModelRetried("429", 1.0),
        replace(streamed, model="b:two"),
        asking("a:one"),
        replace(answer(written=4, duration_s=3.0, cost=None), model="a:one"),
        asking("a:one"),
        ModelFallback("503", 0.0, "b:two"),
        ModelFailed(FAULT, 7),
    ]
    await run_of(bench.journal, 1, story)
    found = models(bench)
    one, two = found["a:one"], found["b:two"]
    assert list(found) == ["a:one", "b:two"]
    assert (one.count, one.answered, one.failed, one.fallbacks, one.retries) == (3, 1, 0, 2, 2)
    assert (two.count, two.answered, two.failed, two.fallbacks, two.retries) == (2, 1, 1, 0, 1)
    assert (one.spent.cost_usd, two.spent.cost_usd, two.error_rate) == (None, 0.25, 0.5)
    assert two.tokens_per_s == 3.0
    assert two.to_json() == {
        "key": "b:two",
        "calls": 2,
        "answered": 1,
        "failed": 1,
        "fallbacks": 0,
        "error_rate": 0.5,
        "retries": 1,
        "usage": {"input": 10, "output": 6, "cached": 0, "reasoning": 0},
        "cost_usd": 0.25,
        "cost_unknown": 0,
        "duration_s": {"count": 1, "total": 2.0, "p50": 2.0, "p90": 2.0, "p99": 2.0, "max": 2.0},
        "first_piece_s": {"count": 1, "total": 0.25, "p50": 0.25, "p90": 0.25, "p99": 0.25, "max": 0.25},
        "output_tokens_per_s": 3.0,
    }
    assert one.to_json()["first_piece_s"] is None


async def test_lanes_ask_for_themselves(bench: Workbench) -> None:
    await run_of(
        bench.journal,
        1,
        [
            ("x", asking("a:one")),
            ("y", asking("b:two")),
            ("x", ModelFallback("503", 0.0, "c:three")),
            ("y", ModelRetried("429", 1.0)),
            ("x", ModelFailed(FAULT, 7)),
            ("x", asking("a:one")),
            ("x", ModelFailed(FAULT, 7)),
        ],
    )
    found = models(bench)
    assert {key: (row.failed, row.fallbacks, row.retries) for key, row in found.items()} == {
        "a:one": (1, 1, 0),
        "b:two": (0, 0, 1),
        "c:three": (1, 0, 0),
    }
    assert (found["b:two"].error_rate, found["b:two"].tokens_per_s) == (None, None)


@pytest.mark.parametrize(("model", "key"), [("fake:first", "fake:first"), (None, "unknown")])
async def test_without_a_request_on_record_the_runs_own_model_was_asked(
    bench: Workbench, model: str | None, key: str
) -> None:
    await run_of(bench.journal, 1, [ModelFailed(FAULT, 7)], model=model)
    assert list(models(bench)) == [key]


async def test_a_failure_that_was_superseded_stays_an_attempt(bench: Workbench) -> None:
    story = [asking(), ModelFailed(FAULT, 7), completed(), RunResumed(MANIFEST, {}), asking(), answer(), completed()]
    await run_of(bench.journal, 1, story, whole(1))
    assert (models(bench)[MODEL].count, models(bench)[MODEL].failed) == (2, 1)
    overall = run_stats(bench, RunQuery(), []).overall
    assert (overall.count, overall.failures) == (1, 0)


# -- tools ------------------------------------------------------------------------------------------------------


async def test_calls_of_tools_are_counted_by_tool_and_how_they_went(bench: Workbench) -> None:
    story = [
        called("ok", 0.1),
        called("error", 0.2),
        called("timeout", 30.0),
        asked(),
        resolved("no", "user"),
        called("denied", 0.0),
        resolved("once", "flag"),
        called("ok", 0.3),
        asked("u"),
        resolved("no", "nobody", "u"),
    ]
    await run_of(bench.journal, 1, story)
    found = tools(bench)
    assert found["t"].to_json() == {
        "key": "t",
        "calls": 5,
        "statuses": {"denied": 1, "error": 1, "ok": 2, "timeout": 1},
        "error_rate": 0.4,
        "approvals_asked": 2,
        "approvals_refused": 1,
        "duration_s": {"count": 4, "total": 30.6, "p50": 0.2, "p90": 30.0, "p99": 30.0, "max": 30.0},
    }
    assert (found["u"].count, found["u"].asked, found["u"].refused, found["u"].error_rate) == (0, 1, 1, None)


# -- forks ------------------------------------------------------------------------------------------------------


async def test_what_a_fork_copied_is_its_parents(bench: Workbench) -> None:
    story = [TurnStarted(), asking(), answer(100, 20), called(), TurnStarted(), asking(), answer(), called()]
    parent = await run_of(bench.journal, 1, story, whole(1, Usage(110, 22), turns=2))
    prefix = copied(bench.journal, parent, 4)
    live = [RunForked(parent, 4, MANIFEST, {}), TurnStarted(), asking(), answer(7, 1, None), called("error")]
    ending = whole(2, Usage(107, 21), turns=2, cost_usd=None, duration_s=900.0)
    await run_of(bench.journal, 2, [*prefix, *live], ending, parent=parent, relation="fork", cut=4)
    stats = run_stats(bench, RunQuery(), ["model", "tool"])
    overall, (model,), (tool,) = stats.overall, stats.groups["model"], stats.groups["tool"]
    assert (overall.turns, overall.spent.usage) == (3, Usage(117, 23))
    assert (overall.spent.known_cost, overall.spent.unpriced) == (0.25, 1)
    assert (model.count, tool.count, tool.failures) == (3, 3, 1)
    took = overall.durations.summary()
    assert took is not None
    assert (took.p50, took.max) == (5.0, 5.0)  # no longer than since it was made


async def test_a_fork_counts_its_own_part_where_its_parent_is_left_out(bench: Workbench) -> None:
    parent = await run_of(bench.journal, 1, [asking(), answer(100, 20)], whole(1))
    prefix = copied(bench.journal, parent, 2)
    await run_of(bench.journal, 2, [*prefix, asking(), answer(7, 1)], whole(2), parent=parent, relation="fork", cut=2)
    assert run_stats(bench, RunQuery(after=NOW + 120), []).overall.spent.usage == Usage(7, 1)


OWN = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.25, None])), max_size=4)
FAMILY = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12), OWN, st.booleans()), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None)
@given(FAMILY)
def test_however_runs_are_forked_every_event_counts_once(
    family: list[tuple[int, int, list[tuple[int, int, float | None]], bool]],
) -> None:
    """Each run is forked from an earlier one at some cut, and goes on with calls of its own."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        asyncio.run(_record(bench, family))
        stats = run_stats(bench, RunQuery(), ["agent", "model", "tool"])
    own = [call for _, _, calls, _ in family for call in calls]
    usage = sum((Usage(read, written) for read, written, _ in own), Usage())
    assert stats.overall.turns == len(own)
    assert stats.overall.spent.usage == usage
    assert sum(row.count for row in stats.groups["model"]) == len(own)
    assert sum(row.count for row in stats.groups["tool"]) == len(own)
    assert sum(row.spent.usage.total for row in stats.groups["model"] if isinstance(row, ModelFigures)) == usage.total
    assert stats.partly == ()


async def _record(bench: Workbench, family: list[Any]) -> None:
    runs: list[str] = []
    for number, (of, cut, calls, ended) in enumerate(family, 1):
        row: dict[str, Any] = {}
        bodies: list[Any] = []
        if runs:
            parent = runs[of % len(runs)]
            bodies = copied(bench.journal, parent, cut)
            row = {"parent": parent, "relation": "fork", "cut": len(bodies)}
        for read, written, cost in calls:
            bodies += [TurnStarted(), answer(read, written, cost), called()]
        answers = [body for _, body in map(_placed, bodies) if body.type == "model.completed"]
        # As the row of a fork has it: what was copied is in the sum.
        used = sum((body.usage for body in answers), Usage())
        ending = whole(number, used, turns=len(answers)) if ended or not runs else None
        runs.append(await run_of(bench.journal, number, bodies, ending, **row))


def _placed(item: Any) -> tuple[str, Any]:
    return item if isinstance(item, tuple) else ("", item)


# -- damage -----------------------------------------------------------------------------------------------------


async def test_a_damaged_run_counts_up_to_the_damage_and_is_named(bench: Workbench) -> None:
    run = await run_of(bench.journal, 1, [answer(), called(), answer(), called()])
    await run_of(bench.journal, 2, [answer()])
    bench.journal.close()
    change(bench.journal.folder, "UPDATE events SET body = x'00' WHERE seq = 3")
    stats = run_stats(bench, RunQuery())
    assert stats.partly == (run,)
    assert (stats.overall.count, stats.overall.spent.usage) == (2, Usage(20, 4))
    assert [row.count for row in stats.groups["model"]] == [2]
    assert [row.count for row in stats.groups["tool"]] == [1]


async def test_rows_and_events_that_no_run_wrote_are_named_and_left_out(bench: Workbench) -> None:
    odd: list[Any] = [
        replace(answer(), usage=Usage(-1, 2)),
        replace(answer(), duration_s=-1.0),
        replace(answer(), model=7),
        replace(answer(), cost_usd="much"),
        replace(answer(), deltas=(1,)),
        replace(called(), status="fine"),
        replace(called(), tool=None),
        replace(called(), duration_s=None),
    ]
    runs = [await run_of(bench.journal, number, [body]) for number, body in enumerate(odd, 1)]
    good = await run_of(bench.journal, 20, [called()], whole(20))
    bench.journal.close()
    change(bench.journal.folder, "UPDATE runs SET turns = NULL WHERE id = ?", good)
    stats = run_stats(bench, RunQuery())
    assert set(stats.partly) == {*runs, good}
    assert stats.overall.count == 9
    assert [row.count for row in stats.groups["tool"]] == [1]


async def test_a_disk_that_cannot_be_read_is_no_damage(bench: Workbench) -> None:
    await run_of(bench.journal, 1, [answer()])
    bench.journal.runs()
    reader = bench.journal._reader
    assert reader is not None
    rows = bench.journal.runs()
    reader.database.close()
    with pytest.raises(StorageError) as caught:
        own_part(bench.journal, rows[0])
    assert caught.value.code == "E-JOURNAL-IO"


def test_the_rows_of_a_grouping_are_asked_for_by_name(bench: Workbench) -> None:
    stats: RunStats = run_stats(bench, RunQuery(), ["tool", "day", "tool"])
    assert list(stats.groups) == ["tool", "day"]
