"""`agentcli workflow check`: every mistake with its line."""

from __future__ import annotations

import json
from pathlib import Path

from agentcli.catalog.builtin import templates_root
from tests.cli.conftest import Cli

NAMES = [path.stem for path in (templates_root() / "workflows").glob("*.yaml")]
BUILT_IN = len(NAMES)

BAD = "name: bad\nsteps:\n  - {prompt: '{{ x }}', needs: [no]}\n  - {tool: fetch_url, with: {ur: 1}}\n"


def test_all_workflows_are_checked_where_none_is_named(cli: Cli, project: Path) -> None:
    result = cli("workflow", "check")
    assert (result.code, result.out, result.err) == (0, f"Nothing is wrong in {2 + BUILT_IN} workflows.\n", "")


def test_every_problem_is_told_and_the_exit_code_is_3(cli: Cli, project: Path) -> None:
    (project / "workflows" / "bad.yaml").write_text(BAD)
    result = cli("workflow", "check")
    assert (result.code, result.out) == (3, f"3 problems in 1 of {3 + BUILT_IN} workflows.\n")
    place = f"{project}/workflows/bad.yaml"
    assert result.err == (
        f"error: {place}:3:18: `x` is not defined. (E-TEMPLATE-UNDEFINED)\n"
        "  why: Nothing gives this name.\n"
        "  fix: Use one of: inputs, now, steps.\n"
        f"error: {place}:3:33: There is no step `no`. (E-TEMPLATE-UNKNOWN-STEP)\n"
        "  why: There are: step_1, step_2.\n"
        "  fix: Name one of them.\n"
        f"error: {place}:4:30: The tool `fetch_url` has no argument `ur`. (E-TEMPLATE-UNKNOWN-ARGUMENT)\n"
        "  why: It has: format, method, start, url.\n"
        "  fix: Did you mean `url`?\n"
    )


def test_named_workflows_alone_are_checked(cli: Cli, project: Path) -> None:
    (project / "workflows" / "bad.yaml").write_text(BAD)
    assert cli("workflow", "check", "notes", "workflows/small.yml").out == "Nothing is wrong in 2 workflows.\n"
    assert cli("workflow", "check", "notes", "bad").code == 3


def test_json_is_an_object_a_problem(cli: Cli, project: Path) -> None:
    (project / "workflows" / "bad.yaml").write_text(BAD + "  - {prompt: 'sk-abcdefghijklmnop1234'}\n")
    result = cli("workflow", "check", "--json")
    found = [json.loads(line) for line in result.out.splitlines()]
    assert (result.code, result.err) == (3, "")
    assert [(one["level"], one["code"], one["line"]) for one in found] == [
        ("error", "E-TEMPLATE-UNDEFINED", 3),
        ("error", "E-TEMPLATE-UNKNOWN-STEP", 3),
        ("error", "E-TEMPLATE-UNKNOWN-ARGUMENT", 4),
    ]


def test_a_secret_in_a_workflow_is_a_warning(cli: Cli, project: Path) -> None:
    (project / "workflows" / "s.yaml").write_text("name: s\nsteps: [use sk-abcdefghijklmnop1234]\n")
    result = cli("workflow", "check", "s")
    assert (result.code, result.out) == (0, "Nothing is wrong in 1 workflow.\n")
    assert "E-TEMPLATE-LITERAL-SECRET" in result.err


def test_a_mistake_in_a_file_that_two_name_is_told_once(cli: Cli, project: Path) -> None:
    (project / "agents" / "writer.yaml").write_text("name: writer\n")
    (project / "workflows" / "b.yaml").write_text("name: b\nagent: writer\nsteps: [x]\n")
    result = cli("workflow", "check")
    assert (result.code, result.out) == (3, f"1 problem in 2 of {3 + BUILT_IN} workflows.\n")
    assert result.err.count("writer.yaml:1:1: `instructions` is missing.") == 1


def test_a_name_that_is_not_there_is_wrong_usage(cli: Cli, project: Path) -> None:
    result = cli("workflow", "check", "note")
    assert result.code == 2
    assert result.err == (
        "error: There is no workflow `note`. (E-WORKFLOW-UNKNOWN)\n"
        f"  why: There are: {', '.join(sorted([*NAMES, 'notes', 'small']))}.\n"
        "  fix: Did you mean `notes`?\n"
    )


def test_nothing_of_a_project_is_executed(cli: Cli, project: Path) -> None:
    (project / "tools").mkdir()
    (project / "tools" / "own.py").write_text(
        "from agentcli import tool\nopen('ran', 'w')\n@tool\ndef stamp(day: str) -> str: ...\n"
    )
    (project / "workflows" / "own.yaml").write_text(
        "name: own\ntools: [{python: tools/own.py}]\nsteps: [{tool: stamp, with: {day: x}}]\n"
    )
    for words in (("check",), ("list",), ("show", "own"), ("show", "own", "--svg")):
        assert cli("workflow", *words).code == 0
    assert not (project / "ran").exists()
    assert not (project / ".agentcli").exists()
