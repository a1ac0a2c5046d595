"""What a run is gone on with for, and what it is not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.core.runs import RunRow
from agentcli.engine.lifecycle import RunOutcome
from agentcli.errors import LimitError, UsageError
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.fork_run import ForkRequest, fork_run, plan_fork
from agentcli.workbench.resume_run import ResumeRequest, resume_run
from tests.unit.workbench.conftest import Project

REMOTE = {"OPENAI_API_KEY": "sk-0123456789abcdef0123", "OPENAI_BASE_URL": "http://203.0.113.1/v1"}


class Overtaken(SqliteJournal):
    """A journal in which somebody else goes on with the run, to its end, just before this process owns it."""

    def __init__(self, project: Project, journal: SqliteJournal) -> None:
        super().__init__(journal.folder)
        self.project = project

    def resume(self, run: str) -> SqliteRunLog:
        with ThreadPoolExecutor(1) as other:
            assert other.submit(asyncio.run, resumed(self.project, run)).result().status == "completed"
        return super().resume(run)


async def resumed(project: Project, run: str, **options: Any) -> RunOutcome:
    limits = options.pop("limits", {"turns": 9})
    with project.bench(**options) as bench:
        return await resume_run(bench, ResumeRequest(run, limits=limits), approver=Nobody())


def record(project: Project, run: str) -> tuple[RunRow, int]:
    with project.bench() as bench:
        return bench.journal.find(run), len(list(bench.journal.events(run)))


async def limited(project: Project) -> str:
    """A run that its limit of turns stopped."""
    project.script({"tool_calls": [{"name": "read_lines", "arguments": {"path": "a.txt"}}]}, "done")
    outcome = await project.run(limits={"turns": 1})
    assert outcome.status == "limited"
    return outcome.run


async def test_a_run_that_was_completed_while_its_lock_was_waited_for_stays_complete(project: Project) -> None:
    run = await limited(project)
    with project.bench() as bench:
        bench.journal = Overtaken(project, bench.journal)
        with pytest.raises(UsageError) as caught:
            await resume_run(bench, ResumeRequest(run, limits={"turns": 9}), approver=Nobody())
    assert caught.value.code == "E-RUN-COMPLETED"
    row, events = record(project, run)
    assert (row.status, events) == ("completed", 13)


async def test_a_cost_that_could_not_be_counted_is_refused_and_the_run_stays_as_it_was(project: Project) -> None:
    run = await limited(project)
    before = record(project, run)
    with pytest.raises(LimitError) as caught:
        await resumed(project, run, limits={"cost_usd": 1.0}, environ=REMOTE, model=["openai:nobody-knows-it"])
    assert caught.value.code == "E-LIMIT-COST-UNKNOWN"
    assert record(project, run) == before


async def test_a_fork_whose_cost_could_not_be_counted_does_not_begin(project: Project) -> None:
    run = await limited(project)
    request = ForkRequest(run, at=4, models=("openai:nobody-knows-it",), limits={"cost_usd": 1.0})
    with project.bench(REMOTE) as bench:
        with pytest.raises(LimitError):
            await plan_fork(bench, request)
        with pytest.raises(LimitError):
            await fork_run(bench, request, approver=Nobody())
    with project.bench() as bench:
        assert len(bench.journal.runs()) == 1


async def test_a_run_that_was_refused_for_its_price_goes_on_with_a_model_whose_price_is_known(project: Project) -> None:
    refused = await project.run(limits={"cost_usd": 1.0}, model=["openai:nobody-knows-it"], environ=REMOTE)
    assert refused.error is not None
    assert refused.error.code == "E-LIMIT-COST-UNKNOWN"
    outcome = await resumed(project, refused.run, limits={}, model=["scripted:replies.yaml"])
    assert outcome.output == "done"
