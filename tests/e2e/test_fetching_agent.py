"""The real coder-0.5b fetches a page from a server on loopback that its user opened, and answers from it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.cli.approver import Nobody
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, Workbench, open_workbench
from tests.fakes.engine import Seen
from tests.fakes.plain_processes import PlainProcesses
from tests.fakes.web import Names, page
from tests.fakes.web_server import ToPort, serving

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

AGENT = """version: 1
kind: agent
name: clerk
model: local:coder-0.5b
instructions: Fetch the page that the question names with fetch_url, then answer from it in one sentence.
tools:
  - fetch_url: {domains: ["library.example"]}
"""
TASK = "Fetch http://library.example/hours and say when the library opens."
HOURS = page("<html><h1>City library</h1><p>The library opens at <b>9:40</b> and closes at 18:15.</p></html>")


def bench_on(folder: Path, models: Path, port: int) -> Workbench:
    """A workbench whose user opened library.example, a name of this machine, which serves it on `port`."""
    flags = {"network.private": ["library.example"], "models_dir": str(models)}
    bench = open_workbench(Options(cwd=folder, environ=dict(os.environ), trust=True, flags=flags))
    names = Names({"library.example": ["127.0.0.1"]})
    bench.network = replace(bench.network, resolver=names, backend=lambda: lambda: ToPort(port))
    bench.sandbox = PlainProcesses()
    return bench


async def test_an_agent_fetches_a_page_and_answers_from_it(isolated: Path, models_dir: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "clerk.yaml").write_text(AGENT)
    seen = Seen()
    async with serving({"/hours": HOURS}) as server:
        with bench_on(isolated, models_dir, server.port) as bench:
            outcome = await run_agent(bench, RunRequest(TASK, agent="clerk"), approver=Nobody(), sinks=[seen])
            requests = len(server.heads)
    (fetched,) = seen.of("tool.completed")
    assert (outcome.status, fetched.tool, fetched.status, requests) == ("completed", "fetch_url", "ok", 1)
    assert "# City library" in fetched.result
    assert "9:40" in str(outcome.output)
    with bench_on(isolated, models_dir, 9) as bench:
        replayed = await replay_run(bench, "last")
    assert replayed.divergence is None
    assert replayed.output == outcome.output
