"""A run becomes a test that runs as it is in a clean checkout, and fails when the template has changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPO = Path(__file__).resolve().parents[2]

SCRIPT = """\
replies:
  - text: Let me look.
    tool_calls: [{name: read_lines, arguments: {path: docs/refunds.md}}]
  - text: "The period is 30 days."
"""

NO_SOCKETS = """\
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"):
        raise RuntimeError(event)

sys.addaudithook(refuse)
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def ok(folder: Path, *words: str) -> str:
    done = run(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone, for a user who never ran anything, of a project with one exported test; the original is gone."""
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    made = tmp_path / "made"
    ok(tmp_path, "agentcli", "init", "made")
    (made / "replies.yaml").write_text(SCRIPT)
    (made / "tests").mkdir()
    ok(made, "agentcli", "run", "support", 'How long is """ the period?', "-m", "scripted:replies.yaml")
    ok(made, "agentcli", "runs", "export", "--to", "pytest", "-o", "tests")
    clean = tmp_path / "clean"
    git(made, "init", "-q")
    git(made, "add", "agentcli.yaml", "agents", "tests", ".gitignore")
    git(made, "commit", "-qm", "An agent and its test")
    git(tmp_path, "clone", "-q", "made", "clean")
    shutil.rmtree(made)
    monkeypatch.setenv("AGENTCLI_HOME", str(tmp_path / "another-home"))
    (clean / "conftest.py").write_text(NO_SOCKETS)
    return clean


def edit(checkout: Path) -> None:
    template = checkout / "agents" / "support.yaml"
    template.write_text(template.read_text().replace("instructions: |\n", "instructions: |\n  Be funny.\n"))


def test_the_test_passes_as_it_is_and_fails_after_an_edit_naming_the_path_and_both_values(checkout: Path) -> None:
    assert "2 passed" in ok(checkout, "pytest", "-q", "-p", "no:cacheprovider")
    edit(checkout)
    done = run(checkout, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "$['messages'][0]['content']" in done.stdout
    assert 'recorded  "You answer questions' in done.stdout
    assert 'current   "Be funny.' in done.stdout
    assert not (checkout / ".agentcli" / "journal.db").exists()


def test_agentcli_test_does_the_same_for_all_recordings(checkout: Path) -> None:
    assert "1 of 1 recording the same" in ok(checkout, "agentcli", "test")
    edit(checkout)
    done = run(checkout, "agentcli", "test", "--json", "--junit", "reports/junit.xml")
    assert done.returncode == 8
    told = json.loads(done.stdout)
    assert (told["same"], told["agent"]) == (False, "support")
    assert told["divergence"]["path"] == "$['messages'][0]['content']"
    (suite,) = ElementTree.parse(checkout / "reports" / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "$['messages'][0]['content']" in (failure.get("message") or "")
    assert not (checkout / ".agentcli" / "journal.db").exists()


def test_the_exported_file_is_as_the_linter_and_the_formatter_want_it(checkout: Path) -> None:
    ok(checkout, "ruff", "check", "--isolated", "--no-cache", "tests")
    ok(checkout, "ruff", "format", "--isolated", "--no-cache", "--check", "tests")
