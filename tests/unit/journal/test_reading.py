"""What a journal tells about its runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.events import ModelCompleted, TurnStarted
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery
from agentcli.errors import UsageError
from agentcli.journal.store import TASK_PREVIEW, SqliteJournal
from tests.fakes.journals import begun, change, code_of, opened, recorded
from tests.fakes.recorded import end, event, said, start, started


async def test_a_long_task_is_cut_in_the_listing_alone(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start(task="x" * 1000))
    log.append(event(log, started("x" * 1000)))
    await log.end(end())
    assert journal.find("last").start.task == "x" * (TASK_PREVIEW - 1) + "…"
    assert next(journal.events("last")).body == started("x" * 1000)
    journal.close()


async def test_events_are_read_page_by_page(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    for _ in range(1203):
        log.append(event(log))
    await log.end(end())
    assert [item.seq for item in journal.events("last", after=3)] == list(range(4, 1204))
    journal.close()


async def test_totals_are_known_without_an_end(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    log = journal.begin(start())
    await log.barrier()
    assert journal.totals("last").events == 0
    for cost in (0.25, 0.5):
        log.append(event(log, TurnStarted()))
        log.append(event(log, ModelCompleted(said("x"), Usage(10, 2, 1, 1), "stop", "fake:model", 0.5, cost, 1)))
    await log.barrier()
    totals = journal.totals(log.run)
    assert (totals.turns, totals.usage, totals.cost_usd) == (2, Usage(20, 4, 2, 2), 0.75)
    assert (totals.duration_s, totals.events) == (3.0, 4)
    log.append(event(log, ModelCompleted(said("x"), Usage(), "stop", "fake:model", 0.5, None, 1)))
    await log.abandon()
    assert journal.totals(log.run).cost_usd is None
    journal.close()


async def test_tags_are_listed_and_asked_for(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    await recorded(tmp_path, 2)
    change(tmp_path, "INSERT INTO tags SELECT n, 'keep' FROM runs WHERE id = ?", run)
    journal = SqliteJournal(tmp_path)
    (row,) = journal.runs(RunQuery(tag="keep"))
    assert (row.start.id, row.tags) == (run, ("keep",))
    journal.close()


async def test_an_unknown_run_comes_with_the_nearest(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    journal = SqliteJournal(tmp_path)
    for ref in (run[:-1] + "!", run[-6:-1] + "!"):
        with pytest.raises(UsageError) as caught:
            journal.find(ref)
        assert run in caught.value.info.fix
    with pytest.raises(UsageError) as caught:
        journal.find("last~5")
    assert "last~0" in caught.value.info.fix
    with pytest.raises(UsageError) as caught:
        journal.find("qqqqqq")
    assert "runs list" in caught.value.info.fix
    journal.close()


async def test_many_candidates_are_cut_short(tmp_path: Path) -> None:
    for number in range(7):
        await recorded(tmp_path, number)
    with opened(tmp_path) as journal, pytest.raises(UsageError) as caught:
        journal.find("2026")
    assert caught.value.info.why.endswith(", ….")


def test_an_empty_database_finds_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    begun(journal)
    journal.close()
    change(tmp_path, "DELETE FROM runs")
    with opened(tmp_path) as journal:
        for ref in ("last", "x"):
            assert code_of(lambda ref=ref: journal.find(ref)) == "E-RUN-UNKNOWN"
