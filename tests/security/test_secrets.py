"""A secret reaches neither the model nor the disk, whatever way it takes; and a placeholder is no way around a rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.workbench.conftest import AGENT, Project, project

__all__ = ["project"]

KEY = "pk-live-51H8xY2eZvKYlo2C"
PEM_LINES = ["MIIEowIBAAKCAQEA04up8hoqzS1", "APIB0RhjXyObwHQnOzhAk5Bd7q2"]
PEM = "\n".join(["-----BEGIN PRIVATE KEY-----", *PEM_LINES, "-----END PRIVATE KEY-----", ""])


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def on_record(made: Project) -> str:
    """Everything that the journal holds of all runs, and all that was shown."""
    with made.bench() as bench:
        shown = [json.dumps(event.to_json()) for event in made.seen.events]
        for row in bench.journal.runs():
            shown.append(bench.journal.blob(row.start.manifest).decode())
            for event in bench.journal.events(row.start.id):
                shown.append(json.dumps(event.to_json()))
                if event.body.type == "model.started":
                    shown += [message.content for message in bench.journal.conversation(row.start.id, event.seq)]
    return "\n".join(shown)


async def test_an_input_that_is_called_a_password_is_hidden_in_the_instructions(project: Project) -> None:
    about = AGENT.replace("Be brief.", "'Sign in with {{ inputs.password }}.'")
    project.agent("inputs: {password: {type: string}}\n", about)
    outcome = await project.run(inputs={"password": "swordfish"})
    assert outcome.status == "completed"
    assert "swordfish" not in on_record(project)


async def test_a_line_of_a_private_key_is_hidden_when_it_is_shown_alone(project: Project) -> None:
    (project.root / "key.pem").write_text(PEM)
    project.agent("", AGENT.replace("create_file", "grep_file"))
    project.script(
        call("grep_file", path="key.pem", pattern="MII"), call("read_lines", path="key.pem", start=3, end=3), "done"
    )
    outcome = await project.run()
    assert outcome.status == "completed"
    assert [line for line in PEM_LINES if line in on_record(project)] == []


async def made_path(project: Project, path: str, **options: Any) -> Any:
    """The result of a call that names its file by the placeholder of a value which the model itself called secret."""
    first = {"name": "create_file", "arguments": {"path": "notes.txt", "content": "x", "password": path}}
    project.script({"tool_calls": [first]}, "done")
    await project.run(yes=True, **options)
    started = next(event.body for event in project.seen.events if event.body.type == "tool.started")
    placeholder = started.to_json()["arguments"]["password"]
    assert placeholder.startswith("<secret:password:")
    project.seen.events.clear()
    project.script({"tool_calls": [first]}, call("create_file", path=placeholder, content="evil"), "done")
    await project.run(yes=True, **options)
    return [event.body for event in project.seen.events if event.body.type == "tool.completed"][-1]


async def test_a_placeholder_is_no_way_around_a_rule_about_paths(project: Project) -> None:
    project.agent("permissions: {deny: ['create_file(**/*.py)']}\n")
    result = await made_path(project, "deploy1/run-7.py")
    assert (result.status, result.result.split(":")[0]) == ("denied", "E-TOOL-SECRET")
    assert not (project.root / "deploy1").exists()


async def test_a_placeholder_is_no_way_around_a_rule_about_any_argument(project: Project) -> None:
    project.agent("permissions: {deny: ['create_file(content=*5xx*)']}\n")
    (project.root / "a.txt").write_text(f"{KEY}5xx")
    project.script(
        call("create_file", path="b.txt", content=f"{KEY}5xx"), call("create_file", path="c.txt", content=KEY), "done"
    )
    await project.run(yes=True, environ={"ONE_API_KEY": f"{KEY}5xx", "TWO_API_KEY": KEY})
    results = [event.body.status for event in project.seen.events if event.body.type == "tool.completed"]
    assert results == ["denied", "ok"]
    assert not (project.root / "b.txt").exists()
    assert (project.root / "c.txt").read_text() == KEY


@pytest.mark.parametrize("tool", ["create_file", "read_lines"])
async def test_a_placeholder_that_a_model_makes_up_stands_for_nothing(project: Project, tool: str) -> None:
    arguments = {"path": "made.txt", "content": "<secret:payment_api_key:0123456789ab>"}
    if tool == "read_lines":
        arguments = {"path": "<secret:payment_api_key:0123456789ab>"}
    project.script(call(tool, **arguments), "done")
    await project.run(yes=True, environ={"PAYMENT_API_KEY": KEY})
    (result,) = [event.body for event in project.seen.events if event.body.type == "tool.completed"]
    assert (result.status, result.result.split(":")[0]) == ("error", "E-SECRET-GONE")
    assert not (project.root / "made.txt").exists()


async def test_the_value_of_any_header_is_hidden_where_it_looks_like_a_key(project: Project) -> None:
    headers = "{X-Thing: thing-v4lue-112233, X-Title: 'a title'}"
    (project.root / "agentcli.yaml").write_text(
        f"version: 1\nproviders: {{mine: {{base_url: 'http://127.0.0.1:9/v1', headers: {headers}}}}}\n"
    )
    project.script("you sent thing-v4lue-112233 and a title")
    outcome = await project.run()
    assert outcome.output.startswith("you sent <secret:mine_x_thing:")
    assert outcome.output.endswith(" and a title")
