"""The record of agents that are Python of their own: replayed, resumed, forked, compared, tested, exported."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from agentcli.cli.approver import Nobody
from agentcli.sandbox.missing import NoSandbox
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench
from tests.cli.conftest import Cli
from tests.fakes.triage import AGENT, ALLOWED, OUTPUT, events, project, seq_of, write

__all__ = ["project"]


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


def test_a_record_brings_no_code_of_its_own(cli: Cli, project: Path) -> None:
    """The template is the one of this project: where it is gone, or has no code, a run cannot be gone on with."""
    assert cli("run", "triage", "a letter", *ALLOWED, "--limit", "turns=1").code == 4
    write(project, AGENT[: AGENT.index("code:")])
    assert "E-TEMPLATE-CODE" in cli("resume", "last", "--limit", "turns=4").err
    (project / "agents/triage.yaml").unlink()
    gone = cli("resume", "last", "--limit", "turns=4")
    assert (gone.code, "E-AGENT-UNKNOWN" in gone.err) == (2, True)


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


def test_step_names_what_its_code_asked_for(cli: Cli, project: Path) -> None:
    assert cli("run", "triage", "a letter", *ALLOWED).code == 0
    stepped = cli("replay", "--step", stdin=b"go 3\ngo 10\nq\n")
    assert "code.asked  tool read_lines" in stepped.out + stepped.err
    assert "code.asked  say of the kind bill" in stepped.out + stepped.err
