"""`agentcli agents`: what can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

GREETER = """\
version: 1
kind: agent
name: greeter
description: Says hello.
model: [openai:gpt-5-mini, local:coder-1.5b]
instructions: |
  Greet {{ inputs.who }}.
  Be kind.
inputs:
  who: {type: string, description: Whom to greet.}
  mood: {type: string, enum: [warm, cool], default: warm}
tools: [read_lines, create_file]
permissions: {allow: [read_lines], ask: [create_file], deny: [delete_file]}
limits: {turns: 3}
settings: {temperature: 0.2}
output: {schema: {type: object}}
"""


@pytest.fixture
def project(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "greeter.yaml").write_text(GREETER)
    return isolated


def test_agents_are_listed_with_where_they_come_from(cli: Cli, project: Path) -> None:
    result = cli("agents")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].split() == ["AGENT", "FROM", "MODEL"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["assistant", "built-in"],
        ["extractor", "built-in"],
        ["greeter", "project"],
        ["reader", "built-in"],
    ]
    assert lines[3].split("  ")[-1] == "Says hello."


def test_json_is_an_object_an_agent(cli: Cli, project: Path) -> None:
    agents = {item["name"]: item for item in map(json.loads, cli("agents", "--json").out.splitlines())}
    assert agents["greeter"] == {
        "name": "greeter",
        "description": "Says hello.",
        "source": "project",
        "path": str(project / "agents" / "greeter.yaml"),
        "custom": False,
        "enabled": True,
        "model": ["openai:gpt-5-mini", "local:coder-1.5b"],
        "tools": ["read_lines", "create_file"],
        "shadowed": [],
    }


def test_a_broken_agent_is_a_warning(cli: Cli, project: Path) -> None:
    (project / "agents" / "broken.yaml").write_text("version: 1\nkind: agent\nname: broken\n")
    result = cli("agents", "list")
    assert result.code == 0
    assert "greeter" in result.out
    assert result.err.startswith("warning: ")
    assert "broken.yaml" in result.err


def test_one_agent_is_shown_as_it_is_understood(cli: Cli, project: Path) -> None:
    result = cli("agents", "show", "greeter")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "greeter\n"
        "              Says hello.\n"
        f"from          project, {project}/agents/greeter.yaml\n"
        "model         openai:gpt-5-mini, then local:coder-1.5b\n"
        "tools         read_lines, create_file\n"
        "allows        read_lines\n"
        "asks for      create_file\n"
        "denies        delete_file\n"
        "limits        turns 3\n"
        "settings      temperature 0.2\n"
        "\n"
        "Inputs\n"
        "  who  Whom to greet. (string, required)\n"
        '  mood  (string, one of "warm", "cool", default "warm")\n'
        "\n"
        "Instructions\n"
        "  Greet {{ inputs.who }}.\n"
        "  Be kind.\n"
        "\n"
        "Output schema\n"
        "  {\n"
        '    "type": "object"\n'
        "  }\n"
    )


def test_a_shown_agent_with_json_is_its_template(cli: Cli, project: Path) -> None:
    shown = json.loads(cli("agents", "show", "greeter", "--json").out)
    assert (shown["name"], shown["output"], shown["source"]) == ("greeter", {"schema": {"type": "object"}}, "project")


def test_a_disabled_agent_says_so(cli: Cli, project: Path) -> None:
    (project / "agents" / "greeter.yaml").write_text(GREETER + "enabled: false\n")
    assert cli("agents").out.splitlines()[3].endswith("Says hello. (disabled)")
    assert cli("agents", "show", "greeter").out.startswith("greeter  disabled\n")
    assert cli("run", "greeter", "Go").code == 5


def test_an_unknown_agent_is_exit_2(cli: Cli, project: Path) -> None:
    result = cli("agents", "show", "greter")
    assert (result.code, result.out) == (2, "")
    assert "`greeter`" in result.err
