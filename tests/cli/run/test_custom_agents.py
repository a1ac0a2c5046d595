"""Agents that are Python of their own: run, shown, explained and refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from agentcli.workbench.event_schema import event_schema
from tests.cli.conftest import Cli
from tests.fakes.triage import AGENT, ALLOWED, OUTPUT, project, usual, write

__all__ = ["project"]


def test_a_run_tells_what_its_code_does_and_gives_its_result(cli: Cli, project: Path) -> None:
    result = cli("run", "triage", "a letter", *ALLOWED)
    assert (result.code, result.out) == (0, OUTPUT)
    assert usual(result.err) == (
        "triage with scripted:s.yaml\n"
        '✓ read_lines(path="notes.txt", start=1)  TIME\n'
        "of the kind bill\n"
        "create_file: allowed by a flag\n"
        '✓ create_file(path="seen.txt", content="bill", overwrite=false)  TIME\n'
        "keep_files: allowed by a flag\n"
        '✓ keep_files(paths=["answer.txt"])  TIME\n'
        "completed in TIME · 2 turns · 0 tokens · RUN\n"
    )
    assert ((project / "answer.txt").read_text(), (project / "seen.txt").read_text()) == ("Dear customer", "bill")


def test_it_is_shown_with_what_its_code_asked_and_said(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    shown = usual(cli("runs", "show", "last").out)
    assert shown[shown.index("\n\n") :] == (
        "\n\n"
        '    5  ├─ ✓ read_lines(path="notes.txt", start=1)  TIME\n'
        "    6  └─ asks\n"
        "            Which kind is a letter? 1: hello\n"
        "    9  turn 1  TIME · 0 tokens\n"
        "    9  └─ said\n"
        "            bill\n"
        "   10  ├─ says\n"
        "       │    of the kind bill\n"
        "   12  ├─ asked about create_file: once by flag: --allow create_file\n"
        '   14  ├─ ✓ create_file(content="bill", overwrite=false, path="seen.txt")  TIME\n'
        "   15  └─ asks\n"
        "            Answer it.\n"
        "   18  turn 2  TIME · 0 tokens\n"
        "   18  └─ said\n"
        "            Dear customer\n"
        "   20  ├─ asked about keep_files: once by flag: --allow keep_files\n"
        '   22  └─ ✓ keep_files(paths=["answer.txt"])  TIME\n'
        "\nanswer\n"
        '  {\n    "answer": "Dear customer",\n    "kind": "bill"\n  }\n'
    )


def test_every_event_is_as_the_schema_says(cli: Cli, project: Path) -> None:
    lines = [json.loads(line) for line in cli("run", "triage", "a letter", *ALLOWED, "--json").out.splitlines()]
    validator = jsonschema_rs.validator_for(event_schema())
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []
    kinds = [line["type"] for line in lines if line["type"].startswith("code.")]
    assert kinds == ["code.started", *["code.asked"] * 5, "code.completed"]
    assert lines[-1]["output"] == {"kind": "bill", "answer": "Dear customer"}


def test_v_shows_how_an_error_came_about_and_what_was_printed(cli: Cli, project: Path) -> None:
    write(project, AGENT.replace("      notes =", "      print('about to')\n      notes = {}['x']\n      notes ="))
    quiet, verbose = cli("run", "triage", "x"), cli("run", "triage", "x", "-v")
    assert ("about to" in quiet.err, "in run" in quiet.err) == (False, False)
    assert "    about to\n" in verbose.err
    assert "    KeyError: 'x'\n" in verbose.err
    assert f'  File "{project}/agents/triage.yaml", line 12, in run\n' in cli("runs", "show", "last", "--full").out


def test_code_of_a_project_that_nobody_trusts_does_not_run(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED, "--limit", "turns=1").code == 4
    assert cli("trust", "--remove").code == 0
    for words in (("run", "triage", "a letter", "--yes"), ("resume", "last", "--yes"), ("fork", "last", "--at", "3")):
        result = cli(*words)
        assert (result.code, result.out, "E-CODE-UNTRUSTED" in result.err) == (5, "", True), words
    assert f"`agentcli trust {project}`" in result.err
    assert cli("replay").code == 0
    assert cli("agents", "show", "triage").code == 0
    assert cli("run", "triage", "a letter", "--trust", *ALLOWED).code == 0


def test_a_custom_agent_holds_no_conversation(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    for words in (("run", "-c", "and?"), ("run", "triage", "and?", "-c")):
        result = cli(*words)
        assert (result.code, "E-RUN-CONVERSATION" in result.err) == (2, True)


def test_without_a_model_code_that_asks_none_runs_and_the_other_is_told(cli: Cli, project: Path) -> None:
    (project / "agentcli.yaml").write_text("version: 1\n")
    head = AGENT[: AGENT.index("code:")]
    write(project, head + "code: |\n  def run(agent, task):\n      return agent.tool('read_lines', path='notes.txt')\n")
    environ = {"OLLAMA_HOST": "127.0.0.1:9"}
    done = cli("run", "triage", "x", environ=environ)
    assert (done.code, done.out) == (0, "1: hello\n")
    assert done.err.startswith("triage\n")
    assert cli("replay").code == 0
    write(project, head + "code: |\n  def run(agent, task):\n      return agent.ask(task)\n")
    asking = cli("run", "triage", "x", environ=environ)
    assert (asking.code, "E-MODEL-NONE" in asking.err) == (7, True)
    assert cli("replay").code == 0
    assert cli("resume", "last", "-m", "scripted:s.yaml").out == "bill\n"


def test_a_mistake_in_the_code_is_told_before_there_is_a_run(cli: Cli, project: Path) -> None:
    write(project, AGENT.replace("answer = agent.ask", "answer = = agent.ask"))
    for words in (("run", "triage", "x"), ("agents", "show", "triage"), ("config", "check")):
        result = cli(*words)
        assert result.code == 3
        assert f"{project}/agents/triage.yaml:15:16: The agent's code is not valid Python. (E-TEMPLATE-CODE)" in (
            result.err + result.out
        )


def test_rules_of_a_template_may_name_the_files_that_its_code_keeps(cli: Cli, project: Path) -> None:
    write(project, AGENT + "permissions: {allow: [create_file, 'keep_files(*.txt)']}\n")
    assert cli("run", "triage", "a letter").code == 0
    assert (project / "answer.txt").exists()
    write(project, AGENT[: AGENT.index("code:")] + "permissions: {allow: [keep_files]}\n")
    assert "E-TEMPLATE-UNKNOWN-TOOL" in cli("run", "triage", "a letter").err


def test_no_tool_of_its_own_has_the_name_of_the_one_that_keeps_files(cli: Cli, project: Path) -> None:
    (project / "tools").mkdir()
    (project / "tools/own.py").write_text(
        "from agentcli import tool\n\n\n@tool\ndef keep_files(path: str) -> str:\n    return path\n"
    )
    write(project, AGENT.replace("tools: [", "tools: [{python: tools/own.py}, "))
    result = cli("run", "triage", "a letter")
    assert (result.code, "E-TEMPLATE-TOOL-NAME" in result.err) == (3, True)


def test_its_code_is_shown(cli: Cli, project: Path) -> None:
    shown = cli("agents", "show", "triage").out
    assert "Code" in shown
    assert "def run(agent, task):" in shown
    listed = {one["name"]: one["custom"] for one in map(json.loads, cli("agents", "--json").out.splitlines())}
    assert (listed["triage"], listed["assistant"]) == (True, False)
