"""`runs export` of a workflow's run: its steps are what a reader finds first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.replay.test_workflows import edited, project

__all__ = ["project"]


def exported(cli: Cli, form: str) -> str:
    result = cli("runs", "export", "--to", form, "-o", "out", "--force")
    assert result.code == 0, result.err
    return (cli.cwd / "out").read_text()


def spans(cli: Cli) -> dict[str, dict[str, Any]]:
    found = json.loads(exported(cli, "otel"))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    return {span["spanId"]: span for span in found}


def test_steps_are_spans_around_what_was_done_in_them(cli: Cli, project: Path) -> None:
    found = spans(cli)
    above = [(one["name"], found[one["parentSpanId"]]["name"]) for one in found.values() if "parentSpanId" in one]
    assert above == [
        ("step read", "invoke_workflow desk"),
        ("step read item 1", "step read"),
        ("execute_tool read_lines", "step read item 1"),
        ("step read item 2", "step read"),
        ("execute_tool read_lines", "step read item 2"),
        ("step sort", "invoke_workflow desk"),
        ("chat s.yaml", "step sort"),
        ("step check", "invoke_workflow desk"),
        ("step check.again", "step check"),
        ("chat s.yaml", "step check.again"),
    ]


def test_a_step_that_failed_and_was_tried_again_is_told_as_it_came_out(cli: Cli, project: Path) -> None:
    edited(project, "workflows/desk.yaml", "- {id: read,", "- {id: read, retry: {attempts: 2}, ")
    (project / "a.txt").unlink()
    assert cli("workflow", "run", "desk").code == 1
    (project / "a.txt").write_text("It is back.\n")
    failed = next(one for one in spans(cli).values() if one["name"] == "step read item 1")
    assert (failed["status"]["message"], failed["events"][0]["name"]) == ("E-STEP-CALL", "agentcli.step.retried")
    assert cli("resume").code == 0
    ended = next(one for one in spans(cli).values() if one["name"] == "step read item 1")
    assert "status" not in ended
    page = exported(cli, "html")
    assert re.search(r"Try 1 failed: The call of `read_lines` was no success\.", page)


def test_a_trajectory_says_which_step_each_part_belongs_to(cli: Cli, project: Path) -> None:
    steps = json.loads(exported(cli, "atif"))["steps"]
    told = [(one["source"], one["extra"]["step"], one["message"]) for one in steps]
    assert told == [
        ("agent", "read", ""),
        ("agent", "read", ""),
        ("system", "sort", "You are the clerk."),
        ("user", "sort", "Sort 2 files."),
        ("agent", "sort", "Well"),
        ("system", "check.again", "You are the checker."),
        ("user", "check.again", "Is this right? Well"),
        ("agent", "check.again", "Well"),
    ]
    assert steps[0]["tool_calls"][0]["function_name"] == "read_lines"
    assert steps[0]["observation"]["results"][0]["content"] == "1: This is a.txt."


def test_two_steps_of_one_agent_are_two_conversations(cli: Cli, project: Path) -> None:
    edited(project, "workflows/check.yaml", "agent: checker", "agent: clerk")
    assert cli("workflow", "run", "desk").code == 0
    steps = json.loads(exported(cli, "atif"))["steps"]
    assert [one["message"] for one in steps if one["source"] == "system"] == ["You are the clerk."] * 2


@pytest.mark.parametrize("words", ["Step read, item 2", "sort · Turn 1", "Workflow check", "Agent clerk"])
def test_the_page_has_its_steps_workflows_and_agents(cli: Cli, project: Path, words: str) -> None:
    assert words in exported(cli, "html")


def test_jsonl_is_its_events(cli: Cli, project: Path) -> None:
    lines = [json.loads(line) for line in exported(cli, "jsonl").splitlines()]
    assert [line["step"] for line in lines if line["type"] == "step.completed"] == [
        "read", "read", "read", "sort", "check.again", "check",
    ]  # fmt: skip
