"""`agentcli run`, whole: words in, answer and record out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SCRIPT = """\
replies:
  - text: Let me look.
    tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
    usage: {input: 100, output: 20}
  - chunks: ["The port ", "is 8080."]
    usage: {input: 140, output: 6}
"""

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-z]{6}")


@pytest.fixture
def folder(isolated: Path) -> Path:
    (isolated / "notes.txt").write_text("port = 8080\nhost = x\n")
    (isolated / "look.yaml").write_text(SCRIPT)
    (isolated / "echo.yaml").write_text("replies: [{text: Hello., repeat: true}]\n")
    return isolated


def steady(text: str, folder: Path) -> str:
    """The text without what differs from run to run."""
    text = RUN_ID.sub("RUN", text).replace(str(folder), "HERE")
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", text)


@pytest.mark.usefixtures("folder")
def test_the_answer_is_all_of_stdout(cli: Cli, folder: Path) -> None:
    result = cli("run", "reader", "Which port?", "-m", "scripted:look.yaml")
    assert (result.code, result.out) == (0, "The port is 8080.\n")
    assert steady(result.err, folder) == (
        "reader with scripted:look.yaml\n"
        "Let me look.\n"
        '✓ read_lines(path="notes.txt", start=1)  TIME\n'
        "completed in TIME · 2 turns · 266 tokens · RUN\n"
    )


def test_quiet_says_nothing_else(cli: Cli, folder: Path) -> None:
    result = cli("-q", "run", "Hi", "-m", f"scripted:{folder}/echo.yaml")
    assert (result.code, result.out, result.err) == (0, "Hello.\n", "")


def test_json_is_one_event_a_line(cli: Cli, folder: Path) -> None:
    result = cli("run", "--json", "reader", "Which port?", "-m", "scripted:look.yaml")
    assert (result.code, result.err) == (0, "")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["type"] for event in events if event["type"] != "model.delta"] == [
        "run.started",
        "turn.started",
        "model.started",
        "model.completed",
        "tool.started",
        "tool.completed",
        "turn.started",
        "model.started",
        "model.completed",
        "run.completed",
    ]
    assert events[-1]["output"] == "The port is 8080."
    assert len({event["run"] for event in events}) == 1


def test_verbose_shows_results(cli: Cli, folder: Path) -> None:
    result = cli("-v", "run", "reader", "Which port?", "-m", "scripted:look.yaml")
    assert "    1: port = 8080\n" in result.err


def test_the_task_may_come_from_standard_input(cli: Cli, folder: Path) -> None:
    result = cli("run", "-", "-m", "scripted:echo.yaml", stdin=b"Say hello\n")
    assert (result.code, result.out) == (0, "Hello.\n")
    assert json.loads(cli("runs", "show", "--json").out.splitlines()[0])["task"] == "Say hello"


def test_files_and_piped_data_are_attached(cli: Cli, folder: Path) -> None:
    (folder / "parrot.yaml").write_text(
        "replies:\n  - {text: got both, matches: '(?s)Compare.*notes.txt.*port = 8080.*stdin.*piped text'}\n"
    )
    words = ("run", "Compare", "-f", "notes.txt", "-f", "-", "-m", "scripted:parrot.yaml")
    result = cli(*words, stdin=b"piped text")
    assert (result.code, result.out) == (0, "got both\n")


def test_a_conversation_goes_on(cli: Cli, folder: Path) -> None:
    (folder / "talk.yaml").write_text("replies: [First., Second.]\n")
    assert cli("run", "One", "-m", "scripted:talk.yaml").out == "First.\n"
    assert cli("run", "-c", "Two", "-m", "scripted:talk.yaml").out == "Second.\n"


def test_inputs_are_given_by_name(cli: Cli, folder: Path) -> None:
    (folder / "agentcli.yaml").write_text("version: 1\n")
    (folder / "agents").mkdir()
    (folder / "agents" / "greeter.yaml").write_text(
        "version: 1\nkind: agent\nname: greeter\ninstructions: Greet {{ inputs.who }}.\n"
        "inputs: {who: {type: string, required: true}, times: {type: integer, default: 1}}\n"
    )
    words = ("run", "greeter", "Go", "-m", f"scripted:{folder}/echo.yaml")
    missing = cli(*words)
    assert (missing.code, missing.out) == (2, "")
    assert "(E-INPUT-MISSING)" in missing.err
    assert cli(*words, "-i", "who=Ann", "-i", "times:=2").code == 0
    assert "(E-INPUT-TYPE)" in cli(*words, "-i", "who=Ann", "-i", "times=often").err
    assert "(E-INPUT-UNKNOWN)" in cli(*words, "-i", "whom=Ann").err


def test_a_lone_word_that_names_an_agent_is_no_task(cli: Cli, folder: Path) -> None:
    result = cli("run", "reader")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: `reader` is an agent, and there is no task for it. (E-USAGE-NO-TASK)\n"
        "  why: One word is the task, and this one names an agent.\n"
        "  fix: Write agentcli run reader 'What it should do'\n"
    )


def test_an_unknown_agent_suggests_the_nearest(cli: Cli, folder: Path) -> None:
    result = cli("run", "raeder", "Which port?", "-m", "scripted:echo.yaml")
    assert result.code == 2
    assert "(E-AGENT-UNKNOWN)" in result.err
    assert "`reader`" in result.err


def test_no_model_at_all_is_exit_7_with_two_ways_out(cli: Cli, folder: Path) -> None:
    result = cli("run", "Hi", environ={"OLLAMA_HOST": "127.0.0.1:9"})
    assert (result.code, result.out) == (7, "")
    assert result.err == (
        "error: There is no model to use. (E-MODEL-NONE)\n"
        "  why: No key is set, no Ollama answers, no embedded model is pulled.\n"
        "  fix: Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY.\n"
    )


def test_a_model_that_fails_is_exit_7_and_on_record(cli: Cli, folder: Path) -> None:
    (folder / "down.yaml").write_text("replies: [{error: unreachable}]\n")
    result = cli("run", "Hi", "-m", "scripted:down.yaml")
    assert (result.code, result.out) == (7, "")
    assert "(E-MODEL-UNREACHABLE)" in result.err
    assert steady(result.err, folder).splitlines()[-1] == "failed in TIME · 1 turn · 0 tokens · RUN"
    assert json.loads(cli("runs", "--json").out)["status"] == "failed"


def test_a_failed_run_with_json_ends_with_its_error(cli: Cli, folder: Path) -> None:
    (folder / "down.yaml").write_text("replies: [{error: unauthorised}]\n")
    result = cli("run", "Hi", "-m", "scripted:down.yaml", "--json")
    last = json.loads(result.out.splitlines()[-1])
    assert (result.code, result.err) == (7, "")
    assert (last["type"], last["exit_code"], last["error"]["code"]) == ("run.completed", 7, "E-MODEL-UNAUTHORISED")


def test_a_limit_is_exit_4(cli: Cli, folder: Path) -> None:
    result = cli("run", "reader", "Which port?", "-m", "scripted:look.yaml", "--limit", "turns=1")
    assert (result.code, result.out) == (4, "")
    assert "limit reached: turns (1 of 1)\n" in result.err
    assert cli("runs", "--status", "limited", "--json").out.count("\n") == 1


WRITES = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: "new\\n"}}]
  - Done.
"""


def test_an_ask_that_nobody_can_answer_is_exit_5(cli: Cli, folder: Path) -> None:
    (folder / "write.yaml").write_text(WRITES)
    result = cli("run", "Write", "-m", "scripted:write.yaml")
    assert (result.code, result.out) == (5, "")
    assert "(E-APPROVAL-NOBODY)" in result.err
    assert not (folder / "out.txt").exists()


@pytest.mark.parametrize("flags", [("--yes",), ("-y",), ("--allow", "create_file"), ("--allow", "create_file(*.txt)")])
def test_a_flag_answers_the_ask(cli: Cli, folder: Path, flags: tuple[str, ...]) -> None:
    (folder / "write.yaml").write_text(WRITES)
    result = cli("run", "Write", "-m", "scripted:write.yaml", *flags)
    assert (result.code, result.out) == (0, "Done.\n")
    assert (folder / "out.txt").read_text() == "new\n"


def test_the_workspace_is_where_tools_work(cli: Cli, folder: Path) -> None:
    (folder / "write.yaml").write_text(WRITES)
    (folder / "inner").mkdir()
    result = cli("run", "Write", "-m", "scripted:write.yaml", "-y", "--workspace", "inner")
    assert (result.code, (folder / "inner" / "out.txt").read_text()) == (0, "new\n")


def test_no_stream_asks_for_the_whole_answer(cli: Cli, folder: Path) -> None:
    result = cli("run", "Hi", "-m", "scripted:echo.yaml", "--no-stream", "--json")
    assert "model.delta" not in result.out


def test_structured_output_is_json(cli: Cli, folder: Path) -> None:
    (folder / "json.yaml").write_text("""replies: ['{"name": "Ann"}']\n""")
    schema = '{"type": "object", "properties": {"name": {"type": "string"}}}'
    result = cli("run", "extractor", "Ann is here", "-i", f"schema:={schema}", "-m", "scripted:json.yaml")
    assert result.code == 0
    assert json.loads(result.out) == {"name": "Ann"}


def test_on_a_terminal_the_answer_cannot_drive_it(cli: Cli, folder: Path) -> None:
    (folder / "evil.yaml").write_text('replies: ["a\\e[2Jb\\u202E"]\n')
    words = ("run", "Hi", "-m", "scripted:evil.yaml", "-q")
    assert cli(*words, terminal=True).out == "ab\\u202e\n"
    assert cli(*words).out == "a\x1b[2Jb\u202e\n"


def test_a_terminal_gets_the_live_view(cli: Cli, folder: Path) -> None:
    environ = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    result = cli("run", "reader", "Port?", "-m", "scripted:look.yaml", terminal=True, environ=environ)
    assert (result.code, result.out) == (0, "The port is 8080.\n")
    assert '✓ read_lines(path="notes.txt", start=1)' in result.err
    assert result.err.endswith("\n")
    assert "\x1b[?25l" in result.err


def test_a_broken_template_is_exit_3_with_its_line(cli: Cli, folder: Path) -> None:
    (folder / "bad.yaml").write_text("version: 1\nkind: agent\nname: bad\ninstrutions: x\n")
    result = cli("run", "./bad.yaml", "Hi", "-m", "scripted:echo.yaml")
    assert (result.code, result.out) == (3, "")
    assert "bad.yaml:4:1: " in result.err
    with_json = cli("run", "./bad.yaml", "Hi", "-m", "scripted:echo.yaml", "--json")
    event = json.loads(with_json.out)
    assert (with_json.code, event["type"], event["error"]["line"], event["exit_code"]) == (3, "error", 4, 3)


@pytest.mark.parametrize("task", ["", "  \n"])
def test_an_empty_task_is_none(cli: Cli, task: str) -> None:
    result = cli("run", task, "-m", "scripted:talk.yaml")
    assert (result.code, "(E-USAGE-NO-TASK)" in result.err) == (2, True)
