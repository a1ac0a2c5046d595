"""`agentcli runs tag`: names for runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def run(cli: Cli, isolated: Path) -> str:
    (isolated / "echo.yaml").write_text("replies: [{text: Hello., repeat: true}]\n")
    assert cli("run", "One", "-m", "scripted:echo.yaml").code == 0
    return str(json.loads(cli("runs", "--json").out)["id"])


def test_a_run_is_tagged_and_found_by_its_tags(cli: Cli, run: str) -> None:
    result = cli("runs", "tag", "last", "baseline", "ci/main:42")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"{run} is tagged baseline, ci/main:42.\n"
    assert json.loads(cli("runs", "list", "--tag", "baseline", "--json").out)["tags"] == ["baseline", "ci/main:42"]
    assert "baseline, ci/main:42" in cli("runs").out
    assert "tags     baseline, ci/main:42" in cli("runs", "show").out


def test_tags_are_taken_off_again(cli: Cli, run: str) -> None:
    cli("runs", "tag", run[-6:], "a", "b")
    assert json.loads(cli("runs", "tag", run, "a", "never", "--remove", "--json").out)["tags"] == ["b"]
    assert cli("runs", "tag", run, "b", "--remove").err == f"{run} has no tags.\n"
    assert cli("runs", "list", "--tag", "b").out == ""


@pytest.mark.parametrize("tag", ["two words", "-dash", "ä", "x" * 65])
def test_what_cannot_be_a_tag_is_told(cli: Cli, run: str, tag: str) -> None:
    result = cli("runs", "tag", "last", "good", "--", tag)
    assert (result.code, "E-USAGE-TAG" in result.err) == (2, True)
    assert json.loads(cli("runs", "--json").out)["tags"] == []


def test_a_run_that_is_not_there_is_told(cli: Cli) -> None:
    assert (cli("runs", "tag", "last", "x").code, cli("runs", "tag", "last").code) == (2, 2)
