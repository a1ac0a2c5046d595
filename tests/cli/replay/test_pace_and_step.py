"""`agentcli replay --pace` and `--step`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Result

AGENT = """\
version: 1
kind: agent
name: looker
instructions: Look it up.
tools: [read_lines]
"""
SCRIPT = """\
replies:
  - text: Let me look.
    tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
  - text: The port is 8080.
"""


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: looker\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "looker.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(SCRIPT)
    (isolated / "notes.txt").write_text("port = 8080\n")
    assert cli("run", "Which port?").code == 0
    return isolated


def step(cli: Cli, *lines: str, words: tuple[str, ...] = ()) -> Result:
    return cli("replay", "last", "--step", *words, stdin="".join(f"{line}\n" for line in lines).encode())


def test_pace_shows_what_the_run_showed_and_the_answer(cli: Cli, project: Path) -> None:
    result = cli("replay", "--pace", "1000")
    assert (result.code, result.out) == (0, "The port is 8080.\n")
    assert result.err.startswith("looker with scripted:s.yaml\nLet me look.\n✓ read_lines(")
    assert result.err.endswith("Nothing was executed.\n")


def test_pace_with_json_prints_the_events(cli: Cli, project: Path) -> None:
    found = [json.loads(line) for line in cli("replay", "--pace", "1000", "--json").out.splitlines()]
    lasting = [event for event in found if event["type"] != "model.delta"]
    assert [event["seq"] for event in lasting] == list(range(1, len(lasting) + 1))
    assert lasting[-1]["type"] == "run.completed"


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf"])
def test_a_speed_is_above_0(cli: Cli, project: Path, speed: str) -> None:
    result = cli("replay", f"--pace={speed}")
    assert result.code == 2
    assert "is no speed" in result.err


def test_stepping_shows_one_event_after_the_other(cli: Cli, project: Path) -> None:
    result = step(cli, "", "n", "b", "q")
    assert result.code == 0
    assert result.out == "   1  run.started\n   2  turn.started\n   3  model.started\n   2  turn.started\n"
    assert re.findall(r"\(\d+/\d+\) > ", result.err) == ["(1/10) > ", "(2/10) > ", "(3/10) > ", "(2/10) > "]


def test_it_stops_where_it_was_told_to_and_shows_the_call(cli: Cli, project: Path) -> None:
    out = step(cli, "break tool:read_lines", "c", "args", "n", "result", "c", "break tool:read_lines").out
    assert "stops at tool:read_lines\n" in out
    assert '   5  tool.started  read_lines(path="notes.txt", start=1)\n{\n  "path": "notes.txt",\n' in out
    assert "port = 8080" in out
    assert out.endswith("  10  run.completed\nno longer stops at tool:read_lines\n")


def test_messages_are_what_the_model_saw(cli: Cli, project: Path) -> None:
    out = step(cli, "m", "find 8080", "go 8", "m").out
    assert "(none yet)" in out
    assert "system:\n" in out
    assert "user:\n  Which port?\n" in out


def test_mistakes_are_said_and_stepping_goes_on(cli: Cli, project: Path) -> None:
    result = step(cli, "b", "go 99", "nxt", "find", "result", "args", "find zzz", "edit", "help")
    for said in ("the first event", "no event `99`", "Did you mean `next`?", "go on", "no result", "no call", "zzz"):
        assert said in result.err + result.out
    assert result.out.count("\n") > 10


def test_a_long_text_is_cut_until_all_of_it_is_asked_for(cli: Cli, project: Path) -> None:
    (project / "notes.txt").write_text("".join(f"line {n}\n" for n in range(900)))
    assert cli("run", "Which port?").code == 0
    result = step(cli, "find tool.completed", "go 6", "result", "full")
    assert "more characters: `full`" in result.err
    assert "line 180" in result.out


def test_an_edited_result_goes_on_live(cli: Cli, project: Path) -> None:
    (project / "new.txt").write_text("port = 9090\n")
    (project / "s.yaml").write_text(SCRIPT.replace("8080.}", "x").replace("text: The port is 8080.", "text: Now 9090."))
    result = step(cli, "go 6", "edit @new.txt", "where", "result", "live")
    assert (result.code, result.out.splitlines()[-1]) == (0, "Now 9090.")
    assert "edited: 6" in result.out
    assert json.loads(cli("runs", "list", "--json").out.splitlines()[0])["cut"] == 6


def test_an_editor_is_given_the_result(cli: Cli, project: Path) -> None:
    editor = project / "editor.sh"
    editor.write_text('#!/bin/sh\nprintf "from the editor" > "$1"\n')
    editor.chmod(0o755)
    lines = "go 6\nedit\nresult\n"
    result = cli("replay", "--step", stdin=lines.encode(), environ={"EDITOR": str(editor)})
    assert result.out.endswith("from the editor\n")
    failed = cli("replay", "--step", stdin=lines.encode(), environ={"EDITOR": "false"})
    assert "It ended with 1." in failed.err
    missing = cli("replay", "--step", stdin=lines.encode(), environ={"EDITOR": "/nowhere/ed"})
    assert "E-STEP-EDITOR" in missing.err


def test_what_does_not_go_with_stepping_is_said(cli: Cli, project: Path) -> None:
    assert step(cli, words=("--pace", "1")).code == 2
    assert step(cli, words=("--live", "model")).code == 2
