"""Statistics over the calls of models and tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.core.events import Body, ModelFailed, ModelFallback, ModelRetried, RunResumed
from agentcli.core.flags import Flag
from agentcli.core.runs import RunQuery
from agentcli.errors import ErrorInfo
from agentcli.workbench.run_stats import run_stats
from agentcli.workbench.statistics.figures import ModelFigures, ToolFigures
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.wiring import Workbench
from tests.fakes.counted import MODEL, answer, asked, asking, called, opened, resolved, run_of, whole
from tests.fakes.recorded import MANIFEST, completed

FAULT = ErrorInfo("E-MODEL-UNREACHABLE", "It does not answer.", "", "")


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


def models(bench: Workbench) -> dict[str, ModelFigures]:
    found = run_stats(bench, RunQuery(), [Grouping.MODEL]).groups[Grouping.MODEL]
    return {row.key: row for row in found if isinstance(row, ModelFigures)}


def tools(bench: Workbench) -> dict[str, ToolFigures]:
    found = run_stats(bench, RunQuery(), [Grouping.TOOL]).groups[Grouping.TOOL]
    return {row.key: row for row in found if isinstance(row, ToolFigures)}


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


async def test_calls_of_tools_are_counted_by_tool_and_how_they_went(bench: Workbench) -> None:
    story = [
        replace(called("ok", 0.1), flags=(Flag("override", 3, "ignore"), Flag("persona", 9, "you are"))),
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
        "cached": 0,
        "retries": 0,
        "waited_s": 0.0,
        "flagged": 1,
        "duration_s": {"count": 4, "total": 30.6, "p50": 0.2, "p90": 30.0, "p99": 30.0, "max": 30.0},
    }
    assert (found["u"].count, found["u"].asked, found["u"].refused, found["u"].error_rate) == (0, 1, 1, None)


async def test_caches_retries_and_waits_before_tools_are_summed_up(bench: Workbench) -> None:
    ways = [{"attempts": 3, "waited_s": 1.5}, {"cached_s": 9.0}, {"cached_s": 0.0}, {"waited_s": 0.25}, {}]
    await run_of(bench.journal, 1, [replace(called("ok", 0.1), how=how) for how in ways])
    found = tools(bench)["t"]
    assert (found.count, found.cached, found.retries, found.waited_s) == (5, 2, 2, 1.75)
