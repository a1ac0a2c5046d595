"""A call by hand is allowed, limited and gone on with as a call of an agent is."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from typing import Any

from agentcli.cli.approver import Nobody
from agentcli.core.events import ToolStarted
from agentcli.engine.lifecycle import RunOutcome
from agentcli.engine.ports import Approver
from agentcli.sandbox.network.fetching import Network
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.resume_run import ResumeRequest, resume_run
from agentcli.workbench.run_tool import CallRequest, run_tool
from tests.fakes.engine import Answering, Said
from tests.fakes.plain_processes import PlainProcesses
from tests.fakes.web import PUBLIC, answer, canned, dialled_by, page
from tests.unit.workbench.conftest import Project

URL = "https://docs.example.org/guide"
HOSTS = {"docs.example.org": [PUBLIC], "other.example.org": [PUBLIC]}


def web() -> Network:
    return canned(HOSTS, page("<h1>Guide</h1>"))


async def fetch(
    project: Project, network: Network, *, approver: Approver | None = None, resume: bool = False, **options: Any
) -> RunOutcome:
    with project.bench(**options) as bench:
        bench.network, bench.sandbox = replace(network, private=bench.network.private), PlainProcesses()
        who, sinks = approver or Nobody(), [project.seen]
        if resume:
            return await resume_run(bench, ResumeRequest("last"), approver=who, sinks=sinks)
        return await run_tool(bench, CallRequest("fetch_url", {"url": URL}), approver=who, sinks=sinks)


async def test_the_web_is_asked_about_host_by_host_and_the_denied_call_is_gone_on_with(project: Project) -> None:
    network = web()
    outcome = await fetch(project, network)
    assert (outcome.status, dialled_by(network)) == ("denied", [])
    assert outcome.error is not None
    assert "`--allow 'fetch_url(docs.example.org)'`" in outcome.error.fix
    assert (await fetch(project, network, resume=True, allow=["fetch_url(other.example.org)"])).status == "denied"
    outcome = await fetch(project, network, resume=True, allow=["fetch_url(docs.example.org)"])
    assert (outcome.status, "# Guide" in str(outcome.output)) == ("completed", True)
    assert dialled_by(network) == [(PUBLIC, 443)]
    with project.bench() as bench:
        replayed = await replay_run(bench, "last")
    assert (replayed.divergence, replayed.output) == (None, outcome.output)


async def test_a_redirect_leads_a_call_by_hand_only_where_that_host_is_allowed_too(project: Project) -> None:
    def redirecting() -> Network:
        return canned(HOSTS, answer(status=302, location="https://other.example.org/"), page("<p>there</p>"))

    approver = Answering([Said("once")])
    outcome = await fetch(project, redirecting(), approver=approver)
    assert (outcome.status, outcome.exit_code, approver.asked) == ("denied", 5, ["fetch_url"])
    outcome = await fetch(project, redirecting(), allow=["fetch_url(*.example.org)"])
    assert (outcome.status, "there" in str(outcome.output)) == ("completed", True)


async def test_a_call_in_doubt_that_did_happen_is_given_its_result_and_asks_nobody(
    project: Project,
) -> None:
    """As of an agent: what happened needs no approval any more, and is not done again."""
    with project.bench(yes=True) as bench:
        request = CallRequest("delete_file", {"path": "a.txt"})
        outcome = await run_tool(bench, request, approver=Nobody(), sinks=[project.seen])
        assert (outcome.status, (project.root / "a.txt").exists()) == ("completed", False)
        (project.root / "a.txt").write_text("again")
        events = list(bench.journal.events(outcome.run))
    begun = next(event.seq for event in events if isinstance(event.body, ToolStarted))
    cut_after(project, outcome.run, begun)
    with project.bench() as bench:
        given = ResumeRequest("last", results={begun: "it was deleted"})
        resumed = await resume_run(bench, given, approver=Nobody(), sinks=[project.seen])
    assert (resumed.status, resumed.output) == ("completed", "it was deleted")
    assert (project.root / "a.txt").read_text() == "again"


def cut_after(project: Project, run: str, seq: int) -> None:
    """The record as a kill right after this event would leave it."""
    with sqlite3.connect(project.root / ".agentcli" / "journal.db") as database:
        database.execute("DELETE FROM events WHERE seq > ?", (seq,))
        database.execute("UPDATE runs SET status = 'running', ended = NULL, exit_code = NULL, duration_s = NULL")
    database.close()


async def test_the_limit_of_time_of_the_settings_holds(project: Project) -> None:
    (project.root / "agentcli.yaml").write_text("version: 1\nname: demo\nlimits: {seconds: 0.05}\n")
    with project.bench() as bench:
        outcome = await run_tool(bench, CallRequest("ask_user", {"question": "Why?"}), approver=Silent())
    assert (outcome.status, outcome.exit_code) == ("limited", 4)


class Silent(Nobody):
    """Somebody who never answers."""

    async def answer(self, *_: Any) -> str | None:
        await asyncio.get_running_loop().create_future()
        return None
