"""Runs that use the web: whose domains count, what is on record, and that going on later obeys who is there then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.core.canonical import decode
from agentcli.engine.lifecycle import RunOutcome
from agentcli.errors import DefinitionError
from agentcli.sandbox.network.fetching import Network
from agentcli.workbench.replan import replan
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.resume_run import ResumeRequest, resume_run
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Workbench
from tests.fakes.plain_processes import PlainProcesses
from tests.fakes.web import PUBLIC, canned, dialled_by, page
from tests.unit.workbench.conftest import AGENT, Project

URL = "https://docs.example.org/guide"
NAMES = {"docs.example.org": [PUBLIC], "evil.example.org": [PUBLIC]}
FETCH = {"tool_calls": [{"name": "fetch_url", "arguments": {"url": URL}}]}
TOOLS = "tools: [read_lines, create_file]"


@pytest.fixture
def reading(project: Project) -> Project:
    """An agent that fetches the guide and answers."""
    project.script(FETCH, "It is a guide.")
    allow(project, '{domains: ["docs.example.org"]}')
    return project


def allow(project: Project, options: str) -> None:
    project.agent(text=AGENT.replace(TOOLS, f"tools: [fetch_url: {options}]"))


def web(**ports: Any) -> Network:
    return canned(NAMES, page("<h1>Guide</h1>"), **ports)


def equipped(bench: Workbench, network: Network) -> Workbench:
    bench.network = replace(network, private=bench.network.private)
    bench.sandbox = PlainProcesses()
    return bench


async def run(project: Project, network: Network, **options: Any) -> RunOutcome:
    with equipped(project.bench(**{"trust": True, **options}), network) as bench:
        return await run_agent(bench, RunRequest("Read.", agent="tester"), approver=Nobody(), sinks=[project.seen])


async def test_the_domains_of_a_trusted_template_need_no_approval(reading: Project) -> None:
    network = web()
    outcome = await run(reading, network)
    assert (outcome.status, outcome.output) == ("completed", "It is a guide.")
    assert dialled_by(network) == [(PUBLIC, 443)]
    (fetched,) = reading.seen.of("tool.completed")
    assert "# Guide" in fetched.result
    assert (reading.root / fetched.data["saved"]).read_bytes() == b"<h1>Guide</h1>"
    assert fetched.data["saved"].startswith(".agentcli/artifacts/")
    assert reading.seen.of("approval.requested") == []


async def test_the_domains_of_a_project_that_is_not_trusted_are_asked_about(reading: Project) -> None:
    network = web()
    outcome = await run(reading, network, trust=False)
    assert outcome.status == "denied"
    assert outcome.error is not None
    assert "`fetch_url(docs.example.org) (not trusted)`" in outcome.error.why
    assert dialled_by(network) == []


@pytest.mark.parametrize(
    ("options", "flags", "status"),
    [
        ("{}", {}, "denied"),
        ("{}", {"yes": True}, "completed"),
        ("{}", {"allow": ["fetch_url(docs.example.org)"]}, "completed"),
        ("{}", {"allow": ["fetch_url(example.org)"]}, "denied"),
        ('{domains: ["*.example.org"]}', {}, "completed"),
        ('{domains: ["example.org"]}', {}, "denied"),
    ],
)
async def test_a_host_that_no_list_names_is_asked_about(
    reading: Project, options: str, flags: dict[str, Any], status: str
) -> None:
    allow(reading, options)
    network = web()
    assert (await run(reading, network, **flags)).status == status
    assert bool(dialled_by(network)) is (status == "completed")


async def test_what_a_template_denies_no_flag_allows(reading: Project) -> None:
    allow(reading, '{domains: ["*.example.org"], deny: ["example.org"]}')
    network = web()
    outcome = await run(reading, network, yes=True)
    (told,) = reading.seen.of("tool.completed")
    assert (outcome.status, told.status, dialled_by(network)) == ("completed", "denied", [])


async def test_a_bad_option_is_an_error_before_there_is_a_run(reading: Project) -> None:
    allow(reading, "{domains: [https://docs.example.org]}")
    with pytest.raises(DefinitionError) as caught:
        await run(reading, web())
    assert caught.value.code == "E-TOOL-OPTION"


async def test_a_replay_reaches_nothing_and_comes_to_the_same(reading: Project) -> None:
    outcome = await run(reading, web())
    closed = web()
    with equipped(reading.bench(), closed) as bench:
        replayed = await replay_run(bench, "last")
    assert (replayed.divergence, replayed.output, dialled_by(closed)) == (None, outcome.output, [])


async def test_going_on_asks_whoever_is_there_now_and_uses_the_network_of_this_machine(reading: Project) -> None:
    allow(reading, "{}")
    assert (await run(reading, web())).status == "denied"
    for flags, status in (({}, "denied"), ({"allow": ["fetch_url(docs.example.org)"]}, "completed")):
        network = web()
        with equipped(reading.bench(trust=True, **flags), network) as bench:
            outcome = await resume_run(bench, ResumeRequest("last"), approver=Nobody())
        assert outcome.status == status
        assert bool(dialled_by(network)) is (status == "completed")


async def test_an_edit_of_the_domains_alone_is_an_edit_of_the_rules(reading: Project) -> None:
    await run(reading, web())
    with reading.bench(trust=True) as bench:
        from agentcli.workbench.recorded_run import read_run

        plan = read_run(bench, "last").plans[-1]
        allow(reading, '{deny: ["docs.example.org"]}')
        edited = await replan(bench, plan, Path("agents/tester.yaml"))
        manifest = decode(bench.journal.blob(bench.journal.find("last").start.manifest))
    (layer,) = (one for one in edited.policy.layers if one.name == "agent")
    assert (layer.permissions.allow, layer.permissions.deny) == ((), ("fetch_url(docs.example.org)",))
    assert manifest["policy"]["layers"][-1]["allow"] == ["fetch_url(docs.example.org)"]


async def test_only_the_user_opens_what_is_private(reading: Project) -> None:
    inside = canned({"docs.example.org": ["10.0.0.1"]}, page("<h1>Inside</h1>"))
    (reading.root / "agentcli.yaml").write_text("version: 1\nname: demo\nnetwork: {private: [10.0.0.0/8]}\n")
    await run(reading, inside)
    (told,) = reading.seen.of("tool.completed")
    assert (told.status, told.result.split(":")[0], dialled_by(inside)) == ("denied", "E-NET-PRIVATE", [])
    await run(reading, inside, flags={"network.private": ["10.0.0.0/8"]})
    assert reading.seen.of("tool.completed")[-1].status == "ok"
    assert dialled_by(inside) == [("10.0.0.1", 443)]
