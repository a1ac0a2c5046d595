"""`agentcli config`: what is set, where, and whether it is right."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def project(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: openai:gpt-5-mini\nlimits:\n  turns: 7\n")
    return isolated


def test_every_setting_has_a_source(cli: Cli, project: Path) -> None:
    result = cli("config", environ={"AGENTCLI_LIMITS__SECONDS": "9"})
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["SETTING", "VALUE", "SOURCE"]
    assert ["model", '["openai:gpt-5-mini"]', "agentcli.yaml:2"] in lines
    assert ["limits.turns", "7", "agentcli.yaml:4"] in lines
    assert ["limits.seconds", "9.0", "AGENTCLI_LIMITS__SECONDS"] in lines
    assert ["color", "auto", "default"] in lines


def test_a_group_of_settings_can_be_shown(cli: Cli, project: Path) -> None:
    assert cli("config", "show", "limits").out == (
        "SETTING              VALUE  SOURCE\n"
        "limits.turns         7      agentcli.yaml:4\n"
        "limits.tokens        -      default\n"
        "limits.cost_usd      -      default\n"
        "limits.seconds       -      default\n"
        "limits.tool_seconds  30.0   default\n"
    )


def test_json_is_an_object_a_setting(cli: Cli, project: Path) -> None:
    line = json.loads(cli("config", "show", "limits.turns", "--json").out)
    assert line == {
        "name": "limits.turns",
        "value": 7,
        "source": {"kind": "project", "file": str(project / "agentcli.yaml"), "line": 4},
    }
    assert json.loads(cli("config", "show", "color", "--json").out)["source"] == {"kind": "default"}


def test_an_unknown_setting_suggests_the_nearest(cli: Cli, project: Path) -> None:
    result = cli("config", "show", "limit")
    assert (result.code, result.out) == (2, "")
    assert "Did you mean `limits`?" in result.err


def test_a_key_in_a_file_is_never_shown(cli: Cli, project: Path) -> None:
    (project / "agentcli.yaml").write_text(
        "version: 1\nproviders:\n  mine: {base_url: http://localhost/v1, api_key: sk-proj-9sK2mQ7vX4tB8nR1wL6z}\n"
    )
    result = cli("config")
    assert "sk-proj-9sK2mQ7vX4tB8nR1wL6z" not in result.out + result.err
    assert "warning:" in result.err


def test_check_finds_nothing_in_what_is_right(cli: Cli, project: Path) -> None:
    result = cli("config", "check")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Nothing is wrong in 1 settings file, ")


def test_check_names_every_problem(cli: Cli, project: Path) -> None:
    (project / "agents").mkdir()
    (project / "agents" / "bad.yaml").write_text("version: 1\nkind: agent\nname: bad\ninstrutions: x\ntools: [nope]\n")
    (project / "agents" / "worse.yaml").write_text("name:\tworse\n")
    result = cli("config", "check")
    assert result.code == 3
    assert result.err.count("error: ") >= 2
    assert "bad.yaml:4:1: " in result.err
    assert "problems; 1 settings file, " in result.out
    objects = [json.loads(line) for line in cli("config", "check", "--json").out.splitlines()]
    assert {item["level"] for item in objects} == {"error"}
    assert objects[0]["file"].endswith("bad.yaml")


def test_broken_settings_are_exit_3_for_every_command(cli: Cli, project: Path) -> None:
    (project / "agentcli.yaml").write_text("version: 1\nlimts: {turns: 7}\n")
    for words in (("config", "check"), ("runs",), ("run", "x")):
        result = cli(*words)
        assert (result.code, result.out) == (3, "")
        assert "agentcli.yaml:2:1: " in result.err
        assert "limits" in result.err


def test_paths_are_printed(cli: Cli, project: Path) -> None:
    home = project.parent / "agentcli-home"
    assert cli("config", "path").out == (
        f"project       {project}\n"
        f"settings      {project}/agentcli.yaml\n"
        f"workspace     {project}\n"
        f"journal       {project}/.agentcli\n"
        f"models        {home}/cache/models\n"
        f"config        {home}/config\n"
        f"data          {home}/data\n"
        f"cache         {home}/cache\n"
    )


def test_paths_outside_a_project(cli: Cli) -> None:
    paths = json.loads(cli("config", "path", "--json").out)
    assert (paths["project"], paths["settings"]) == (None, [])
    assert "settings      none\n" in cli("config", "path").out


@pytest.mark.parametrize("what", ["agent", "workflow", "config", "events"])
def test_schemas_are_json_schemas(cli: Cli, what: str) -> None:
    result = cli("config", "schema", what)
    assert (result.code, result.err) == (0, "")
    jsonschema_rs.validator_for(json.loads(result.out))


def test_an_unknown_schema_says_which_there_are(cli: Cli) -> None:
    result = cli("config", "schema", "tool")
    assert (result.code, result.out) == (2, "")
    assert "`agent`, `workflow`, `config`, `events`" in result.err


def test_a_profile_is_chosen_anywhere(cli: Cli, project: Path) -> None:
    (project / "agentcli.yaml").write_text("version: 1\nprofiles: {prod: {limits: {turns: 3}}}\n")
    for words in (
        ("--profile", "prod", "config", "show", "limits.turns"),
        ("config", "show", "limits.turns", "--profile=prod"),
    ):
        assert "3" in cli(*words).out
    assert cli("--profile", "nope", "config").code == 2


def test_the_project_may_be_named(cli: Cli, project: Path) -> None:
    other = project / "other"
    other.mkdir()
    (other / "agentcli.yaml").write_text("version: 1\nlimits: {turns: 2}\n")
    for words in (
        ("--project", "other", "config", "show", "limits.turns"),
        ("config", "show", "limits.turns", "--project", "other"),
    ):
        assert "other/agentcli.yaml" in cli(*words).out


def test_colour_may_be_a_setting(cli: Cli, project: Path) -> None:
    (project / "agentcli.yaml").write_text("version: 1\ncolor: always\n")
    assert "\x1b[1m" in cli("config").out
    assert "\x1b[1m" not in cli("config", "--color", "never").out
