"""What a person gives in the place of a result is let in like any other: without its secrets."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli
from tests.fakes.scanned import secrets_below

__all__ = ["cli"]

KEY = "pk-live-51H8xY2eZvKYlo2C"
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
GIVEN = f"SERVICE_API_KEY={KEY} and {TOKEN}"
AGENT = """version: 1
kind: agent
name: tester
instructions: Tidy up.
tools: [read_lines, delete_file]
"""
REPLIES = """replies:
  - tool_calls: [{name: delete_file, arguments: {path: a.txt}}]
  - Done.
"""


@pytest.fixture
def home(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a recorded run."""
    monkeypatch.setenv("SERVICE_API_KEY", KEY)
    (cli.cwd / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: tester\n")
    (cli.cwd / "agents").mkdir()
    (cli.cwd / "agents" / "tester.yaml").write_text(AGENT)
    (cli.cwd / "s.yaml").write_text(REPLIES)
    (cli.cwd / "a.txt").write_text("a")
    (cli.cwd / "given.txt").write_text(GIVEN)
    assert cli("run", "Go", "--yes").code == 0
    return cli.cwd


def seq_of(cli: Cli, kind: str) -> int:
    shown = [json.loads(line) for line in cli("runs", "show", "--json").out.splitlines()]
    return next(event["seq"] for event in shown if event["type"] == kind)


def secrets_in(home: Path) -> list[str]:
    found, size = secrets_below([home / ".agentcli"], {"key": KEY, "token": TOKEN}, frozenset())
    assert size > 1000
    return [f"{one.secret} {one.form} {one.where}" for one in found]


@pytest.mark.parametrize(("option", "kind"), [("--tool-result", "tool.completed"), ("--response", "model.completed")])
def test_what_a_fork_is_given(cli: Cli, home: Path, option: str, kind: str) -> None:
    (home / "a.txt").write_text("a")
    at = seq_of(cli, kind)
    result = cli("fork", "last", "--at", str(at), option, f"{at}=@given.txt", "--files", "current", "--yes")
    assert result.code == 0, result.err
    assert "<secret:service_api_key:" in cli("runs", "show", "--json").out
    assert secrets_in(home) == []
    assert cli("replay").code == 0


def test_what_a_call_in_doubt_is_given(cli: Cli, home: Path) -> None:
    begun = seq_of(cli, "tool.started")
    with sqlite3.connect(home / ".agentcli" / "journal.db") as database:  # as after a kill in the midst of the call
        database.execute("DELETE FROM events WHERE seq > ?", (begun,))
        database.execute("UPDATE runs SET status = 'running', ended = NULL, exit_code = NULL, duration_s = NULL")
    database.close()
    result = cli("resume", "--tool-result", f"{begun}=@given.txt", "--yes")
    assert result.code == 0, result.err
    assert "<secret:service_api_key:" in cli("runs", "show", "--json").out
    assert secrets_in(home) == []
    assert cli("replay").code == 0
