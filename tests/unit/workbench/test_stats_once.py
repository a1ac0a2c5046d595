"""Statistics count nothing twice, and nothing that cannot be read."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcli.core.events import RunForked, TurnStarted
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery
from agentcli.errors import StorageError
from agentcli.workbench.run_stats import run_stats
from agentcli.workbench.statistics.figures import ModelFigures
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.statistics.own_part import own_part
from agentcli.workbench.wiring import Workbench
from tests.fakes.counted import answer, asking, called, copied, opened, run_of, whole
from tests.fakes.journals import change
from tests.fakes.recorded import MANIFEST, NOW


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


async def test_what_a_fork_copied_is_its_parents(bench: Workbench) -> None:
    story = [TurnStarted(), asking(), answer(100, 20), called(), TurnStarted(), asking(), answer(), called()]
    parent = await run_of(bench.journal, 1, story, whole(1, Usage(110, 22), turns=2))
    prefix = copied(bench.journal, parent, 4)
    live = [RunForked(parent, 4, MANIFEST, {}), TurnStarted(), asking(), answer(7, 1, None), called("error")]
    ending = whole(2, Usage(107, 21), turns=2, cost_usd=None, duration_s=900.0)
    await run_of(bench.journal, 2, [*prefix, *live], ending, parent=parent, relation="fork", cut=4)
    stats = run_stats(bench, RunQuery(), [Grouping.MODEL, Grouping.TOOL])
    overall, (model,), (tool,) = stats.overall, stats.groups[Grouping.MODEL], stats.groups[Grouping.TOOL]
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
        stats = run_stats(bench, RunQuery(), [Grouping.AGENT, Grouping.MODEL, Grouping.TOOL])
    own = [call for _, _, calls, _ in family for call in calls]
    usage = sum((Usage(read, written) for read, written, _ in own), Usage())
    assert stats.overall.turns == len(own)
    assert stats.overall.spent.usage == usage
    assert sum(row.count for row in stats.groups[Grouping.MODEL]) == len(own)
    assert sum(row.count for row in stats.groups[Grouping.TOOL]) == len(own)
    assert (
        sum(row.spent.usage.total for row in stats.groups[Grouping.MODEL] if isinstance(row, ModelFigures))
        == usage.total
    )
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


async def test_a_damaged_run_counts_up_to_the_damage_and_is_named(bench: Workbench) -> None:
    run = await run_of(bench.journal, 1, [answer(), called(), answer(), called()])
    await run_of(bench.journal, 2, [answer()])
    bench.journal.close()
    change(bench.journal.folder, "UPDATE events SET body = x'00' WHERE seq = 3")
    stats = run_stats(bench, RunQuery())
    assert stats.partly == (run,)
    assert (stats.overall.count, stats.overall.spent.usage) == (2, Usage(20, 4))
    assert [row.count for row in stats.groups[Grouping.MODEL]] == [2]
    assert [row.count for row in stats.groups[Grouping.TOOL]] == [1]


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
    assert [row.count for row in stats.groups[Grouping.TOOL]] == [1]


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
