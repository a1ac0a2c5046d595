"""`agentcli fork`: the record up to a cut, then live, with files of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: scribe
instructions: Write.
tools: [read_lines, create_file]
"""
SCRIPT = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: a.txt, content: one, overwrite: true}}]
  - tool_calls: [{name: read_lines, arguments: {path: a.txt}}]
  - tool_calls: [{name: create_file, arguments: {path: a.txt, content: two, overwrite: true}}]
  - text: Done.
"""


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: scribe\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "scribe.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(SCRIPT)
    assert cli("run", "Write it", "--yes").code == 0
    assert (isolated / "a.txt").read_text() == "two"
    return isolated


def events(cli: Cli, run: str = "last") -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


def seqs(cli: Cli, kind: str) -> list[int]:
    return [event["seq"] for event in events(cli) if event["type"] == kind]


def test_it_goes_live_only_after_the_cut_and_its_files_are_as_they_were(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[1]
    (project / "other.yaml").write_text("replies: [{text: Stopped here., repeat: true}]\n")
    result = cli("fork", "last", "--at", str(cut), "-m", "scripted:other.yaml")
    assert (result.code, result.out) == (0, "Stopped here.\n")
    forked = events(cli)
    assert [event["type"] for event in forked if event["seq"] > cut] == [
        "run.forked", "turn.started", "model.started", "model.completed", "run.completed",
    ]  # fmt: skip
    parent = events(cli, "last~1")[0]["run"]
    assert all(event["parent"] == parent for event in forked)
    place = Path(next(event["changes"]["workspace"] for event in forked if event["type"] == "run.forked"))
    assert (place / "a.txt").read_text() == "one"
    assert (project / "a.txt").read_text() == "two"
    assert cli("replay").code == 0
    assert cli("runs", "verify", "--all").code == 0


def test_a_fork_of_a_fork_is_a_run_like_any_other(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[0]
    assert cli("fork", "last", "--at", str(cut), "--yes").code == 0
    again = seqs(cli, "tool.completed")[1]
    assert cli("fork", "last", "--at", str(again), "--yes").code == 0
    assert cli("replay").code == 0
    rows = [json.loads(line) for line in cli("runs", "list", "--json").out.splitlines()]
    assert [row["parent"] for row in rows] == [rows[1]["id"], rows[2]["id"], None]


def test_approvals_of_the_parent_do_not_count(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[0]
    assert cli("fork", "last", "--at", str(cut)).code == 5


def test_another_tool_result_is_what_the_model_is_told(cli: Cli, project: Path) -> None:
    seq = seqs(cli, "tool.completed")[1]
    (project / "s.yaml").write_text(SCRIPT + "  - {text: I see seven., contains: seven}\n")
    (project / "seven.txt").write_text("seven\n")
    result = cli("fork", "last", "--tool-result", f"{seq}=@seven.txt")
    assert (result.code, result.out) == (0, "I see seven.\n")
    assert cli("replay").code == 0


def test_another_answer_takes_the_run_another_way(cli: Cli, project: Path) -> None:
    first = seqs(cli, "model.completed")[0]
    result = cli("fork", "last", "--response", f"{first}=Nothing to write.")
    assert (result.code, result.out) == (0, "Nothing to write.\n")
    call = json.dumps({"tool_calls": [{"id": "x", "name": "read_lines", "arguments": {"path": "s.yaml"}}]})
    assert cli("fork", "last~1", "--response", f"{first}={call}", "--yes").code == 0
    assert cli("replay").code == 0


def test_other_words_are_what_the_model_reads(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{text: Better., matches: 'Write it well'}]\n")
    result = cli("fork", "last", "--at", "1", "--prompt", "Write it well", "--instructions", "Be brief.")
    assert (result.code, result.out) == (0, "Better.\n")
    rows = [json.loads(line) for line in cli("runs", "list", "--json").out.splitlines()]
    assert len(rows) == 2
    assert cli("replay").code == 0


def test_a_replaced_result_after_which_others_were_recorded_is_refused_before_anything_happens(
    cli: Cli, project: Path
) -> None:
    first, second, _ = seqs(cli, "tool.completed")
    result = cli("fork", "last", "--at", str(second), "--tool-result", f"{first}=other")
    assert result.code == 6
    assert len(cli("runs", "list", "--json").out.splitlines()) == 1


@pytest.mark.parametrize("cut", ["0", "99", "-3"])
def test_a_cut_out_of_range_is_told_with_the_range(cli: Cli, project: Path, cut: str) -> None:
    result = cli("fork", "last", f"--at={cut}")
    assert (result.code, "E-FORK-CUT" in result.err) == (2, True)
    assert "numbered from 1 to" in result.err


def test_a_fork_needs_a_cut(cli: Cli, project: Path) -> None:
    assert "No cut is named" in cli("fork", "last").err


@pytest.mark.parametrize("option", ["--tool-result", "--response"])
def test_only_what_was_recorded_can_be_replaced(cli: Cli, project: Path, option: str) -> None:
    result = cli("fork", "last", "--at", "5", option, "2=x")
    assert (result.code, "E-FORK-REPLACE" in result.err) == (2, True)


def test_an_answer_that_begins_like_json_must_be_a_message(cli: Cli, project: Path) -> None:
    result = cli("fork", "last", "--response", '4={"tool_calls": 3}')
    assert (result.code, "E-USAGE-MESSAGE" in result.err) == (2, True)


def test_the_present_files_can_be_asked_for(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[0]
    assert cli("fork", "last", "--at", str(cut), "--files", "current", "--yes").code == 0
    assert "workspace" in next(event["changes"] for event in events(cli) if event["type"] == "run.forked")
    assert not (project / ".agentcli" / "workspaces").exists()


def test_a_plan_says_what_would_go_live_and_does_nothing(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[1]
    found = json.loads(cli("fork", "last", "--at", str(cut), "--plan", "--json").out)
    assert found["cut"] == cut
    assert [one["kind"] for one in found["live"]] == ["model"]
    assert found["estimate"]["model_calls"] == 2
    told = cli("fork", "last", "--at", str(cut), "--plan")
    assert (told.code, "Nothing was done." in told.out) == (0, True)
    assert len(cli("runs", "list", "--json").out.splitlines()) == 1


def test_a_plan_tells_what_is_different_and_what_is_asked_first_in_words(cli: Cli, project: Path) -> None:
    (project / "other.yaml").write_text("replies: [{text: Stopped here., repeat: true}]\n")
    answered, called = seqs(cli, "model.completed")[1], seqs(cli, "tool.completed")[1]
    told = cli("fork", "last", "--at", str(called), "-m", "scripted:other.yaml", "--prompt", "Write\nless", "--plan")
    assert told.out.splitlines()[1:5] == [
        "  models: scripted:other.yaml",
        "  task: Write less",
        "  message: Write less",
        "  first live: a request to the model, turn 3",
    ]
    told = cli("fork", "last", "--at", str(answered), "--plan")
    assert told.out.splitlines()[1] == "  first live: a call of read_lines, turn 2, call 1"
    told = cli("fork", "last", "--at", str(seqs(cli, "model.completed")[2]), "--plan")
    assert told.out.splitlines()[1] == "  first live: an approval of create_file, turn 3, call 1"


@pytest.mark.parametrize("more", [[], ["--plan"]], ids=["fork", "plan"])
def test_a_model_whose_cost_could_not_be_limited_is_refused_before_anything_happens(
    cli: Cli, project: Path, more: list[str]
) -> None:
    elsewhere = {"OPENAI_API_KEY": "sk-never-sent", "OPENAI_BASE_URL": "https://models.invalid/v1"}
    words = ["fork", "last", "--at", "4", "-m", "openai:unheard-of", "--limit", "cost_usd=1", *more]
    result = cli(*words, environ=elsewhere)
    assert (result.code, "E-LIMIT-COST-UNKNOWN" in result.err) == (4, True)
    assert len(cli("runs", "list", "--json").out.splitlines()) == 1


def test_what_changed_is_told_without_what_follows_from_it(cli: Cli, project: Path) -> None:
    cut = seqs(cli, "tool.completed")[1]
    (project / "other.yaml").write_text("replies: [{text: Stopped here., repeat: true}]\n")
    result = cli("fork", "last", "--at", str(cut), "-m", "scripted:other.yaml")
    assert f"@{cut} with models changed\n" in result.err
