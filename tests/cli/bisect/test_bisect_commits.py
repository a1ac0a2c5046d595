"""`agentcli bisect --commits`: which commit of its template changed what a run does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

AGENT = "version: 1\nkind: agent\nname: looker\ndescription: {note}\ninstructions: {words}\n"
VERSIONS = [("a", "Look."), ("b", "Look."), ("c", "Look well."), ("d", "Look well.")]


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: looker\n")
    (isolated / "s.yaml").write_text("replies: [{text: Seen.}]\n")
    (isolated / "agents").mkdir()
    git(isolated, "init", "-q")
    for note, words in VERSIONS:
        (isolated / "agents" / "looker.yaml").write_text(AGENT.format(note=note, words=words))
        git(isolated, "add", "agents")
        git(isolated, "commit", "-qm", f"Version {note}")
        if note == "a":
            assert cli("run", "Look").code == 0
    return isolated


def test_the_commit_that_changed_what_is_asked_is_found(cli: Cli, project: Path) -> None:
    result = cli("bisect", "--commits", "HEAD~3..HEAD", "last", "--json")
    assert result.code == 0, result.err
    first = json.loads(result.out)["first"]
    assert (first["commit"]["subject"], first["divergence"]["at"] is not None) == ("Version c", True)
    assert "Version c" in cli("bisect", "--commits", "HEAD~3..HEAD", "last").out


def test_a_check_decides_instead_where_one_is_given(cli: Cli, project: Path) -> None:
    check = "! grep -q 'description: d' \"$AGENTCLI_TEMPLATE\""
    result = cli("bisect", "--commits", "HEAD~3..HEAD", "last", "--check", check, "--json")
    assert json.loads(result.out)["first"]["commit"]["subject"] == "Version d"


@pytest.mark.parametrize("commits", ["HEAD~1..HEAD", "HEAD~3..HEAD~2", "HEAD~3..HEAD~3", "no..HEAD", "--all..HEAD"])
def test_where_nothing_turns_there_is_nothing_to_search(cli: Cli, project: Path, commits: str) -> None:
    result = cli("bisect", f"--commits={commits}", "last")
    assert (result.code, "E-BISECT-COMMITS" in result.err) == (2, True)


@pytest.mark.parametrize("words", [["last"], ["--commits=a..b"], ["--commits=a", "last"], ["--good=last"]])
def test_words_that_name_no_search_are_refused(cli: Cli, project: Path, words: list[str]) -> None:
    result = cli("bisect", *words)
    assert (result.code, "E-BISECT-WORDS" in result.err) == (2, True)
