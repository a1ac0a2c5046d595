"""`agentcli resume`: what was done stays done, and the rest is done."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

WRITES = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: a.txt, content: one}}]
  - tool_calls: [{name: create_file, arguments: {path: b.txt, content: two}}]
  - text: Both are written.
"""
AGENT = """\
version: 1
kind: agent
name: scribe
instructions: Write.
tools: [create_file, delete_file]
"""


@pytest.fixture
def project(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: scribe\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "scribe.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(WRITES)
    return isolated


def test_a_run_that_was_denied_goes_on_where_it_stood(cli: Cli, project: Path) -> None:
    assert cli("run", "Write both").code == 5
    result = cli("resume", "--yes")
    assert (result.code, result.out) == (0, "Both are written.\n")
    assert (project / "a.txt").read_text() == "one"
    assert cli("replay").code == 0
    assert cli("runs", "verify").code == 0


def test_a_limit_can_be_raised_and_a_completed_call_is_not_made_again(cli: Cli, project: Path) -> None:
    assert cli("run", "Write both", "--yes", "--limit", "turns=1").code == 4
    (project / "a.txt").write_text("changed since")
    result = cli("resume", "last", "--limit", "turns=9", "--yes")
    assert result.code == 0
    assert (project / "a.txt").read_text() == "changed since"
    assert (project / "b.txt").read_text() == "two"
    shown = [json.loads(line) for line in cli("runs", "show", "--json").out.splitlines()]
    assert [event["changes"]["limits"]["turns"] for event in shown if event["type"] == "run.resumed"] == [9]


def test_an_approval_flag_of_the_first_time_holds_no_more(cli: Cli, project: Path) -> None:
    assert cli("run", "Write both", "--yes", "--limit", "turns=1").code == 4
    assert cli("resume", "--limit", "turns=9").code == 5
    assert not (project / "b.txt").exists()


def test_a_model_that_failed_is_asked_again_or_replaced(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{error: unreachable}]\n")
    assert cli("run", "Write both").code == 7
    (project / "t.yaml").write_text("replies: [{text: Here.}]\n")
    result = cli("resume", "-m", "scripted:t.yaml")
    assert (result.code, result.out) == (0, "Here.\n")


def test_a_model_whose_price_is_not_known_can_be_replaced_by_one_whose_price_is(cli: Cli, project: Path) -> None:
    elsewhere = {"OPENAI_API_KEY": "sk-never-sent", "OPENAI_BASE_URL": "https://models.invalid/v1"}
    costly = ["run", "Write both", "-m", "openai:unheard-of", "--limit", "cost_usd=1"]
    assert cli(*costly, environ=elsewhere).code == 4
    result = cli("resume", environ=elsewhere)
    assert (result.code, "E-LIMIT-COST-UNKNOWN" in result.err) == (4, True)
    assert cli("resume", "-m", "scripted:s.yaml", "--yes").code == 0
    assert cli("replay").code == 0


def test_a_complete_run_is_not_gone_on_with(cli: Cli, project: Path) -> None:
    cli("run", "Write both", "--yes")
    result = cli("resume")
    assert result.code == 2
    assert "E-RUN-COMPLETED" in result.err
    assert "agentcli fork" in result.err


def test_an_unknown_run_is_told_with_what_there_is(cli: Cli, project: Path) -> None:
    assert "E-RUN-UNKNOWN" in cli("resume", "nothing").err


def test_a_result_for_what_is_no_call_is_refused_and_nothing_is_written(cli: Cli, project: Path) -> None:
    cli("run", "Write both")
    before = cli("runs", "show", "--json").out
    result = cli("resume", "--tool-result", "2=x", "--yes")
    assert (result.code, "E-RESUME-RESULT" in result.err) == (2, True)
    assert cli("runs", "show", "--json").out == before


@pytest.mark.parametrize("word", ["x=y", "7", "=@f"])
def test_a_result_without_a_number_is_wrong_usage(cli: Cli, project: Path, word: str) -> None:
    cli("run", "Write both")
    result = cli("resume", "--tool-result", word)
    assert (result.code, "E-USAGE-SEQ" in result.err) == (2, True)


def test_a_record_that_came_with_a_folder_opens_no_other_folder_to_tools(cli: Cli, project: Path) -> None:
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    assert cli("run", "Write both", "--workspace", str(elsewhere)).code == 5
    result = cli("resume", "--yes")
    assert (result.code, "E-RUN-WORKSPACE" in result.err) == (2, True)
    assert cli("resume", "--yes", "--workspace", str(elsewhere)).code == 0
    assert (elsewhere / "a.txt").exists()


def test_what_a_shipped_record_allows_counts_for_nothing(cli: Cli, project: Path) -> None:
    """The template on record allows everything, the one here nothing: the record may have been written by anybody."""
    allowing = AGENT + "permissions: {allow: [create_file]}\n"
    (project / "agents" / "scribe.yaml").write_text(allowing)
    assert cli("run", "Write both", "--trust", "--limit", "turns=1").code == 4
    (project / "agents" / "scribe.yaml").write_text(AGENT)
    assert cli("resume", "--trust", "--limit", "turns=9").code == 5
    (project / "agents" / "scribe.yaml").write_text(allowing)
    assert cli("resume", "--limit", "turns=9").code == 5
    assert cli("resume", "--trust", "--limit", "turns=9").code == 0


def test_a_tampered_record_is_not_gone_on_with(cli: Cli, project: Path) -> None:
    cli("run", "Write both", "--yes", "--limit", "turns=1")
    database = sqlite3.connect(next(project.rglob("journal.db")))
    database.execute("UPDATE events SET time = time + 1 WHERE seq = 3")
    database.commit()
    database.close()
    assert cli("replay").code == 1
    result = cli("resume", "--limit", "turns=9", "--yes")
    assert result.code == 1
    assert "E-REPLAY-DAMAGED" in result.err


def test_a_run_outside_any_project_is_gone_on_with_too(cli: Cli, isolated: Path) -> None:
    (isolated / "s.yaml").write_text("replies: [{error: unreachable}, {text: x}]\n")
    assert cli("run", "Hi", "-m", "scripted:s.yaml").code == 7
    (isolated / "s.yaml").write_text("replies: [{text: Hello.}]\n")
    result = cli("resume")
    assert (result.code, result.out) == (0, "Hello.\n")
