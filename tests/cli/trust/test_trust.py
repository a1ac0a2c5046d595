"""`agentcli trust`: whose permissions and code take effect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def project(isolated: Path) -> Path:
    root = isolated / "project"
    (root / "inner").mkdir(parents=True)
    (root / "agentcli.yaml").write_text("version: 1\npermissions: {allow: [create_file]}\n")
    (root / "write.yaml").write_text(
        "replies:\n  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: x}}]\n  - Done.\n"
    )
    return root


def test_trust_is_given_and_taken_back(cli: Cli, project: Path) -> None:
    given = cli("trust", "project/inner")
    assert (given.code, given.out, given.err) == (0, "", f"{project} is trusted.\n")
    taken = cli("trust", "project", "--remove", "--json")
    assert json.loads(taken.out) == {"project": str(project), "trusted": False}
    assert cli("trust", "project", "--remove").err == f"{project} is not trusted any more.\n"
    assert cli("trust", "project", "-q").err == ""


def test_what_an_untrusted_project_allows_is_asked_about(cli: Cli, project: Path) -> None:
    words = ("--project", "project", "run", "Write", "-m", f"scripted:{project}/write.yaml")
    assert cli(*words).code == 5
    assert cli(*words, "--trust").code == 0
    (project / "out.txt").unlink()
    assert cli("trust", "project").code == 0
    assert cli(*words).code == 0


def test_without_a_project_there_is_nothing_to_trust(cli: Cli, isolated: Path) -> None:
    result = cli("trust")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"error: There is no project in {isolated}. (E-PROJECT-NONE)\n"
        "  why: Neither this folder nor one above it has an agentcli.yaml.\n"
        "  fix: Make one with `agentcli init`, or name its folder.\n"
    )
