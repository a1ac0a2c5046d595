"""`agentcli tools call`: one tool by hand, under the same permissions, on record."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def work(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text('version: 1\npermissions: {deny: ["delete_file(*.db)"]}\n')
    (isolated / "notes.txt").write_text("one\ntwo\nthree\n")
    return isolated


def plain(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"\d{8}-\d{6}-[a-z0-9]{6}", "RUN", text)
    return re.sub(r"\b[\d.]+ m?s\b", "N ms", text)


def events(cli: Cli) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", "--json").out.splitlines()]


def test_the_result_goes_to_standard_output_and_the_rest_elsewhere(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "read_lines", "path=notes.txt", "start=2")
    assert (result.code, result.out) == (0, "2: two\n3: three\n[lines 2-3 of 3]\n")
    assert plain(result.err) == ('read_lines\n✓ read_lines(path="notes.txt", start=2)  N ms\ncompleted in N ms · RUN\n')


def test_quiet_gives_the_result_alone(cli: Cli, work: Path) -> None:
    result = cli("-q", "tools", "call", "grep_file", "path=notes.txt", "pattern=t")
    assert (result.code, result.out, result.err) == (0, "2: two\n3: three\n", "")


def test_arguments_may_be_texts_files_and_json(cli: Cli, work: Path) -> None:
    (work / "call.json").write_text('{"path": "new.txt", "content": "x", "overwrite": false}')
    (work / "draft.txt").write_text("from a file")
    done = cli(
        "-q", "tools", "call", "create_file", "--args", "@call.json", "content=@draft.txt", "overwrite:=true", "-y"
    )
    assert (done.code, done.out, (work / "new.txt").read_text()) == (0, "created new.txt (11 bytes)\n", "from a file")
    assert cli("-q", "tools", "call", "read_lines", "--args", '{"path": "new.txt"}').out == "1: from a file\n"


@pytest.mark.parametrize("args", ["[1]", "{", "3", "@none.json"])
def test_arguments_that_are_no_object_are_wrong_usage(cli: Cli, work: Path, args: str) -> None:
    result = cli("tools", "call", "read_lines", "--args", args)
    assert (result.code, result.out) == (2, "")
    assert "(E-USAGE-ARGS)" in result.err or "(E-USAGE-FILE)" in result.err


@pytest.mark.parametrize("pair", ["path", "=x", "path:=nope", "1=2"])
def test_a_word_that_is_no_argument_is_wrong_usage(cli: Cli, work: Path, pair: str) -> None:
    result = cli("tools", "call", "read_lines", pair)
    assert (result.code, result.out) == (2, "")
    assert "(E-USAGE-INPUT)" in result.err
    assert "-i" not in result.err


def test_arguments_that_do_not_fit_are_wrong_usage_and_no_run(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "read_lines", "pth=notes.txt")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: The arguments of read_lines do not fit: `path` is missing: it must be a text; `pth` is no argument: "
        "did you mean `path`? (E-CALL-ARGUMENTS)\n"
        "  why: `agentcli tools show read_lines` lists its arguments.\n"
        '  fix: A good call: read_lines {"path": "src/app.py", "start": 1, "end": 40}\n'
    )
    assert cli("tools", "call", "read_line", "path=x").code == 2
    assert cli("runs", "--json").out == ""


def test_a_call_that_fails_is_exit_1_with_the_tools_own_words(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "read_lines", "path=note.txt")
    assert (result.code, result.out) == (1, "E-FILE-UNKNOWN: There is no file `note.txt`. Did you mean `notes.txt`?\n")
    assert plain(result.err) == (
        "read_lines\n"
        '✗ read_lines(path="note.txt", start=1)  error, N ms\n'
        "    E-FILE-UNKNOWN: There is no file `note.txt`. Did you mean `notes.txt`?\n"
        "error: The call of `read_lines` came to nothing. (E-CALL-FAILED)\n"
        "  fix: See `agentcli tools show read_lines` for good calls.\n"
        "failed in N ms · RUN\n"
    )


def test_what_must_be_asked_and_cannot_be_is_exit_5(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "create_file", "path=a", "content=b")
    assert (result.code, result.out) == (5, "")
    assert "(E-APPROVAL-NOBODY)" in result.err
    assert not (work / "a").exists()
    assert cli("tools", "call", "create_file", "path=a", "content=b", "--allow", "create_file(a)").code == 0


@pytest.mark.parametrize("words", [["delete_file", "path=x.db", "-y"], ["read_lines", "path=../x"]])
def test_what_is_denied_is_exit_5_whatever_flag(cli: Cli, work: Path, words: list[str]) -> None:
    (work / "x.db").write_text("x")
    result = cli("tools", "call", *words)
    assert result.code == 5
    assert re.match(r"E-(TOOL-DENIED|PATH-[A-Z]+): .+\n$", result.out)
    assert "(E-CALL-DENIED)" in result.err
    assert "why:" not in result.err
    assert (work / "x.db").exists()


def test_a_long_result_of_a_failed_call_is_given_whole_also_quietly_and_by_a_replay(cli: Cli, work: Path) -> None:
    program = "import sys; print('x' * 900); sys.exit(3)"
    result = cli("-q", "tools", "call", "run_python", f"code={program}", "-y")
    assert result.code == 1
    assert "x" * 900 in result.out
    assert "x" * 100 not in result.err
    assert cli("replay").out == result.out


def test_json_says_of_a_failed_call_its_result_and_that_it_failed(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "read_lines", "path=note.txt", "--json")
    *_, completed, ended = [json.loads(line) for line in result.out.splitlines()]
    assert (completed["type"], completed["status"]) == ("tool.completed", "error")
    assert completed["result"] == "E-FILE-UNKNOWN: There is no file `note.txt`. Did you mean `notes.txt`?"
    assert (ended["error"]["why"], ended["exit_code"]) == (completed["result"], 1)


def test_a_question_that_nobody_can_be_asked_is_exit_5(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "ask_user", "question=Why?", "-y")
    assert (result.code, result.out) == (5, "")
    assert "(E-INPUT-NOBODY)" in result.err


def test_json_gives_the_events_and_the_record_is_that_of_any_run(cli: Cli, work: Path) -> None:
    result = cli("tools", "call", "edit_file", "path=notes.txt", "old=two", "new=2", "-y", "--json")
    told = [json.loads(line) for line in result.out.splitlines()]
    assert [event["type"] for event in told] == [
        "run.started",
        "approval.resolved",
        "tool.started",
        "tool.completed",
        "run.completed",
    ]
    assert (told[0]["kind"], told[0]["name"], told[0]["model"]) == ("tool", "edit_file", None)
    assert told[0]["task"] == "edit_file path=notes.txt old=two new=2"
    assert {event["lane"] for event in told[1:-1]} == {"call.1"}
    assert told[-1]["output"] == told[3]["result"]
    assert told == events(cli)
    (row,) = [json.loads(line) for line in cli("runs", "--json").out.splitlines()]
    assert (row["kind"], row["name"], row["status"], row["turns"]) == ("tool", "edit_file", "completed", 0)


def test_a_call_is_shown_as_what_it_is(cli: Cli, work: Path) -> None:
    cli("tools", "call", "read_lines", "path=note.txt")
    shown = plain(cli("runs", "show", "last").out)
    assert "tool     read_lines\n" in shown
    assert "task     read_lines path=note.txt\n" in shown
    assert '    3  └─ ✗ read_lines(path="note.txt", start=1)  error, N ms\n            E-FILE-UNKNOWN' in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["read_lines", "path=notes.txt"], 0),
        (["read_lines", "path=none"], 1),
        (["delete_file", "path=notes.txt", "-y"], 0),
        (["delete_file", "path=x.db", "-y"], 5),
        (["create_file", "path=a", "content=b"], 5),
    ],
)
def test_a_call_replays_without_anything_of_what_it_used(cli: Cli, work: Path, words: list[str], code: int) -> None:
    done = cli("-q", "tools", "call", *words)
    assert done.code == code
    for path in work.iterdir():
        if path.is_file() and path.name != "agentcli.yaml":
            path.unlink()
    replayed = cli("replay")
    assert (replayed.code, replayed.out) == (0, done.out)
    assert "Nothing was executed." in replayed.err
    assert cli("runs", "verify").code == 0


def test_a_call_is_played_as_it_happened(cli: Cli, work: Path) -> None:
    cli("tools", "call", "read_lines", "path=notes.txt")
    assert '✓ read_lines(path="notes.txt", start=1)' in cli("replay", "--pace", "1000").err


def test_a_denied_call_is_gone_on_with(cli: Cli, work: Path) -> None:
    assert cli("tools", "call", "create_file", "path=a", "content=b").code == 5
    result = cli("resume", "--yes")
    assert (result.code, result.out) == (0, "created a (1 bytes)\n")
    assert [event["type"] for event in events(cli)].count("run.resumed") == 1
    assert cli("replay").code == 0


def test_a_call_can_be_handed_on(cli: Cli, work: Path, tmp_path: Path) -> None:
    cli("tools", "call", "read_lines", "path=notes.txt")
    assert cli("runs", "export", "last", "-o", str(tmp_path / "call.agentcli")).code == 0
    home = {"AGENTCLI_HOME": str(tmp_path / "elsewhere")}
    (work / "agentcli.yaml").unlink()
    assert cli("runs", "import", str(tmp_path / "call.agentcli"), environ=home).code == 0
    assert cli("replay", environ=home).out == "1: one\n2: two\n3: three\n"


@pytest.mark.parametrize(
    "words", [["fork", "last", "--at", "2"], ["replay", "--template", "a.yaml"], ["replay", "--step"]]
)
def test_what_needs_an_agent_says_so(cli: Cli, work: Path, words: list[str]) -> None:
    (work / "a.yaml").write_text("version: 1\nkind: agent\nname: a\ninstructions: x\n")
    cli("tools", "call", "read_lines", "path=notes.txt")
    result = cli(*words)
    assert (result.code, result.out) == (2, "")
    assert "(E-RUN-KIND)" in result.err


def test_a_secret_typed_as_an_argument_is_not_on_record(cli: Cli, work: Path) -> None:
    secret = "sk-proj-Abcdefghijklmnopqrstuvwx0123456789"
    cli("tools", "call", "create_file", "path=a", f"content=key {secret}", "-y")
    assert (work / "a").read_text() == f"key {secret}"
    assert secret not in cli("runs", "show", "--json").out
    assert cli("replay").code == 0
