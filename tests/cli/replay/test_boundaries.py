"""`agentcli replay --live`, `--mock`, `--fail`: a new run of which only the named parts are not from the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: writer
instructions: Look it up and note it.
tools: [read_lines, create_file]
"""
SCRIPT = """\
replies:
  - text: Let me look.
    tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: new, overwrite: true}}]
  - text: Noted.
"""
OTHER = """\
replies:
  - tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
  - text: Another answer.
"""


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: writer\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "writer.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(SCRIPT)
    (isolated / "other.yaml").write_text(OTHER)
    (isolated / "notes.txt").write_text("port = 8080\n")
    (isolated / "out.txt").write_text("old")
    assert cli("run", "Which port?", "--yes").code == 0
    return isolated


def events(cli: Cli, run: str = "last") -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


def results(cli: Cli) -> list[tuple[str, str, str]]:
    found = [event for event in events(cli) if event["type"] == "tool.completed"]
    return [(event["tool"], event["status"], event["result"]) for event in found]


def test_a_live_model_reads_recorded_results_and_no_tool_runs(cli: Cli, project: Path) -> None:
    (project / "notes.txt").unlink()
    result = cli("replay", "last", "--live", "model", "-m", "scripted:other.yaml")
    assert (result.code, result.out) == (0, "Another answer.\n")
    assert [(tool, status) for tool, status, _ in results(cli)] == [("read_lines", "ok")]
    assert "port = 8080" in results(cli)[0][2]
    first = events(cli)[0]
    assert (first["type"], first["seq"]) == ("run.started", 1)
    row = json.loads(cli("runs", "list", "--json").out.splitlines()[0])
    assert (row["relation"], row["cut"]) == ("fork", 0)


def test_a_live_tool_works_on_the_files_as_they_were_before_and_needs_its_permission(cli: Cli, project: Path) -> None:
    refused = cli("replay", "last", "--live", "tool:create_file")
    assert refused.code == 5
    assert "E-APPROVAL-NOBODY" in refused.err
    run = json.loads(cli("runs", "list", "--json").out.splitlines()[1])["id"]
    (project / "out.txt").write_text("mine")
    result = cli("replay", run, "--live", "tool:create_file", "--yes")
    assert (result.code, result.out) == (0, "Noted.\n")
    assert (project / "out.txt").read_text() == "mine"


def test_a_mocked_tool_needs_no_permission_and_touches_nothing(cli: Cli, project: Path) -> None:
    (project / "out.txt").unlink()
    result = cli("replay", "--live", "model", "--mock", "tool:create_file=as if", "--mock", "tool:read_lines=nothing")
    assert (result.code, result.out) == (0, "Noted.\n")
    assert results(cli) == [("read_lines", "ok", "nothing"), ("create_file", "ok", "as if")]
    assert not (project / "out.txt").exists()


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("timeout", "timeout", "`create_file` did not end within 30 s and was stopped."),
        ("error", "error", "`create_file` failed: RuntimeError: injected with --fail"),
    ],
)
def test_a_tool_fails_as_it_really_would(cli: Cli, project: Path, fault: str, status: str, text: str) -> None:
    result = cli("replay", "--live", "model", "--fail", f"tool:create_file={fault}")
    assert result.code == 0
    assert results(cli)[-1] == ("create_file", status, text)


def test_a_recorded_model_that_is_asked_something_else_ends_the_run(cli: Cli, project: Path) -> None:
    result = cli("replay", "--mock", "tool:read_lines=port = 1")
    assert result.code == 6
    assert "E-REPLAY-DIFFERENT" in result.err
    assert "$['messages'][3]['content']" in result.err
    assert '"port = 1"' in result.err
    assert "`--live model`" in result.err


def test_a_call_that_is_not_on_record_ends_the_run(cli: Cli, project: Path) -> None:
    (project / "other.yaml").write_text(OTHER.replace("notes.txt", "other.txt"))
    result = cli("replay", "--live", "model", "-m", "scripted:other.yaml")
    assert result.code == 6
    assert "$['arguments']['path']" in result.err
    assert "--live tool:read_lines" in result.err


def test_what_was_answered_once_is_not_answered_again(cli: Cli, project: Path) -> None:
    (project / "other.yaml").write_text(OTHER + OTHER.removeprefix("replies:\n"))
    twice = OTHER.splitlines()[1]
    (project / "other.yaml").write_text(f"replies:\n{twice}\n{twice}\n")
    result = cli("replay", "--live", "model", "-m", "scripted:other.yaml")
    assert result.code == 6
    assert "E-REPLAY-UNRECORDED" in result.err


def test_such_a_run_can_itself_be_replayed(cli: Cli, project: Path) -> None:
    assert cli("replay", "--live", "model", "--mock", "tool:create_file=as if").code == 0
    result = cli("replay")
    assert (result.code, result.out) == (0, "Noted.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--live", "tool:read_line"], "Did you mean `read_lines`?"),
        (["--live", "read_lines"], "tool:NAME"),
        (["--mock", "tool:read_lines"], "equals sign"),
        (["--fail", "tool:read_lines=slow"], "`timeout` or by `error`"),
        (["--fail", "tool:read_lines=error", "--live", "tool:read_lines"], "named twice"),
        (["--live", "tool:read_lines", "-m", "scripted:s.yaml"], "It belongs to `--live model`."),
        (["--live", "model", "--template", "agents/writer.yaml"], "all from the record"),
        (["-m", "scripted:s.yaml"], "It belongs to `--live`."),
        (["--yes"], "It belongs to `--live`."),
    ],
)
def test_what_cannot_be_done_is_said_before_a_run_begins(cli: Cli, project: Path, words: list[str], said: str) -> None:
    before = cli("runs", "list", "--json").out
    result = cli("replay", "last", *words)
    assert result.code == 2
    assert said in result.err
    assert cli("runs", "list", "--json").out == before
