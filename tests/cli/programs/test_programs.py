"""Agents that run code and commands: recorded, forked with their files, replayed without running anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.sandbox.missing import NoSandbox
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench
from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: coder
instructions: Work.
tools:
  - shell: {OPTIONS}
  - run_python
"""
SCRIPT = """\
replies:
  - tool_calls: [{name: shell, arguments: {command: "sort notes.txt > sorted.txt && rm old.txt"}}]
  - tool_calls: [{name: run_python, arguments: {code: "open('sorted.txt', 'a').write('more')"}}]
  - text: Done.
"""


def make(folder: Path, options: str = "") -> None:
    (folder / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: coder\n")
    (folder / "agents").mkdir()
    (folder / "agents" / "coder.yaml").write_text(AGENT.replace("OPTIONS", options))
    (folder / "s.yaml").write_text(SCRIPT)
    (folder / "notes.txt").write_text("b\na\n")
    (folder / "old.txt").write_text("old\n")


@pytest.fixture
def project(isolated: Path) -> Path:
    make(isolated)
    return isolated


def events(cli: Cli, run: str = "last") -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


def cuts(cli: Cli) -> list[int]:
    return [event["seq"] for event in events(cli) if event["type"] == "tool.completed"]


def test_what_programs_changed_is_recorded_forked_compared_and_replayed(cli: Cli, project: Path) -> None:
    assert cli("run", "Sort", "--yes").code == 0
    assert (project / "sorted.txt").read_text() == "a\nb\nmore"
    shell, python = (event for event in events(cli) if event["type"] == "tool.completed")
    assert [(touch["path"], touch["changed"]) for touch in shell["files"]] == [("old.txt", True), ("sorted.txt", True)]
    assert shell["result"] == "exit code 0\n[created: sorted.txt]\n[deleted: old.txt]"
    assert python["result"] == "exit code 0\n[changed: sorted.txt]"

    for name in ("sorted.txt", "notes.txt"):
        (project / name).unlink()
    assert cli("replay").code == 0
    assert not (project / "sorted.txt").exists()

    (project / "other.yaml").write_text("replies: [{text: Stopped here., repeat: true}]\n")
    first, second = cuts(cli)
    parent = events(cli)[0]["run"]
    for cut, expected in ((first - 1, None), (first, "a\nb\n"), (second, "a\nb\nmore")):
        assert cli("fork", parent, "--at", str(cut), "-m", "scripted:other.yaml", "--in-doubt", "fail").code in (0, 5)
        forked = next(event for event in events(cli) if event["type"] == "run.forked")
        place = Path(forked["changes"]["workspace"])
        found = (place / "sorted.txt").read_text() if (place / "sorted.txt").exists() else None
        assert found == expected
        assert (place / "old.txt").exists() is (expected is None)
    compared = cli("diff", parent, "last~1").out
    assert "sorted.txt" in compared


def test_a_program_whose_changes_nobody_knows_can_only_be_forked_over_the_present_files(
    cli: Cli, isolated: Path
) -> None:
    make(isolated, "copy_files: 1, in_place: true")
    assert cli("run", "Sort", "--yes").code == 0
    assert (isolated / "sorted.txt").read_text() == "a\nb\nmore"
    assert cli("replay").code == 0
    assert cli("runs", "verify").code == 0
    refused = cli("fork", "last", "--at", "2")
    assert (refused.code, "E-FORK-FILES-UNSEEN" in refused.err) == (2, True)
    (isolated / "other.yaml").write_text("replies: [{text: Stopped here., repeat: true}]\n")
    assert cli("fork", "last", "--at", "2", "--files", "current", "-m", "scripted:other.yaml").code == 0


async def test_without_a_sandbox_the_run_is_denied_and_says_what_to_do(project: Path) -> None:
    with open_workbench(Options(cwd=project, environ=dict(os.environ), trust=True, yes=True)) as bench:
        bench.__dict__["sandbox"] = NoSandbox()
        outcome = await run_agent(bench, RunRequest("Sort"), approver=Nobody())
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.status, outcome.error.code) == (5, "denied", "E-SANDBOX-NONE")
    assert "agentcli doctor" in outcome.error.fix
    assert (project / "old.txt").exists()


def test_a_program_asks_every_time(cli: Cli, project: Path) -> None:
    result = cli("run", "Sort", "--allow", "shell(sort *)")
    assert (result.code, "E-APPROVAL-NOBODY" in result.err) == (5, True)
    assert (project / "old.txt").exists()


def test_a_command_can_be_run_by_hand_as_an_agent_would(cli: Cli, project: Path) -> None:
    shown = cli("tools", "show", "shell").out
    assert "`shell(PATTERN)` matches" in shown
    assert "copy_files" in shown
