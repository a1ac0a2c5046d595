"""Agents that are Python of their own: run, shown, replayed, resumed, forked, compared, tested, and refused."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from agentcli.cli.approver import Nobody
from agentcli.sandbox.missing import NoSandbox
from agentcli.workbench.event_schema import event_schema
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench
from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: triage
description: Sorts letters.
instructions: Be brief.
inputs: {place: {type: string, default: notes.txt}}
tools: [read_lines, create_file]
limits: {turns: 4, tool_seconds: 10}
code: |
  def run(agent, task):
      notes = agent.tool("read_lines", path=agent.inputs["place"])
      kind = agent.ask(f"Which kind is {task}? {notes}")
      agent.say(f"of the kind {kind}")
      agent.tool("create_file", path="seen.txt", content=kind)
      answer = agent.ask("Answer it.", tools=[])
      open("answer.txt", "w").write(answer)
      return {"kind": kind, "answer": answer}
"""
ALLOWED = ("--allow", "create_file", "--allow", "keep_files")
OUTPUT = '{\n  "answer": "Dear customer",\n  "kind": "bill"\n}\n'


@pytest.fixture
def project(cli: Cli, isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\n")
    (isolated / "agents").mkdir()
    write(isolated, AGENT)
    (isolated / "s.yaml").write_text(
        "replies: [{text: Dear customer, contains: Answer it, repeat: true}, {text: bill, repeat: true}]\n"
    )
    (isolated / "notes.txt").write_text("hello\n")
    assert cli("trust").code == 0
    return isolated


def write(project: Path, text: str) -> None:
    (project / "agents" / "triage.yaml").write_text(text)


def usual(text: str) -> str:
    """Without what is another one each time."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-z]{6}", "RUN", text)
    return re.sub(r"\b[\d.]+ (s|ms)\b", "TIME", text)


def events(cli: Cli, run: str = "last") -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


def seq_of(found: list[dict[str, Any]], kind: str, **fields: Any) -> int:
    named = fields.items()
    return next(int(one["seq"]) for one in found if one["type"] == kind and named <= one.items())


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


def test_a_replay_runs_no_code_and_an_edit_of_it_is_a_divergence(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    for name in ("answer.txt", "seen.txt", "notes.txt"):
        (project / name).unlink()
    replayed = cli("replay", environ={"PATH": ""})
    assert (replayed.code, "Nothing was executed." in replayed.err) == (0, True)
    assert not (project / "answer.txt").exists()
    assert cli("replay", "--template", "agents/triage.yaml").code == 0
    write(project, AGENT.replace("Answer it.", "Reply to it."))
    edited = cli("replay", "--template", "agents/triage.yaml")
    assert (edited.code, "It differs at $['code']." in edited.err) == (6, True)
    compared = cli("diff", "last", "last").code
    assert compared == 0


def test_a_recording_is_a_test_that_tells_of_other_code_also_in_a_file(cli: Cli, project: Path) -> None:
    code = "def run(agent, task):\n    return agent.ask(task)\n"
    (project / "agents/triage.py").write_text(code)
    write(project, AGENT[: AGENT.index("code:")] + "code: agents/triage.py\n")
    assert cli("run", "triage", "a letter").out == "bill\n"
    assert cli("runs", "export", "last", "--to", "pytest", "-o", "tests").code == 0
    assert cli("test").code == 0
    (project / "agents/triage.py").write_text(code.replace("(task)", "(task).upper()"))
    failed = cli("test")
    assert (failed.code, "$['code']" in failed.out + failed.err) == (8, True)
    assert cli("run", "triage", "a letter").out == "BILL\n"
    compared = cli("diff", "last~1", "last").out
    assert "return agent.ask(task)" in compared


def test_an_error_names_its_line_and_the_mended_run_pays_nothing_twice(cli: Cli, project: Path) -> None:
    write(project, AGENT.replace('open("answer.txt", "w").write(answer)', "answer.nonsense"))
    failed = cli("run", "triage", "a letter", *ALLOWED, "-q")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err == (
        f"error: {project}/agents/triage.yaml:16:3: The agent's code raised AttributeError. (E-CODE-RAISED)\n"
        "  why: 'str' object has no attribute 'nonsense'.\n"
        "  fix: Correct it at that line; -v shows how it came there.\n"
    )
    assert cli("replay").code == 0
    write(project, AGENT)
    (project / "s.yaml").write_text("replies: [{text: asked again, repeat: true}]\n")
    resumed = cli("resume", "last", *ALLOWED)
    assert (resumed.code, resumed.out) == (0, OUTPUT)
    assert (project / "answer.txt").read_text() == "Dear customer"
    assert cli("replay").code == 0


def test_v_shows_how_an_error_came_about_and_what_was_printed(cli: Cli, project: Path) -> None:
    write(project, AGENT.replace("      notes =", "      print('about to')\n      notes = {}['x']\n      notes ="))
    quiet, verbose = cli("run", "triage", "x"), cli("run", "triage", "x", "-v")
    assert ("about to" in quiet.err, "in run" in quiet.err) == (False, False)
    assert "    about to\n" in verbose.err
    assert "    KeyError: 'x'\n" in verbose.err
    assert f'  File "{project}/agents/triage.yaml", line 12, in run\n' in cli("runs", "show", "last", "--full").out


def test_a_fork_goes_its_own_way_and_one_that_asks_otherwise_is_told(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    found = events(cli)
    first = found[0]["run"]
    (project / "s.yaml").write_text("replies: [{text: Dear reader, repeat: true}]\n")
    answered = seq_of(found, "tool.completed", tool="create_file")
    forked = cli("fork", first, "--at", str(answered), *ALLOWED)
    assert (forked.code, json.loads(forked.out)) == (0, {"kind": "bill", "answer": "Dear reader"})
    assert (project / "answer.txt").read_text() == "Dear customer"
    place = next(event for event in events(cli) if event["type"] == "run.forked")["changes"]["workspace"]
    assert (Path(place) / "answer.txt").read_text() == "Dear reader"
    assert cli("replay").code == 0
    planned = cli("fork", first, "--at", str(answered), "--plan")
    assert (planned.code, "1 request to the model" in planned.out + planned.err) == (0, True)
    write(project, AGENT.replace("Which kind", "What kind"))
    other = cli("fork", first, "--at", str(answered), *ALLOWED)
    assert (other.code, "E-CODE-DIFFERENT" in other.err, "asked a model; now it asked a model" in other.err) == (
        1,
        True,
        True,
    )
    early = cli("fork", first, "--at", str(seq_of(found, "tool.completed", tool="read_lines")), *ALLOWED)
    assert early.code == 0


def test_parts_of_a_run_can_be_live_while_its_code_says_what_it_said(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    first = events(cli)[0]["run"]
    (project / "answer.txt").unlink()
    again = cli("replay", first, "--live", "model")
    assert (again.code, again.out) == (0, OUTPUT)
    assert not (project / "answer.txt").exists()
    mocked = cli("replay", first, "--mock", "tool:read_lines=other")
    assert (mocked.code, "E-REPLAY-CODE-TOLD" in mocked.err) == (6, True)
    (project / "s.yaml").write_text("replies: [{text: other, repeat: true}]\n")
    assert cli("replay", first, "--live", "model").code == 6


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


def test_a_record_brings_no_code_of_its_own(cli: Cli, project: Path) -> None:
    """The template is the one of this project: where it is gone, or has no code, a run cannot be gone on with."""
    assert cli("run", "triage", "a letter", *ALLOWED, "--limit", "turns=1").code == 4
    write(project, AGENT[: AGENT.index("code:")])
    assert "E-TEMPLATE-CODE" in cli("resume", "last", "--limit", "turns=4").err
    (project / "agents/triage.yaml").unlink()
    gone = cli("resume", "last", "--limit", "turns=4")
    assert (gone.code, "E-AGENT-UNKNOWN" in gone.err) == (2, True)


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


def test_without_a_sandbox_it_is_denied_and_its_record_replays(cli: Cli, project: Path) -> None:
    with open_workbench(Options(cwd=project, environ=dict(os.environ), yes=True)) as bench:
        bench.__dict__["sandbox"] = NoSandbox()
        outcome = asyncio.run(run_agent(bench, RunRequest("x", "triage"), approver=Nobody()))
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.status, outcome.error.code) == (5, "denied", "E-SANDBOX-NONE")
    assert cli("replay").code == 0
    assert cli("resume", "last", *ALLOWED).out == OUTPUT
    with open_workbench(Options(cwd=project, environ=dict(os.environ))) as bench:
        bench.__dict__["sandbox"] = NoSandbox()
        replayed = asyncio.run(replay_run(bench, "last"))
    assert (replayed.divergence, replayed.status) == (None, "completed")


def test_every_export_takes_it(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    for form in ("html", "jsonl", "atif", "otel"):
        assert cli("runs", "export", "last", "--to", form, "-o", f"out.{form}").code == 0
    assert cli("runs", "export", "last", "--to", "bundle", "-o", "b.agentcli").code == 0
    assert "of the kind bill" in (project / "out.html").read_text()
    assert cli("runs", "verify").code == 0


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


def test_step_names_what_its_code_asked_for(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    stepped = cli("replay", "--step", stdin=b"go 3\ngo 10\nq\n")
    assert "code.asked  tool read_lines" in stepped.out + stepped.err
    assert "code.asked  say of the kind bill" in stepped.out + stepped.err
