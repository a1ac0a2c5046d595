"""`agentcli runs show`: one run, for people and for programs."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def run(cli: Cli, isolated: Path) -> str:
    (isolated / "notes.txt").write_text("port = 8080\n")
    (isolated / "look.yaml").write_text(
        "replies:\n"
        "  - {tool_calls: [{name: read_lines, arguments: {path: notes.txt}}], usage: {input: 10, output: 2}}\n"
        "  - {text: It is 8080., usage: {input: 20, output: 3}}\n"
    )
    result = cli("run", "reader", "Which port?", "-m", "scripted:look.yaml", "--json")
    return str(json.loads(result.out.splitlines()[0])["run"])


def test_the_last_run_is_shown_as_a_tree(cli: Cli, run: str, isolated: Path) -> None:
    result = cli("runs", "show")
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", result.out).replace(str(isolated), "HERE")
    text = re.sub(r"started  .*", "started  THEN", text)
    assert (result.code, result.err) == (0, "")
    assert text == (
        f"{run}  completed\n"
        "agent    reader\n"
        "model    scripted:look.yaml\n"
        "started  THEN\n"
        "used     TIME · 2 turns · 35 tokens (30 in, 5 out) · $0\n"
        "task     Which port?\n"
        "\n"
        "    4  turn 1  TIME · 12 tokens\n"
        '    6  └─ ✓ read_lines(path="notes.txt", start=1)  TIME\n'
        "    9  turn 2  TIME · 23 tokens\n"
        "\n"
        "answer\n"
        "  It is 8080.\n"
    )


@pytest.mark.parametrize("ref", ["last", "RUN", "HEAD", "TAIL"])
def test_a_run_has_many_names(cli: Cli, run: str, ref: str) -> None:
    word = {"RUN": run, "HEAD": run[:-2], "TAIL": run[-6:]}.get(ref, ref)
    assert cli("runs", "show", word).out.startswith(f"{run}  completed\n")


def test_json_prints_its_events(cli: Cli, run: str) -> None:
    result = cli("runs", "show", run, "--json")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "run.started"
    assert events[-1]["output"] == "It is 8080."


def test_full_leaves_nothing_out(cli: Cli, run: str) -> None:
    assert "            1: port = 8080\n" in cli("runs", "show", "--full").out


def test_one_event_is_shown_whole(cli: Cli, run: str) -> None:
    result = cli("runs", "show", "--event", "5")
    assert json.loads(result.out)["type"] == "tool.started"
    assert result.out.startswith('{\n  "schema": 1,\n')
    assert cli("runs", "show", "--event", "5", "--json").out.count("\n") == 1


def test_an_event_that_is_not_there_says_which_are(cli: Cli, run: str) -> None:
    result = cli("runs", "show", "--event", "99")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: There is no event 99 in this run. (E-USAGE-EVENT)\n"
        "  why: Its events are numbered up to 10.\n"
        "  fix: See `agentcli runs show RUN` for the numbers.\n"
    )


def test_a_run_that_is_not_there_is_exit_2(cli: Cli, run: str) -> None:
    result = cli("runs", "show", "zzzzzz")
    assert (result.code, result.out) == (2, "")
    assert "(E-RUN-UNKNOWN)" in result.err


def test_of_a_damaged_run_what_is_intact_is_shown(cli: Cli, run: str, isolated: Path) -> None:
    database = sqlite3.connect(next(Path(os.environ["AGENTCLI_HOME"]).rglob("journal.db")))
    with closing(database), database:
        database.execute("UPDATE events SET body = x'05' WHERE type = 'tool.started'")
    tree = cli("runs", "show")
    assert tree.code == 1
    assert "read_lines" in tree.out
    assert "It is 8080." in tree.out
    assert "E-JOURNAL-DAMAGED" in tree.err
    *events, last = [json.loads(line) for line in cli("runs", "show", "--json").out.splitlines()]
    assert "tool.started" not in [event["type"] for event in events]
    assert (events[-1]["output"], last["error"]["code"]) == ("It is 8080.", "E-JOURNAL-DAMAGED")
    whole = cli("runs", "show", "--event", str(events[-1]["seq"]))
    assert (whole.code, json.loads(whole.out)["output"]) == (0, "It is 8080.")
    assert cli("runs", "show", "--event", "5").code == 1
