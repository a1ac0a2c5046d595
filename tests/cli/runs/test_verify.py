"""`agentcli runs verify`: what is broken is named, and ends with 8."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def runs(cli: Cli, isolated: Path) -> list[str]:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "echo.yaml").write_text("replies: [{text: Hello., repeat: true}]\n")
    for task in ("One", "Two"):
        assert cli("run", task, "-m", "scripted:echo.yaml").code == 0
    return [json.loads(line)["id"] for line in cli("runs", "--json").out.splitlines()]


def change(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / ".agentcli" / "journal.db", isolation_level=None)) as database:
        database.execute(statement, values)


def test_an_intact_run_is_said_to_be_intact(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "verify")
    assert (result.code, result.out) == (0, f"✓ {runs[0]} is intact: 5 events, 5 contents\n")
    assert cli("runs", "verify", "-q").out == ""
    assert cli("runs", "verify", "last", runs[0][-6:], "last~1", "--json").out.count("\n") == 2
    assert json.loads(cli("runs", "verify", "--json").out) == {
        "run": runs[0],
        "intact": True,
        "events": 5,
        "contents": 5,
        "broken_at": None,
        "problems": [],
    }


def test_what_was_changed_is_named_and_ends_with_8(cli: Cli, runs: list[str], isolated: Path) -> None:
    change(isolated, "UPDATE runs SET cost_usd = 7, turns = 9 WHERE id = ?", runs[1])
    assert cli("runs", "verify").code == 0
    result = cli("runs", "verify", "--all")
    assert result.code == 8
    first, second = result.out.splitlines()
    assert (
        first
        == f"✗ {runs[1]} is broken as a whole: The seal does not fit: the run's last event or its totals were changed."
    )
    assert second.startswith(f"✓ {runs[0]} is intact")
    report = json.loads(cli("runs", "verify", "last~1", "--json").out)
    assert (report["intact"], report["broken_at"], len(report["problems"])) == (False, None, 1)
    assert cli("runs", "show", "last~1").code == 0


def test_the_first_of_several_places_is_told_and_all_of_them_with_v(cli: Cli, runs: list[str], isolated: Path) -> None:
    change(isolated, "DELETE FROM blobs")
    result = cli("runs", "verify")
    assert (result.code, result.out.count("\n")) == (8, 1)
    assert "broken at event 1: The content" in result.out
    assert result.err == "  and 4 problems more: -v shows all\n"
    assert cli("runs", "verify", "-v").out.count("\n") == 5


def test_a_row_that_no_run_has_is_named_and_hides_no_other(cli: Cli, runs: list[str], isolated: Path) -> None:
    change(isolated, "UPDATE runs SET id = char(27) || ']0;x' WHERE id = ?", runs[1])
    result = cli("runs", "verify", "--all", terminal=True)
    assert result.code == 8
    assert "A run has an id that is none." in result.out
    assert f"{runs[0]} is intact" in result.out
    assert "\x1b]" not in result.out


def test_a_journal_that_cannot_be_read_fails_the_check(cli: Cli, runs: list[str], isolated: Path) -> None:
    (isolated / ".agentcli" / "journal.db").write_bytes(b"not a database" * 1000)
    result = cli("runs", "verify")
    assert (result.code, "E-VERIFY-DAMAGED" in result.err) == (8, True)


def test_without_any_run_there_is_nothing_to_check(cli: Cli) -> None:
    assert cli("runs", "verify").code == 2
    result = cli("runs", "verify", "--all")
    assert (result.code, result.out, result.err) == (0, "", "No runs.\n")


def test_a_journal_that_may_not_be_used_is_told_as_that(cli: Cli, runs: list[str], isolated: Path) -> None:
    change(isolated, "PRAGMA user_version = 99")
    result = cli("runs", "verify")
    assert (result.code, "E-JOURNAL-NEWER" in result.err) == (1, True)
