"""Replaying the run of a workflow: under edited templates, as a test, and what cannot be done with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

FLOW = """\
version: 1
kind: workflow
name: desk
inputs: {names: {type: array, default: [a.txt, b.txt]}}
agent: clerk
steps:
- {id: read, foreach: "{{ inputs.names }}", tool: read_lines, with: {path: "{{ item }}"}}
- {id: sort, prompt: "Sort {{ steps.read.output | length }} files."}
- {id: check, workflow: check, inputs: {what: "{{ steps.sort.output }}"}}
output: "{{ steps.check.output }}!"
"""
CHECK = """\
version: 1
kind: workflow
name: check
inputs: {what: {}}
steps:
- {id: again, agent: checker, prompt: "Is this right? {{ inputs.what }}"}
"""


def agent(name: str, more: str = "") -> str:
    return f"version: 1\nkind: agent\nname: {name}\ninstructions: You are the {name}.\n{more}"


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    for folder in ("agents", "workflows", "tests"):
        (isolated / folder).mkdir()
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\n")
    (isolated / "agents" / "clerk.yaml").write_text(agent("clerk"))
    (isolated / "agents" / "checker.yaml").write_text(agent("checker"))
    (isolated / "workflows" / "desk.yaml").write_text(FLOW)
    (isolated / "workflows" / "check.yaml").write_text(CHECK)
    (isolated / "s.yaml").write_text("replies: [{text: Well, repeat: 9}]\n")
    for name in ("a.txt", "b.txt"):
        (isolated / name).write_text(f"This is {name}.\n")
    result = cli("workflow", "run", "desk")
    assert (result.code, result.out) == (0, "Well!\n"), result.err
    return isolated


def edited(project: Path, path: str, old: str, new: str) -> None:
    text = (project / path).read_text()
    assert old in text
    (project / path).write_text(text.replace(old, new))


UNDER = {"desk": "workflows/desk.yaml", "check": "workflows/check.yaml", "clerk": "agents/clerk.yaml"}


@pytest.mark.parametrize("path", UNDER.values())
def test_under_the_same_template_it_is_the_same(cli: Cli, project: Path, path: str) -> None:
    result = cli("replay", "--template", path)
    assert (result.code, result.out) == (0, "Well!\n"), result.err


CHANGES = [
    ("desk", "Sort {{", "Please sort {{", "$['messages'][1]['content']"),
    ("desk", 'path: "{{ item }}"', 'path: "{{ item }}", end: "1"', "$['arguments']['end']"),
    ("desk", "agent: clerk", "agent: checker", "$['messages'][0]['content']"),
    ("desk", "}}!", "}}?", "$['output']"),
    ("check", "Is this right?", "Right?", "$['messages'][1]['content']"),
    ("clerk", "You are", "You were", "$['messages'][0]['content']"),
    ("clerk", "name: clerk", "name: clerk\nsettings: {temperature: 0.5}", "$['settings']['temperature']"),
]


@pytest.mark.parametrize(("part", "old", "new", "where"), CHANGES)
def test_an_edit_of_a_part_is_found_where_it_makes_a_difference(
    cli: Cli, project: Path, part: str, old: str, new: str, where: str
) -> None:
    edited(project, UNDER[part], old, new)
    result = cli("replay", "--template", UNDER[part], "--json")
    assert result.code == 6, result.err
    found = json.loads(result.out)["divergence"]
    assert found["path"] == where
    tested = cli("test")
    assert (tested.code, "E-TEST-NONE" in tested.err) == (2, True)


def test_an_edit_that_makes_no_difference_is_none(cli: Cli, project: Path) -> None:
    edited(project, "workflows/desk.yaml", "version: 1", "version: 1\ndescription: At the desk.\nlimits: {turns: 50}")
    assert cli("replay", "--template", "workflows/desk.yaml").code == 0


def test_a_step_more_and_a_step_less_are_told(cli: Cli, project: Path) -> None:
    edited(project, "workflows/desk.yaml", "output:", "- {id: more, agent: stranger, prompt: More.}\noutput:")
    (project / "agents" / "stranger.yaml").write_text(agent("stranger"))
    result = cli("replay", "--template", "workflows/desk.yaml")
    assert (result.code, "E-REPLAY-UNRECORDED" in result.err) == (6, True), result.err
    edited(project, "workflows/desk.yaml", "- {id: more, agent: stranger, prompt: More.}\n", "")
    edited(project, "workflows/desk.yaml", 'output: "{{ steps.check.output }}!"', 'output: "{{ steps.sort.output }}!"')
    text = (project / "workflows/desk.yaml").read_text()
    kept = [line for line in text.splitlines() if "id: check" not in line]
    (project / "workflows/desk.yaml").write_text("\n".join(kept) + "\n")
    result = cli("replay", "--template", "workflows/desk.yaml")
    assert (result.code, "E-REPLAY-UNASKED" in result.err) == (6, True), result.err


def test_a_template_that_the_run_does_not_have_is_refused(cli: Cli, project: Path) -> None:
    (project / "agents" / "other.yaml").write_text(agent("other"))
    (project / "workflows" / "third.yaml").write_text(CHECK.replace("name: check", "name: third"))
    for path, names in (("agents/other.yaml", "checker, clerk"), ("workflows/third.yaml", "check, desk")):
        result = cli("replay", "--template", path)
        assert (result.code, "E-REPLAY-TEMPLATE" in result.err, f"It had: {names}." in result.err) == (2, True, True)


# -- as a test


@pytest.fixture
def recording(cli: Cli, project: Path) -> Path:
    result = cli("runs", "export", "--to", "pytest", "-o", "tests")
    assert result.code == 0, result.err
    return next((project / "tests").glob("test_desk_*.py"))


def test_it_is_tested_against_the_templates_of_today(cli: Cli, project: Path, recording: Path) -> None:
    assert cli("test").code == 0
    for path, old in (("workflows/check.yaml", "Is this right?"), ("agents/checker.yaml", "You are")):
        before = (project / path).read_text()
        edited(project, path, old, "Hm,")
        result = cli("test")
        assert (result.code, "E-REPLAY-DIFFERENT" in result.err + result.out) == (8, True), result.err
        (project / path).write_text(before)
    assert cli("test").code == 0


@pytest.mark.parametrize(
    ("path", "code"),
    [("workflows/desk.yaml", "E-TEST-WORKFLOW"), ("workflows/check.yaml", ""), ("agents/clerk.yaml", "")],
)
def test_a_template_that_is_gone_is_told(cli: Cli, project: Path, recording: Path, path: str, code: str) -> None:
    (project / path).unlink()
    result = cli("test", "--json")
    assert result.code == 8
    assert json.loads(result.out)["error"]["code"].startswith(code or "E-T")


def test_the_file_for_pytest_passes_and_fails_when_it_should(cli: Cli, project: Path, recording: Path) -> None:
    text = recording.read_text()
    assert "of the workflow `desk`, as a test." in text
    assert 'TOOLS = ["read_lines", "read_lines"]' in text

    def passes() -> bool:
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(recording)]
        return subprocess.run(words, cwd=project, capture_output=True, check=False).returncode == 0

    assert passes()
    edited(project, "workflows/desk.yaml", "Sort {{", "Please sort {{")
    assert not passes()


# -- in part


def test_a_replay_in_part_is_a_fork_of_it(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{text: Fine, repeat: 9}]\n")
    (project / "a.txt").unlink()
    result = cli("replay", "--live", "model")
    assert (result.code, result.out) == (0, "Fine!\n"), result.err
    result = cli("replay", "last~1", "--mock", "tool:read_lines=text")
    assert (result.code, result.out) == (0, "Well!\n"), result.err
    result = cli("replay", "last~2", "--fail", "tool:read_lines=error")
    assert (result.code, "E-STEP-CALL" in result.err) == (1, True), result.err


def test_live_tools_work_on_files_as_they_were(cli: Cli, project: Path) -> None:
    result = cli("replay", "--live", "tool:read_lines", "--files", "current")
    assert (result.code, result.out) == (0, "Well!\n"), result.err
    assert cli("replay").code == 0
    result = cli("replay", "last~1", "--live", "tool:nothing")
    assert (result.code, "It had: read_lines." in result.err) == (2, True), result.err


def test_rows_of_a_file_come_from_the_record(cli: Cli, project: Path) -> None:
    edited(project, "workflows/desk.yaml", '"{{ inputs.names }}"', "{file: rows.txt}")
    (project / "rows.txt").write_text("a.txt\nb.txt\n")
    assert cli("workflow", "run", "desk").code == 0
    (project / "rows.txt").unlink()
    (project / "a.txt").unlink()
    (project / "s.yaml").write_text("replies: [{text: Fine, repeat: 9}]\n")
    result = cli("replay", "--live", "model")
    assert (result.code, result.out) == (0, "Fine!\n"), result.err


def test_it_is_gone_through_event_by_event(cli: Cli, project: Path) -> None:
    result = cli(
        "replay", "--step", stdin=b"break tool:read_lines\ncontinue\nargs\ngo 16\nmessages\nquit\n", asked=True
    )
    assert result.code == 0
    assert '"path": "a.txt"' in result.out
    assert "Sort 2 files." in result.out, result.out


# -- what is not done with it


def test_what_is_made_for_one_conversation_says_what_to_do_instead(cli: Cli, project: Path) -> None:
    result = cli("bisect", "--good", "last", "--bad", "last", "--check", "true")
    assert (result.code, "E-RUN-KIND" in result.err) == (2, True), result.err
    assert "agentcli fork RUN --at STEP" in result.err
