"""The runs of rows: stopped in order, taken up under their own ids, and taken over where they have ended."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.core.canonical import Json
from agentcli.core.events import Event, RowCompleted, RowStarted
from agentcli.core.runs import RunQuery
from agentcli.engine.admission import Admission
from agentcli.engine.effect import leave_in_doubt
from agentcli.engine.lifecycle import Interrupt, RunOutcome
from agentcli.engine.limits import NO_LIMITS, Budget
from agentcli.errors import RunError
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.own_code import own_code
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.plan_workflow import EachRequest, WorkflowRequest
from agentcli.workbench.recorded_run import plans_of
from agentcli.workbench.resume_run import ResumeRequest, resume_run
from agentcli.workbench.row_runs import Parent, RowRuns
from agentcli.workbench.row_source import RowSource, open_rows
from agentcli.workbench.run_workflow import run_workflow
from agentcli.workbench.wiring import Workbench
from agentcli.workbench.workflow_terms import WorkflowTerms
from tests.fakes.model_server import ModelServer, Reply, Request, openai_server
from tests.unit.workbench.conftest import Project

WORKFLOW = """version: 1
kind: workflow
name: w
agent: tester
inputs: {text: {type: string}}
limits: {turns: 5}
steps: ["Say {{ inputs.text }}."]
"""


class Told:
    """See `RowsOut`."""

    def __init__(self) -> None:
        self.ends: dict[int, RowCompleted] = {}

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        assert row not in self.ends
        self.ends[row] = end

    def statuses(self) -> dict[int, str]:
        return {row: end.status for row, end in sorted(self.ends.items())}


@pytest.fixture
def rows(project: Project) -> Project:
    (project.root / "workflows").mkdir()
    (project.root / "workflows" / "w.yaml").write_text(WORKFLOW)
    (project.root / "rows.jsonl").write_text("".join(json.dumps({"text": f"row {n}"}) + "\n" for n in range(1, 7)))
    return project


def served(server: ModelServer) -> dict[str, str]:
    return {"OPENAI_API_KEY": "none-needed", "OPENAI_BASE_URL": server.base_url}


async def started(bench: Workbench, root: Path, told: Told, limits: dict[str, float] | None = None) -> RunOutcome:
    with closing(open_rows("rows.jsonl", root, io.StringIO())) as source:
        request = WorkflowRequest("w", limits=limits or {}, each=EachRequest("rows.jsonl", 3))
        return await run_workflow(bench, request, approver=Nobody(), source=source, out=told)


async def resumed(bench: Workbench, told: Told, **more: Any) -> RunOutcome:
    return await resume_run(bench, ResumeRequest("last", **more), approver=Nobody(), out=told)


def answering(good: Callable[[str], bool], reached: threading.Event) -> Callable[[Request], Reply | str]:
    """Says `ok` to some, and hangs for the others."""

    def reply(request: Request) -> Reply | str:
        text = request.json["messages"][-1]["content"]
        if good(text):
            return "ok"
        reached.set()
        return Reply(text="late", ending="hang")

    return reply


async def test_rows_are_stopped_in_order_and_go_on_under_their_own_ids(rows: Project) -> None:
    reached, first, second = threading.Event(), Told(), Told()
    hanging = answering(lambda text: "row 2" not in text, reached)
    with openai_server(hanging, repeat=True) as server, rows.bench(served(server), model=["openai:m"]) as bench:
        task = asyncio.create_task(started(bench, rows.root, first))
        await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        outcome = await task
        assert (outcome.status, outcome.exit_code) == ("cancelled", 130)
        before = {
            row.start.id: row.status for row in bench.journal.runs(RunQuery(kind="row", children=True, limit=None))
        }
        assert set(before.values()) <= {"completed", "cancelled"}
        assert "cancelled" in before.values()
        asked = len(server.requests)
    with openai_server("ok", repeat=True) as server, rows.bench(served(server), model=["openai:m"]) as bench:
        outcome = await resumed(bench, second)
        assert outcome.output == {"rows": 6, "completed": 6, "failed": 0}
        runs = bench.journal.runs(RunQuery(kind="row", children=True, limit=None))
        assert {row.start.id for row in runs} >= before.keys()
        assert (len(runs), {row.status for row in runs}) == (6, {"completed"})
        assert len(server.requests) == 6 - sum(status == "completed" for status in before.values())
        assert asked >= 3
    assert second.statuses() == dict.fromkeys(range(1, 7), "completed")


async def test_the_time_of_all_rows_ends_those_at_work(rows: Project) -> None:
    reached, told = threading.Event(), Told()
    hanging = answering(lambda text: False, reached)
    with openai_server(hanging, repeat=True) as server, rows.bench(served(server), model=["openai:m"]) as bench:
        outcome = await started(bench, rows.root, told, {"seconds": 0.3})
        assert (outcome.status, outcome.exit_code, told.ends) == ("limited", 4, {})
        assert {row.status for row in bench.journal.runs(RunQuery(kind="row", children=True, limit=None))} == {
            "cancelled"
        }


async def test_what_rows_at_work_have_used_counts_before_they_are_done(rows: Project) -> None:
    rows.script({"text": "ok", "repeat": True, "usage": {"input": 8, "output": 2}})
    told = Told()
    with rows.bench() as bench:
        outcome = await started(bench, rows.root, told, {"tokens": 30})
        assert (outcome.status, outcome.usage.total) == ("limited", 30)
        assert set(told.statuses().values()) == {"completed"}
        assert (await resumed(bench, Told(), limits={"tokens": 1000})).status == "completed"


async def test_a_limit_of_a_row_s_own_is_its_failure_alone(rows: Project) -> None:
    rows.script({"tool_calls": [{"name": "read_lines", "arguments": {"path": "a.txt"}}], "repeat": True})
    told = Told()
    with rows.bench() as bench:
        outcome = await started(bench, rows.root, told)
    assert outcome.error is not None
    assert outcome.error.code == "E-EACH-FAILED"
    assert set(told.statuses().values()) <= {"limited", "failed"}
    assert len(told.ends) == 6


async def test_the_end_of_a_row_s_run_that_its_parent_did_not_see_is_taken_over(rows: Project) -> None:
    rows.script({"text": "ok", "repeat": True})
    told = Told()
    with rows.bench() as bench:
        outcome = await started(bench, rows.root, told)
        known = told.ends[2]
        begun = next(
            event
            for event in bench.journal.events(outcome.run)
            if isinstance(event.body, RowStarted) and event.body.row == 2
        )
        rows.script({"error": "server"})
        again = await reread(bench, outcome.run, begun)
    assert again == known


async def reread(bench: Workbench, run: str, begun: Event) -> Any:
    """What becomes of a row whose run is on record."""
    plan = plans_of(bench, list(bench.journal.events(run)), "workflow")[-1]
    log: Any = None
    there = Parent(run, log, WorkflowTerms(plan), "0" * 64, Interrupt(), leave_in_doubt, recorded=begun.seq)
    manifest = bench.journal.find(run).start.manifest
    there = replace(there, manifest=manifest)
    async with own_code(bench) as code:
        tools = part_tools(bench.tools, code, 30.0)
        parts = Parts(bench.open_providers().open, tools, Nobody(), Admission(bench.redactor))
        return await RowRuns(bench, there, parts).run(begun, {"text": "row"}, Budget(NO_LIMITS), again=False)


async def test_what_was_not_read_to_its_end_is_not_gone_on_with(rows: Project) -> None:
    rows.script({"text": "ok", "repeat": True})
    with rows.bench() as bench:
        request = WorkflowRequest("w", each=EachRequest("rows.jsonl", 3))
        outcome = await run_workflow(bench, request, approver=Nobody(), out=Told())
        assert outcome.error is not None
        assert outcome.error.code == "E-EACH-UNREAD"
        outcome = await resumed(bench, Told())
        assert outcome.error is not None
        assert outcome.error.code == "E-EACH-UNREAD"
    assert isinstance(outcome.cause, RunError)


async def test_a_row_that_stays_as_it_failed_is_taken_over_as_well(rows: Project) -> None:
    rows.script({"error": "server"})
    told = Told()
    with rows.bench() as bench:
        outcome = await started(bench, rows.root, told)
        begun = next(event for event in bench.journal.events(outcome.run) if isinstance(event.body, RowStarted))
        rows.script({"text": "ok", "repeat": True})
        assert await reread(bench, outcome.run, begun) == told.ends[begun.body.row]


async def test_rows_that_cannot_be_read_any_further_stop_the_run(rows: Project) -> None:
    """A disk that fails in the midst of the file."""

    def broken() -> Any:
        yield {"input": {"text": "a"}}
        yield {"input": {"text": "b"}}
        raise OSError(5, "Input/output error")

    with rows.bench() as bench:
        request = WorkflowRequest("w", each=EachRequest("rows.jsonl", 3))
        source = RowSource("rows.jsonl", broken())
        outcome = await run_workflow(bench, request, approver=Nobody(), source=source, out=Told())
    assert (outcome.status, outcome.error.code if outcome.error else "") == ("failed", "E-EACH-FILE")


async def test_a_run_that_was_killed_before_its_first_event_begins_only_then(rows: Project) -> None:
    rows.script({"text": "ok", "repeat": True})
    with rows.bench() as bench:
        outcome = await started(bench, rows.root, Told())
        begun = next(event for event in bench.journal.events(outcome.run) if isinstance(event.body, RowStarted))
        child = "20261121-081532-k7f3qz"
        known = bench.journal.find(str(begun.body.child)).start
        log = bench.journal.begin(replace(known, id=child))
        log.put(bench.journal.blob(known.manifest))
        await log.abandon()
        assert bench.journal.find(child).status == "interrupted"
        end = await reread(bench, outcome.run, replace(begun, body=replace(begun.body, child=child)))
        assert (end.status, end.child, end.output) == ("completed", child, "ok")
        assert bench.journal.verify(child).intact
