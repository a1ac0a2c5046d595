"""`agentcli workflow list`: what can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcli.catalog.builtin import templates_root
from tests.cli.conftest import Cli

BUILT_IN = sorted(path.stem for path in (templates_root() / "workflows").glob("*.yaml"))


@pytest.mark.parametrize("words", [("workflow",), ("workflow", "list")])
def test_workflows_are_listed_with_where_they_come_from(cli: Cli, project: Path, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert (result.code, result.err) == (0, "")
    head, *listed = result.out.splitlines()
    assert head == "WORKFLOW          FROM      STEPS"
    assert [line for line in listed if "built-in" not in line] == [
        "notes             project       5  From commits to notes.",
        "small             project       2",
    ]
    assert [line.split()[0] for line in listed if "built-in" in line] == BUILT_IN


def test_json_is_an_object_a_workflow(cli: Cli, project: Path) -> None:
    objects = map(json.loads, cli("workflow", "--json").out.splitlines())
    notes, small = (one for one in objects if one["source"] == "project")
    assert notes == {
        "name": "notes",
        "description": "From commits to notes.",
        "source": "project",
        "path": str(project / "workflows" / "notes.yaml"),
        "inputs": ["since"],
        "steps": ["step_1", "draft", "plain", "check_links", "end"],
        "shadowed": [],
    }
    assert small["steps"] == ["step_1", "step_2"]


def test_a_broken_workflow_is_a_warning(cli: Cli, project: Path) -> None:
    (project / "workflows" / "broken.yaml").write_text("name: broken\nsteps: [{tol: x}]\n")
    result = cli("workflow")
    assert result.code == 0
    assert "notes" in result.out
    assert result.err.startswith(f"warning: {project}/workflows/broken.yaml:2:10: There is no key `tol` here.")


def test_hostile_descriptions_do_nothing(cli: Cli, project: Path) -> None:
    (project / "workflows" / "x.yaml").write_text('name: x\ndescription: "a\\e[2Jb\\nc"\nsteps: [y]\n')
    assert "x                 project       1  ab c\n" in cli("workflow", terminal=True, environ={"NO_COLOR": "1"}).out


def test_sixty_columns_are_enough(cli: Cli, project: Path) -> None:
    result = cli("workflow", terminal=True, columns=60, environ={"NO_COLOR": "1"})
    assert all(len(line) <= 60 for line in result.out.splitlines())
