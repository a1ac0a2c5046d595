"""`agentcli diff` of a workflow's run and a fork of it from one step."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.replay.test_workflows import edited, project

__all__ = ["project"]


def test_another_prompt_of_a_step_is_told_as_a_text(cli: Cli, project: Path) -> None:
    fork = cli("fork", "last", "--at", "sort", "--prompt", "Order {{ steps.read.output | length }} files, please.")
    assert (fork.code, "with prompts changed" in fork.err) == (0, True), fork.err
    result = cli("diff", "last~1", "last")
    assert (
        "    ~ desk/sort\n      ~ [-Sort-]{+Order+} {{ steps.read.output | length }} files{+, please+}.\n" in result.out
    )
    assert "From step sort, turn 1 (event 14 in A, 15 in B) on the requests to the model differ" in result.out
    causes = json.loads(cli("diff", "last~1", "last", "--json").out)["cause"]
    assert {one["aspect"] for one in causes} == {"prompt", "workspace"}


def test_other_instructions_of_an_agent_are_told_as_a_text_and_its_parts_as_such(cli: Cli, project: Path) -> None:
    assert cli("fork", "last", "--at", "sort", "--instructions", "You were the clerk.").code == 0
    assert "    ~ clerk instructions\n      ~ You [-are-]{+were+} the clerk.\n" in cli("diff", "last~1", "last").out


def test_an_edited_workflow_is_told_line_by_line(cli: Cli, project: Path) -> None:
    edited(project, "workflows/desk.yaml", "Sort {{", "Order {{")
    assert cli("workflow", "run", "desk").code == 0
    out = cli("diff", "last~1", "last").out
    assert "  workflow\n    ~ desk template\n" in out
    assert '-- {id: sort, prompt: "Sort {{ steps.read.output | length }} files."}' in out.replace("- -", "--")


def test_a_step_that_failed_in_one_run_alone_is_a_difference(cli: Cli, project: Path) -> None:
    (project / "a.txt").unlink()
    assert cli("workflow", "run", "desk").code == 1
    steps = json.loads(cli("diff", "last~1", "last", "--json").out)["effect"]["steps"]
    added = [one["name"] for one in steps if one["state"] == "added"]
    assert added.count("step.failed") == 2, "the item, and the step that it is one of"
