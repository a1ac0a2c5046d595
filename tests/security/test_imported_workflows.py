"""A workflow's run from elsewhere: as little as an agent's does it change anything here without an approval of here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcli.catalog.builtin import templates_root
from tests.cli.conftest import Cli, cli
from tests.fakes.forged import Forgery, forged
from tests.security.test_imported_runs import take_in, written

__all__ = ["cli"]

AGENT = "version: 1\nkind: agent\nname: scribe\ninstructions: Write.\ntools: [create_file]\n"
REPLIES = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: a.txt, content: one}}]
  - text: It is written.
"""
FLOW = """\
version: 1
kind: workflow
name: filing
agent: scribe
steps:
"""
STEPS = {
    "a call": "- {id: file, tool: create_file, with: {path: a.txt, content: one}}\n",
    "an agent": "- {id: file, prompt: Write it.}\n",
    "a nested workflow": "- {id: outer, workflow: inner}\n",
}
INNER = (
    "version: 1\nkind: workflow\nname: inner\nsteps:\n"
    "- {id: file, tool: create_file, with: {path: a.txt, content: one}}\n"
)
WAYS_ON = {
    "resumed": ["resume"],
    "forked at the start": ["fork", "last", "--at", "2"],
    "forked at its end": ["fork", "last", "--at", "4"],
    "forked onto the present files": ["fork", "last", "--at", "2", "--files", "current"],
    "replayed with the tool live": ["replay", "--live", "tool:create_file"],
}
Change = Callable[[Forgery], object]


@pytest.fixture(params=STEPS)
def denied(request: pytest.FixtureRequest, isolated: Path, cli: Cli) -> bytes:
    """The bundle of a run that stopped where nobody could be asked; the record itself is gone from here."""
    for name in ("agents", "workflows"):
        (isolated / name).mkdir()
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: scribe\n")
    (isolated / "agents" / "scribe.yaml").write_text(AGENT)
    (isolated / "workflows" / "filing.yaml").write_text(FLOW + STEPS[request.param])
    (isolated / "workflows" / "inner.yaml").write_text(INNER)
    (isolated / "s.yaml").write_text(REPLIES)
    assert cli("workflow", "run", "filing").code == 5
    assert cli("runs", "export", "-o", "it.agentcli").code == 0
    shutil.rmtree(isolated / ".agentcli")
    return (isolated / "it.agentcli").read_bytes()


def parts(bundle: Forgery) -> list[dict[str, Any]]:
    """Everything in the manifest that has rules."""
    return [*bundle.manifest["flows"].values(), *bundle.manifest["agents"].values()]


def always_approved(bundle: Forgery) -> None:
    bundle.change("approval.resolved", decision="always", by="user")


def everything_allowed(bundle: Forgery) -> None:
    layers = [
        {"name": name, "trusted": True, "allow": ["create_file", "create_file(**)"], "ask": [], "deny": []}
        for name in ("user", "project", "agent")
    ]
    for part in parts(bundle):
        part["policy"] = {"layers": layers, "yes": True, "allow": ["create_file", "create_file(**)"]}


def everything_allowed_in_the_templates(bundle: Forgery) -> None:
    """Templates that allow it themselves, which are none of here."""
    everything_allowed(bundle)
    for part in parts(bundle):
        part["source"] += "permissions: {allow: [create_file, create_file(**)]}\n"


def everything_allowed_beside_trusted_templates(bundle: Forgery) -> None:
    everything_allowed(bundle)
    text = (templates_root() / "agents" / "assistant.yaml").read_text()
    for agent in bundle.manifest["agents"].values():
        agent.update(agent="assistant", source=text)


def not_to_be_executed(bundle: Forgery) -> None:
    everything_allowed(bundle)
    for part in parts(bundle):
        part["policy"]["answered"] = {"create_file": "recorded"}


def more_plans_than_eras(bundle: Forgery) -> None:
    everything_allowed(bundle)
    bundle.insert_before("approval.requested", {**bundle.first("run.started"), "lane": "step.file"})


NOTHING_GAINED: list[Change] = [
    always_approved,
    everything_allowed,
    everything_allowed_in_the_templates,
    everything_allowed_beside_trusted_templates,
    not_to_be_executed,
    more_plans_than_eras,
]


@pytest.mark.parametrize("change", NOTHING_GAINED, ids=lambda change: change.__name__)
@pytest.mark.parametrize("way", WAYS_ON)
def test_the_approval_is_asked_for_here_and_where_nobody_can_be_asked_the_run_is_denied(
    cli: Cli, denied: bytes, change: Change, way: str
) -> None:
    take_in(cli, forged(denied, change))
    result = cli(*WAYS_ON[way])
    assert (written(cli), result.code) == ([], 5), result.err
    assert "E-APPROVAL-NOBODY" in result.err


def test_no_tool_of_it_is_executed_by_a_strict_replay(cli: Cli, denied: bytes) -> None:
    take_in(cli, forged(denied, everything_allowed))
    assert (cli("replay").code, written(cli)) == (6, []), "the forged rules would have let the call through"


@pytest.mark.parametrize("half", ["alone", "as a note"])
def test_a_call_that_is_called_complete_is_not_executed_by_the_rules_on_record(
    cli: Cli, denied: bytes, half: str
) -> None:
    def change(bundle: Forgery) -> None:
        everything_allowed(bundle)
        more = {} if half == "alone" else {"key": ["tool", "create_file", 0]}
        bundle.insert_before("run.completed", bundle.completed_call(**more))

    take_in(cli, forged(denied, change))
    result = cli("resume")
    assert (written(cli), result.code) == ([], 1), result.err
    assert "E-JOURNAL-DAMAGED" in result.err


@pytest.mark.parametrize("words", [["resume", "--yes"], ["fork", "last", "--at", "2", "--yes"]], ids=["resume", "fork"])
def test_a_folder_that_a_record_names_is_not_opened(cli: Cli, denied: bytes, words: list[str]) -> None:
    elsewhere = cli.cwd.parent / "elsewhere"
    elsewhere.mkdir()
    take_in(cli, forged(denied, lambda bundle: bundle.manifest.update(workspace=str(elsewhere))))
    result = cli(*words)
    assert (written(cli), result.code, "E-RUN-WORKSPACE" in result.err) == ([], 2, True), result.err
    assert list(elsewhere.iterdir()) == []


def test_a_limit_on_record_is_no_higher_than_the_users_own(cli: Cli, denied: bytes) -> None:
    def unlimited(bundle: Forgery) -> None:
        for part in [bundle.manifest, *bundle.manifest["agents"].values()]:
            part["limits"] = dict.fromkeys(part["limits"], None) | {"tool_seconds": 1e6}

    mine = cli.cwd.parent / "agentcli-home" / "config" / "config.yaml"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("limits: {seconds: 1e-9}\n")
    take_in(cli, forged(denied, unlimited))
    assert cli("resume", "--yes").code == 4
    assert written(cli) == []


def test_with_an_approval_of_here_it_goes_on(cli: Cli, denied: bytes) -> None:
    take_in(cli, forged(denied, everything_allowed))
    result = cli("resume", "--yes")
    assert (len(written(cli)), result.code) == (1, 0), result.err
