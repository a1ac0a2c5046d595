"""`agentcli init`: a project, made and checked."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_a_project_is_made_and_says_what_to_type_next(cli: Cli, isolated: Path) -> None:
    result = cli("init", "demo", "--template", "minimal")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == f"✓ demo in {isolated}/demo"
    listed = [line.strip() for line in lines if line.startswith("    ")]
    assert [name for name in listed if not (isolated / "demo" / name).is_file()] == []
    assert "agentcli.yaml" in listed
    assert any(line.startswith("✓ everything in it loads: agent") for line in lines)
    after = lines[lines.index("Next:") + 1 :]
    assert after[-1] == "  agentcli runs show last"
    assert any(line.startswith("  agentcli run ") for line in after)


def test_what_was_made_is_trusted_and_right(cli: Cli, isolated: Path) -> None:
    assert cli("init", "demo").code == 0
    assert cli("--project", "demo", "config", "check").code == 0
    checks = [json.loads(line) for line in cli("--project", "demo", "doctor", "--json").out.splitlines()]
    assert "trust" not in {check["name"] for check in checks}


def test_json_and_quiet_are_for_scripts(cli: Cli, isolated: Path) -> None:
    made = json.loads(cli("init", "one", "--json").out)
    assert made["root"] == str(isolated / "one")
    assert made["agents"]
    assert cli("init", "two", "-q").out == f"{isolated}/two\n"


def test_the_current_folder_is_the_default(cli: Cli, isolated: Path) -> None:
    assert cli("init", "--template", "minimal").code == 0
    assert (isolated / "agentcli.yaml").is_file()


def test_nothing_is_overwritten_without_force(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("mine")
    result = cli("init")
    assert (result.code, result.out) == (2, "")
    assert "(E-INIT-CONFLICT)" in result.err
    assert (isolated / "agentcli.yaml").read_text() == "mine"
    assert cli("init", "--force").code == 0


def test_templates_are_listed(cli: Cli) -> None:
    result = cli("init", "--list")
    assert [line.split()[0] for line in result.out.splitlines()] == ["TEMPLATE", "full", "minimal", "workflow"]
    objects = [json.loads(line) for line in cli("init", "--list", "--json").out.splitlines()]
    assert [one["name"] for one in objects] == ["full", "minimal", "workflow"]


def test_an_unknown_template_suggests_the_nearest(cli: Cli) -> None:
    result = cli("init", "demo", "--template", "minimall")
    assert (result.code, result.out) == (2, "")
    assert "`minimal`" in result.err
