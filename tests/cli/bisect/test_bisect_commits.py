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


def test_a_version_that_is_no_template_is_passed_over(cli: Cli, project: Path) -> None:
    file = project / "agents" / "looker.yaml"
    for text in ("version: [", AGENT.format(note="e", words="Look elsewhere.")):
        file.write_text(text)
        git(project, "commit", "-qam", text.split()[-1])
    result = cli("bisect", "--commits", "HEAD~2..HEAD", "last~0", "--check", "grep -q Seen", "--json")
    assert (result.code, "E-BISECT-COMMITS" in result.out + result.err) == (2, True)
    check = 'case "$(cat "$AGENTCLI_TEMPLATE")" in *elsewhere*) exit 1;; esac'
    result = cli("bisect", "--commits", "HEAD~2..HEAD", "last", "--check", check)
    assert (result.code, result.out.splitlines()[0]) == (8, "Undecided: it is one of these.")
    assert "With the last of them the run diverges at event" in result.out


def test_a_check_that_cannot_say_of_the_first_commit_leaves_nothing_to_search(cli: Cli, project: Path) -> None:
    result = cli("bisect", "--commits", "HEAD~3..HEAD", "last", "--check", "exit 125")
    assert (result.code, "E-BISECT-COMMITS" in result.err) == (2, True)


def test_settings_of_a_repository_run_nothing(cli: Cli, project: Path) -> None:
    for name in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand", "gpg.program"):
        git(project, "config", name, f"touch {project / 'ran'}; true")
    git(project, "config", "log.showSignature", "true")
    git(project, "config", "diff.yaml.textconv", f"touch {project / 'ran'}; cat")
    (project / ".gitattributes").write_text("*.yaml diff=yaml\n")
    assert cli("bisect", "--commits", "HEAD~3..HEAD", "last").code == 0
    assert not (project / "ran").exists()


def test_without_git_it_is_told(cli: Cli, project: Path) -> None:
    result = cli("bisect", "--commits", "HEAD~3..HEAD", "last", environ={"PATH": str(project)})
    assert (result.code, "E-BISECT-COMMITS" in result.err) == (2, True)
