"""`agentcli replay`: the same again from the record alone, or where it is not the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: looker
instructions: Look it up.
tools: [read_lines]
"""
SCRIPT = """\
replies:
  - tool_calls: [{name: read_lines, arguments: {path: ./notes.txt, end: "1"}}]
  - text: The port is 8080.
"""
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-z]{6}")


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: looker\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "looker.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(SCRIPT)
    (isolated / "notes.txt").write_text("port = 8080\n")
    assert cli("run", "Which port?").code == 0
    return isolated


def test_it_gives_the_same_answer_and_says_what_it_verified(cli: Cli, project: Path) -> None:
    result = cli("replay")
    assert (result.code, result.out) == (0, "The port is 8080.\n")
    assert RUN_ID.sub("RUN", result.err) == (
        "✓ RUN: 10 events, 3 results from the record, 7 contents as hashed.\n"
        "  Every request and the end (completed) are the same. Nothing was executed.\n"
    )


def test_it_needs_neither_model_nor_files_nor_templates_and_writes_nothing(cli: Cli, project: Path) -> None:
    for path in (project / "s.yaml", project / "notes.txt"):
        path.unlink()
    shutil.rmtree(project / "agents")
    (project / "agentcli.yaml").write_text("version: 1\n")
    before = cli("runs", "list", "--json").out
    result = cli("replay", "last")
    assert (result.code, result.out) == (0, "The port is 8080.\n")
    assert cli("runs", "list", "--json").out == before


def test_json_is_one_object(cli: Cli, project: Path) -> None:
    found = json.loads(cli("replay", "--json").out)
    assert (found["same"], found["whole"], found["answered"], found["divergence"]) == (True, True, 3, None)


def test_an_edited_instruction_diverges_at_the_first_request_and_names_the_path(cli: Cli, project: Path) -> None:
    edited = project / "edited.yaml"
    edited.write_text(AGENT.replace("Look it up.", "Guess."))
    result = cli("replay", "--template", "edited.yaml", "--json")
    found = json.loads(result.out)["divergence"]
    assert result.code == 6
    assert (found["turn"], found["path"]) == (1, "$['messages'][0]['content']")
    assert (found["recorded"], found["current"]) == ("Look it up.", "Guess.")
    told = cli("replay", "--template", "edited.yaml")
    assert told.code == 6
    assert "The request to the model is not the recorded one." in told.err
    assert 'recorded  "Look it up."\n  current   "Guess."\n' in told.err
    assert "The record carries 0 of 3 results." in told.err


def test_an_edit_that_changes_nothing_replays(cli: Cli, project: Path) -> None:
    (project / "same.yaml").write_text("# The same.\n" + AGENT)
    assert cli("replay", "--template", "same.yaml").code == 0


def test_a_rule_that_denies_what_was_called_diverges(cli: Cli, project: Path) -> None:
    (project / "denying.yaml").write_text(AGENT + "permissions: {deny: [read_lines]}\n")
    result = cli("replay", "--template", "denying.yaml")
    assert result.code == 6


def test_a_failed_run_replays_to_its_failure(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{error: unreachable}]\n")
    assert cli("run", "Which port?").code == 7
    result = cli("replay")
    assert (result.code, result.out) == (0, "")
    assert "recorded error" in result.err


def test_a_limited_run_replays_to_its_limit(cli: Cli, project: Path) -> None:
    assert cli("run", "Which port?", "--limit", "turns=1").code == 4
    assert cli("replay").code == 0


def test_an_unknown_run_is_wrong_usage(cli: Cli, project: Path) -> None:
    assert cli("replay", "nothing").code == 2
