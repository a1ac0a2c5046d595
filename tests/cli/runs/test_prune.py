"""`agentcli runs prune`: says what goes, asks, and gives the space back."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentcli.cli.render.prune import remarks
from agentcli.core.runs import RunRow
from agentcli.journal.pruning import Pruned
from agentcli.workbench.prune_runs import PruneDone
from tests.cli.conftest import Cli
from tests.fakes.recorded import start

SCRIPT = """\
replies:
  - tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
  - {text: The port is 8080.}
"""


@pytest.fixture
def runs(cli: Cli, isolated: Path) -> list[str]:
    """Three runs, the oldest first."""
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "notes.txt").write_text("port = 8080\n")
    (isolated / "s.yaml").write_text(SCRIPT)
    for task in ("One", "Two", "Three"):
        assert cli("run", "reader", task, "-m", "scripted:s.yaml").code == 0
    return listed(cli)


def listed(cli: Cli) -> list[str]:
    """The ids that are there, the oldest first."""
    return [json.loads(line)["id"] for line in reversed(cli("runs", "list", "--json").out.splitlines())]


def steady(text: str) -> str:
    text = re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", text)
    text = re.sub(r"\d+(\.\d)? kB", "SIZE", text)
    return re.sub(r" +", " ", text)


def test_a_dry_run_says_what_would_go_and_does_nothing(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", "--keep", "1", "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert steady(result.out) == (
        "RUN STARTED STATUS NAME TIME TURNS TOKENS COST TASK\n"
        f"{runs[1]} just now completed reader TIME 2 0 $0 Two\n"
        f"{runs[0]} just now completed reader TIME 2 0 $0 One\n"
        "2 runs go; about SIZE of SIZE come free.\n"
    )
    assert cli("runs", "prune", "--keep", "1", "--plan").out == result.out
    assert listed(cli) == runs


def test_yes_prunes_without_asking(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", "--keep", "1", "-y")
    assert (result.code, result.err) == (0, "")
    assert steady(result.out) == "2 runs were pruned; the journal takes SIZE, before it took SIZE.\n"
    assert listed(cli) == runs[2:]
    assert cli("runs", "verify", "--all").code == 0
    assert cli("runs", "show", runs[0]).code == 2


def test_the_person_at_the_terminal_is_shown_what_goes_and_asked(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", runs[0], stdin=b"n\n", asked=True)
    assert (result.code, result.out) == (0, "")
    assert runs[0] in result.err
    assert steady(result.err).endswith(
        "1 run goes; about SIZE of SIZE come free.\nPrune? [y]es [n]o: Nothing was pruned.\n"
    )
    assert cli("runs", "prune", runs[0], stdin=b"", asked=True).out == ""
    assert listed(cli) == runs
    cli("runs", "tag", runs[1], "mine")
    result = cli("runs", "prune", runs[0], runs[1], stdin=b"Yes\n", asked=True)
    assert result.err.count("Kept: ") == 1
    assert steady(result.out) == "1 run was pruned; the journal takes SIZE, before it took SIZE.\n"
    assert listed(cli) == runs[1:]


def test_where_nobody_can_be_asked_nothing_is_pruned(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", "--keep", "1")
    assert (result.code, result.out) == (5, "")
    assert result.err == (
        "error: Nobody can be asked whether 2 runs may go. (E-PRUNE-UNANSWERED)\n"
        "  why: There is no terminal, and what is pruned does not come back.\n"
        "  fix: Add `-y`, or look first with `--dry-run`.\n"
    )
    assert listed(cli) == runs


def test_where_nothing_goes_nobody_is_asked(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", "--older-than", "1w")
    assert (result.code, result.err) == (0, "")
    assert steady(result.out) == "No run was pruned; the journal takes SIZE, before it took SIZE.\n"
    assert cli("runs", "prune", "--older-than", "1w", "-q").out == ""


def test_without_a_word_of_which_it_is_told_what_to_say(cli: Cli, runs: list[str]) -> None:
    result = cli("runs", "prune", "-y")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: It is not clear which runs are to go. (E-PRUNE-NOTHING)\n"
        "  why: Nothing goes without a word about which: runs, their age, number, size, tag or status.\n"
        "  fix: Say it, such as `--older-than 30d`, `--keep 100`, `--max-size 500MB`, `--tag ci` or "
        "`--status failed`.\n"
    )
    assert listed(cli) == runs


def test_what_stays_is_named_with_its_reason(cli: Cli, runs: list[str], isolated: Path) -> None:
    cli("runs", "tag", runs[0], "baseline", "ci")
    assert cli("fork", runs[1], "--at", "5", "-m", "scripted:s.yaml").code == 0
    fork = listed(cli)[-1]
    with closing(sqlite3.connect(isolated / ".agentcli" / "journal.db", isolation_level=None)) as database:
        database.execute("UPDATE runs SET status = 'running', ended = NULL WHERE id = ?", (runs[2],))
    result = cli("runs", "prune", "--keep", "1", "--dry-run")
    assert result.out.splitlines() == [
        f"Kept: {runs[2]}: interrupted, so it can be resumed; --status interrupted or --older-than means it.",
        f"Kept: {runs[0]}: tagged baseline, ci; name the tag with --tag.",
        f"Kept: {runs[1]}: {fork} comes from it and stays.",
        result.out.splitlines()[-1],
    ]
    assert steady(result.out.splitlines()[-1]) == "No run goes; about 0 B of SIZE come free."
    done = cli("runs", "prune", "--tag", "ci", "-y")
    assert (done.code, done.err) == (0, "")
    assert json.loads(cli("runs", "prune", "--keep", "0", "-y", "--json").out)["kept"] == [
        {"run": runs[2], "reason": "interrupted", "by": []}
    ]


def test_many_runs_are_counted_rather_than_named(cli: Cli, runs: list[str]) -> None:
    for run in runs:
        cli("runs", "tag", run, "same")
    for task in range(2):
        cli("run", "reader", str(task), "-m", "scripted:s.yaml")
        cli("runs", "tag", "last", "same")
    result = cli("runs", "prune", "--keep", "0", "-y")
    assert result.err.startswith("Kept: ")
    assert result.err.endswith(" and 2 more runs: tagged same; name the tag with --tag.\n")


def test_a_long_list_is_cut(cli: Cli, runs: list[str], isolated: Path) -> None:
    with closing(sqlite3.connect(isolated / ".agentcli" / "journal.db", isolation_level=None)) as database:
        columns = "kind, name, task, model, manifest, started, status, exit_code, ended, turns, input, output, cached"
        columns += ", reasoning, cost_usd, duration_s"
        for number in range(22):
            made = f"20200101-000000-{number:06}"
            database.execute(f"INSERT INTO runs (id, {columns}) SELECT ?, {columns} FROM runs LIMIT 1", (made,))
    lines = cli("runs", "prune", "--keep", "0", "--dry-run").out.splitlines()
    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[-2] == "and 5 older runs"
    assert lines[-1].startswith("25 runs go; about ")


def test_what_changed_meanwhile_is_told() -> None:
    row = RunRow(start(1), "completed")
    done = PruneDone(Pruned(kept=[row.start.id], held=True), (), (), removed_workspaces=False)
    assert list(remarks(done)) == [
        f"Kept: {row.start.id}: changed meanwhile, so it was left as it is; look again and repeat.",
        "The space is free inside the file, which shrinks only while nothing runs: repeat it then.",
    ]


def test_json_is_one_object(cli: Cli, runs: list[str]) -> None:
    plan = json.loads(cli("runs", "prune", "--keep", "1", "--dry-run", "--json").out)
    assert (plan["dry_run"], plan["runs"], plan["kept"], plan["workspaces"]) == (True, [runs[1], runs[0]], [], [])
    assert 0 < plan["bytes_after"] < plan["bytes_before"]
    result = cli("runs", "prune", "--keep", "1", "-y", "--json")
    done = json.loads(result.out)
    assert result.err == ""
    assert (done.pop("bytes_before"), done.pop("bytes_after") > 0) == (plan["bytes_before"], True)
    assert done == {
        "dry_run": False,
        "runs": [runs[1], runs[0]],
        "kept": [],
        "workspaces": [],
        "copies": {"count": 0, "bytes": 0},
        "contents": 4,
        "compacted": 0,
        "held": False,
        "unreadable": [],
    }


def test_the_workspaces_of_forks_are_told_and_removed_on_demand(cli: Cli, runs: list[str], isolated: Path) -> None:
    assert cli("fork", runs[1], "--at", "5", "-m", "scripted:s.yaml").code == 0
    folder = isolated / ".agentcli" / "workspaces" / listed(cli)[-1]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    stays = cli("runs", "prune", "last", "--dry-run").out.splitlines()[-1]
    assert stays == f"1 workspace of forks with {size} B stays, edited or not: --workspaces removes it."
    goes = cli("runs", "prune", "last", "--dry-run", "--workspaces").out.splitlines()[-1]
    assert goes == f"1 workspace of forks with {size} B goes too."
    gone = cli("runs", "prune", "last", "-y", "--workspaces").out.splitlines()[-1]
    assert gone == f"1 workspace of forks with {size} B was removed."
    assert not folder.exists()


def test_copies_of_fetched_content_are_told_and_go(cli: Cli, runs: list[str], isolated: Path) -> None:
    folder = isolated / ".agentcli" / "artifacts"
    folder.mkdir()
    for digit in "01":
        (folder / f"{digit * 32}.txt").write_text("fetched")
    assert cli("runs", "prune", runs[0], "--dry-run").out.splitlines()[-1] == (
        "2 copies of fetched content with 14 B go too."
    )
    (folder / f"{'1' * 32}.txt").unlink()
    assert cli("runs", "prune", "--workspaces").code == 5
    assert cli("runs", "prune", "--copies-older-than", "1d", "--dry-run").out.splitlines()[-1] == (
        "1 copy of fetched content with 7 B goes too."
    )
    assert cli("runs", "prune", "--copies-older-than", "1d", "-y").out.splitlines()[-1] == (
        "1 copy of fetched content with 7 B was removed."
    )
    assert list(folder.iterdir()) == []


def test_a_run_that_cannot_be_read_is_named_and_no_content_goes(cli: Cli, runs: list[str], isolated: Path) -> None:
    with closing(sqlite3.connect(isolated / ".agentcli" / "journal.db", isolation_level=None)) as database:
        database.execute("DELETE FROM blobs WHERE digest = (SELECT manifest FROM runs WHERE id = ?)", (runs[0],))
    result = cli("runs", "prune", runs[1], "-y")
    assert result.code == 0
    assert result.err == (
        f"warning: No content was removed, since nobody knows what run {runs[0]} needs. (E-PRUNE-PARTLY)\n"
        "  why: What is on record of it cannot be read to its end.\n"
        f"  fix: See where it breaks with `agentcli runs verify {runs[0]}`, or prune it.\n"
    )


@pytest.mark.parametrize("words", [("--max-size", "much"), ("--max-size", "5iB"), ("--max-size", "1XB")])
def test_what_is_no_size_is_told(cli: Cli, runs: list[str], words: tuple[str, ...]) -> None:
    result = cli("runs", "prune", *words)
    assert (result.code, "E-USAGE-SIZE" in result.err) == (2, True)


@pytest.mark.parametrize(
    "words", [("--older-than", "soon"), ("--keep", "-1"), ("--status", "done"), ("nobody",), ("--keep", "x")]
)
def test_a_word_that_does_not_fit_is_wrong_usage(cli: Cli, runs: list[str], words: tuple[str, ...]) -> None:
    assert cli("runs", "prune", *words).code == 2
    assert listed(cli) == runs


def test_sizes_are_read_as_people_write_them(cli: Cli, runs: list[str]) -> None:
    assert "No run goes" in cli("runs", "prune", "--max-size", "1.5 GB", "--dry-run").out
    assert "3 runs go" in cli("runs", "prune", "--max-size", "1KiB", "--dry-run").out
