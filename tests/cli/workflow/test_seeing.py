"""What is seen of a workflow's run where nothing can be redrawn, and afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

NOTES = """\
version: 1
kind: workflow
name: notes
on_error: continue
limits: {tokens: 5000}
steps:
  - id: list
    name: List the changes
    prompt: List them.
    output: {schema: {type: array}}
  - id: check
    foreach: "{{ steps.list.output }}"
    prompt: Check {{ item }}.
  - id: both
    needs: []
    foreach: {range: 2}
    prompt: Do {{ item }}.
  - id: read
    needs: []
    tool: read_lines
    with: {path: nope.txt}
  - id: tell
    needs: [read]
    prompt: Tell it.
output: "{{ steps.check.output[0] }}"
"""

SCRIPT = """\
replies:
  - {contains: List, text: '["a"]', usage: {input: 100, output: 20}}
  - {text: Fine., usage: {input: 50, output: 10}}
"""


@pytest.fixture
def folder(isolated: Path) -> Path:
    (isolated / "notes.yaml").write_text(NOTES)
    (isolated / "s.yaml").write_text(SCRIPT)
    return isolated


RUN = ("workflow", "run", "./notes.yaml", "-m", "scripted:s.yaml")


def steady(text: str) -> str:
    text = re.sub(r"\d{8}-\d{6}-[0-9a-z]{6}", "RUN", text)
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", re.sub(r"started  .*", "started  THEN", text))


def test_a_pipe_gets_a_line_for_each_thing_that_becomes_of_a_step(cli: Cli, folder: Path) -> None:
    result = cli(*RUN)
    assert (result.code, result.out) == (1, "")
    lines = steady(result.err).splitlines()
    assert lines[0] == "notes with scripted:s.yaml"
    assert sorted(lines[1:-4]) == sorted(
        [
            "· list  running",
            "✓ list  completed in TIME · 120 tokens",
            "· check  running: 1 item",
            "✓ check  completed in TIME · 1 item · 60 tokens",
            "· both  running: 2 items",
            "✓ both  completed in TIME · 2 items · 120 tokens",
            "· read  running",
            'read: ✗ read_lines(path="nope.txt", start=1)  error, TIME',
            "    E-FILE-UNKNOWN: There is no file `nope.txt`. List what there is with list_files.",
            (
                "✗ read  failed in TIME: The call of `read_lines` was no success. E-FILE-UNKNOWN: There is no file "
                "`nope.txt`. List what there is with list_files."
            ),
            "○ tell  skipped: It needs `read`, which failed.",
        ]
    )
    assert lines[-4] == "error: 1 of 5 steps failed. (E-STEPS-FAILED)"
    assert lines[-1] == "failed in TIME · 4 turns · 300 tokens · RUN"


def test_quiet_is_the_result_alone(cli: Cli, folder: Path) -> None:
    (folder / "notes.yaml").write_text(NOTES.replace("nope.txt", "s.yaml"))
    result = cli(*RUN, "-q")
    assert (result.code, result.out, result.err) == (0, "Fine.\n", "")


def test_the_first_event_says_which_steps_there_are_and_the_limits(cli: Cli, folder: Path) -> None:
    first = json.loads(cli(*RUN, "--json").out.splitlines()[0])
    assert first["steps"] == [
        {"id": "list", "name": "List the changes"},
        {"id": "check", "items": None},
        {"id": "both", "items": 2},
        {"id": "read"},
        {"id": "tell"},
    ]
    assert first["limits"] == {"tokens": 5000, "tool_seconds": 30.0}
    shown = json.loads(cli("runs", "show", "--json").out.splitlines()[0])
    assert shown == first


def test_runs_show_nests_steps_items_turns_and_calls(cli: Cli, folder: Path) -> None:
    cli(*RUN)
    head, tree, error = steady(cli("runs", "show").out).split("\n\n")
    assert head.splitlines()[1:] == [
        "workflow notes",
        "model    scripted:s.yaml",
        "started  THEN",
        "used     TIME · 4 turns · 300 tokens (250 in, 50 out) · $0",
        "steps    1 failed, 1 skipped, 3 completed",
    ]
    lines = [line[7:] for line in tree.splitlines()]
    at = lines.index("✓ both  completed in TIME · 2 items · 120 tokens")
    assert lines[at + 1 : at + 5] == [
        "├─ ✓ item 1  completed in TIME · 60 tokens",
        "│  └─ turn 1  TIME · 60 tokens",
        "└─ ✓ item 2  completed in TIME · 60 tokens",
        "   └─ turn 1  TIME · 60 tokens",
    ]
    assert error.startswith("error: 1 of 5 steps failed. (E-STEPS-FAILED)\n")


def test_runs_tail_tells_the_steps_of_a_run(cli: Cli, folder: Path) -> None:
    cli(*RUN)
    lines = steady(cli("runs", "tail", "last").out).splitlines()
    assert "✓ list  completed in TIME · 120 tokens" in lines
    assert "○ tell  skipped: It needs `read`, which failed." in lines


def test_a_resumed_run_shows_what_is_on_record_and_goes_on(cli: Cli, folder: Path) -> None:
    (folder / "notes.yaml").write_text(NOTES.replace("nope.txt", "s.yaml"))
    (folder / "s.yaml").write_text(SCRIPT.replace("replies:", "replies:\n  - {contains: Tell, error: unauthorised}"))
    assert cli(*RUN).code == 1
    (folder / "s.yaml").write_text(SCRIPT)
    result = cli("resume")
    assert (result.code, result.out) == (0, "Fine.\n")
    lines = steady(result.err).splitlines()
    assert lines.index("✓ list  completed in TIME · 120 tokens") < lines.index("resumed")
    assert lines.index("resumed") < lines.index("✓ tell  completed in TIME · 60 tokens")
    tree = steady(cli("runs", "show").out)
    assert "  ✓ tell  completed in TIME · 60 tokens\n" in tree
    assert "  resumed\n" in tree
