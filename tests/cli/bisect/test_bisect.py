"""`agentcli bisect`: which recorded result made the run go wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: looker
instructions: Look it up.
tools: [read_lines, create_file]
"""
SCRIPT = """\
replies:
  - {text: The port is 8080., contains: listen 8080}
  - {text: The port is 9999., contains: listen 9999}
  - tool_calls: [{name: read_lines, arguments: {path: noise.txt}}]
  - tool_calls: [{name: read_lines, arguments: {path: port.txt}}]
"""
CHECK = "grep -q 8080"


@pytest.fixture
def project(isolated: Path, cli: Cli) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: looker\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "looker.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(SCRIPT)
    for noise, port in (("calm", "listen 8080"), ("loud", "listen 9999")):
        (isolated / "noise.txt").write_text(f"{noise}\n")
        (isolated / "port.txt").write_text(f"{port}\n")
        assert cli("run", "Which port?").code == 0
    return isolated


def bisect(cli: Cli, *words: str, good: str = "last~1", bad: str = "last", check: str = CHECK) -> tuple[int, str, str]:
    result = cli("bisect", "--good", good, "--bad", bad, "--check", check, *words)
    return result.code, result.out, result.err


def runs(cli: Cli, *words: str) -> list[str]:
    return [json.loads(line)["id"] for line in cli("runs", "list", *words, "--json").out.splitlines()]


def test_the_tool_result_that_misled_the_run_is_found_and_confirmed(cli: Cli, project: Path) -> None:
    code, out, err = bisect(cli, "-y", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["culprit"]["name"] == "read_lines"
    assert found["culprit"]["ordinal"] == 1 or "listen 9999" in found["culprit"]["bad"]
    assert (found["confirmed"], found["monotone"]) == (True, True)
    assert [(one["control"], one["verdict"]) for one in found["trials"]][-1] == (True, "bad")
    assert set(runs(cli, "--tag", "bisect")) == {fork for one in found["trials"] for fork in one["forks"]}


def test_people_read_both_values(cli: Cli, project: Path) -> None:
    code, out, _ = bisect(cli, "-y")
    assert code == 0
    assert "is to blame" in out
    assert "9999" in out
    assert "8080" in out


def test_a_plan_names_the_candidates_and_does_nothing(cli: Cli, project: Path) -> None:
    before = runs(cli)
    code, out, _ = bisect(cli, "--plan")
    assert (code, "3 results" in out, "Nothing was done." in out) == (0, True, True)
    assert len(json.loads(bisect(cli, "--plan", "--json")[1])["candidates"]) == 3
    assert runs(cli) == before


def test_without_a_terminal_nothing_goes_live_unless_told(cli: Cli, project: Path) -> None:
    before = runs(cli)
    code, _, err = bisect(cli)
    assert (code, "E-BISECT-YES" in err) == (2, True)
    assert runs(cli) == before


@pytest.mark.parametrize("check", ["true", "false", "exit 125", "exit 200"])
def test_a_check_that_does_not_tell_the_two_apart_is_refused(cli: Cli, project: Path, check: str) -> None:
    code, _, err = bisect(cli, "-y", check=check)
    assert (code, "E-BISECT-CHECK" in err) == (2, True)


def test_a_run_has_nothing_to_differ_from_itself_in(cli: Cli, project: Path) -> None:
    code, _, err = bisect(cli, "-y", good="last")
    assert (code, "E-BISECT-NOTHING" in err) == (2, True)


@pytest.mark.parametrize("samples", ["0", "2", "3"])
def test_so_few_samples_that_they_decide_nothing_are_refused(cli: Cli, project: Path, samples: str) -> None:
    code, _, err = bisect(cli, "-y", "--samples", samples)
    assert (code, "E-BISECT-SAMPLES" in err) == (2, True)


def test_samples_are_told_with_their_interval(cli: Cli, project: Path) -> None:
    code, out, err = bisect(cli, "-y", "--samples", "4")
    assert (code, "is to blame" in out) == (0, True)
    assert "4 of 4 passed (95 % interval 51% to 100%)" in err


def test_the_check_is_told_the_run_its_status_and_its_answer(cli: Cli, project: Path) -> None:
    check = (
        'test -d "$AGENTCLI_WORKSPACE" && test "$AGENTCLI_STATUS" = completed && grep -q 8080 "$AGENTCLI_OUTPUT_FILE"'
    )
    assert bisect(cli, "-y", check=f'test -n "$AGENTCLI_RUN" && {check}')[0] == 0


def test_where_a_kept_bad_result_does_not_fail_again_nothing_is_proved(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{text: Still 8080., repeat: true}]\n")
    code, out, _ = bisect(cli, "-y")
    assert (code, "nothing is proved" in out) == (8, True)


def test_where_no_fork_can_be_made_the_search_says_why(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{error: unauthorised, turn: 2}, {error: unauthorised, turn: 3}]\n")
    code, out, err = bisect(cli, "-y")
    assert code in (0, 8)
    assert "E-" in err
    assert out


def test_a_spoilt_file_is_traced_to_the_answer_that_asked_for_it_in_the_workspace_of_the_fork(
    cli: Cli, project: Path
) -> None:
    (project / "s.yaml").write_text(
        "replies:\n"
        "  - {text: Done., contains: out.txt}\n"
        "  - tool_calls: [{name: read_lines, arguments: {path: port.txt}}]\n"
        "  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: good}}]\n"
    )
    (project / "port.txt").write_text("one\n")
    assert cli("run", "Write", "-y").code == 0
    (project / "s.yaml").write_text(
        "replies:\n"
        "  - {text: Finished., contains: out.txt}\n"
        "  - tool_calls: [{name: read_lines, arguments: {path: port.txt}}]\n"
        "  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: worse, overwrite: true}}]\n"
    )
    assert cli("run", "Write", "-y").code == 0
    check = 'test "$(cat out.txt)" = good || grep -q Done'
    code, out, err = bisect(cli, "-y", "--json", check=check)
    assert code == 0, err
    found = json.loads(out)
    assert (found["culprit"]["kind"], found["confirmed"]) == ("model", True)


def test_a_check_that_cannot_say_leaves_the_search_undecided(cli: Cli, project: Path) -> None:
    recorded = runs(cli)
    check = f'case "$AGENTCLI_RUN" in {"|".join(recorded)}) grep -q 8080;; *) exit 125;; esac'
    code, out, err = bisect(cli, "-y", check=check)
    assert (code, "Undecided" in out, "The check could not say." in err) == (8, True, True)


def test_where_every_candidate_fails_no_good_result_repairs_the_run(cli: Cli, project: Path) -> None:
    good = runs(cli)[1]
    code, out, _ = bisect(cli, "-y", check=f'test "$AGENTCLI_RUN" = {good}')
    assert (code, out) == (8, "No good result repairs the run.\n")


def test_a_signal_stops_the_search_and_what_was_made_stays_on_record(cli: Cli, project: Path) -> None:
    recorded = "|".join(runs(cli))
    check = f'case "$AGENTCLI_RUN" in {recorded}) grep -q 8080;; *) kill -INT $PPID; exec cat < hang;; esac'
    os.mkfifo(project / "hang")
    code, out, _ = bisect(cli, "-y", check=check)
    assert (code, out) == (130, "")
    assert len(runs(cli, "--tag", "bisect")) == 1
