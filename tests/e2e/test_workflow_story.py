"""A workflow over a small real data set: killed in the middle, resumed, replayed, forked from one step and compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BEFORE_THE_KILL = 3
"""Answers of the model that are on record when the run is killed."""

OTHER_PROMPT = 'Which desk has least to do? {{ steps.tickets.output | map(attribute="desk") | join(", ") }}'


def agentcli(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "agentcli", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=300
    )


def events(folder: Path, run: str, **environ: str) -> list[dict[str, Any]]:
    shown = agentcli(folder, "runs", "show", run, "--json", **environ)
    return [json.loads(line) for line in shown.stdout.splitlines()]


def killed_in_the_middle(folder: Path, **environ: str) -> str:
    """Start the workflow, kill it as soon as some of its answers were shown, and give the run's id."""
    command = [sys.executable, "-P", "-m", "agentcli", "workflow", "run", "triage", "-m", "local:coder-0.5b", "--json"]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        answers, name = 0, ""
        for line in run.stdout:
            event = json.loads(line)
            name, answers = event["run"], answers + (event["type"] == "model.completed")
            if answers == BEFORE_THE_KILL:
                run.kill()
        assert run.wait() == -signal.SIGKILL
    return str(name)


@dataclass(frozen=True)
class Desk:
    """A project whose workflow was killed and resumed: its folder, home, run, and what had been recorded before."""

    folder: Path
    home: Path
    run: str
    before: list[dict[str, Any]]
    resumed: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def desk(own_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    place = tmp_path_factory.mktemp("desk")
    environ = {"AGENTCLI_HOME": str(place / "home"), "AGENTCLI_MODELS_DIR": str(own_models), "NO_COLOR": "1"}
    assert agentcli(place, "init", "desk", "--template", "workflow", **environ).returncode == 0
    run = killed_in_the_middle(place / "desk", **environ)
    before = events(place / "desk", run, **environ)
    resumed = agentcli(place / "desk", "resume", run, **environ)
    return Desk(place / "desk", place / "home", run, before, resumed)


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_a_killed_workflow_goes_on_where_it_was(desk: Desk) -> None:
    assert desk.resumed.returncode == 0, desk.resumed.stderr
    table = desk.resumed.stdout.splitlines()
    assert table[:2] == ["| ticket | desk | facts |", "| --- | --- | --- |"]
    assert [line.split(" | ")[0] for line in table[2:7]] == [f"| T-10{number}" for number in range(1, 6)]
    after = events(desk.folder, desk.run, AGENTCLI_HOME=str(desk.home))
    assert after[: len(desk.before)] == desk.before
    answered = [event["lane"] for event in after if event["type"] == "model.completed"]
    assert len(answered) == len(set(answered)), "nothing that was answered is asked again"
    # What was shown in the last milliseconds before the kill may not have come to the disk.
    assert len([event for event in desk.before if event["type"] == "model.completed"]) in range(1, BEFORE_THE_KILL + 4)
    assert "run.resumed" in [event["type"] for event in after]


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_a_workflow_replays_from_its_record_alone(desk: Desk, isolated: Path) -> None:
    folder = shutil.copytree(desk.folder, isolated / "desk")
    for name in ("agents", "workflows", "data"):
        shutil.rmtree(folder / name)
    done = agentcli(folder, "replay", desk.run)
    assert (done.returncode, done.stdout) == (0, desk.resumed.stdout), done.stderr
    assert "Nothing was executed." in done.stderr


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_a_fork_from_a_step_asks_that_step_alone_anew(desk: Desk, isolated: Path, own_models: Path) -> None:
    folder = shutil.copytree(desk.folder, isolated / "desk")
    environ = {"AGENTCLI_MODELS_DIR": str(own_models)}
    # The copy of the project has another place: its workspace is named, as for a run from elsewhere.
    where = ("--workspace", str(folder))
    forked = agentcli(folder, "fork", desk.run, "--at", "report", "--prompt", OTHER_PROMPT, *where, "--json", **environ)
    assert forked.returncode == 0, forked.stderr
    told = [json.loads(line) for line in forked.stdout.splitlines()]
    marker = next(index for index, event in enumerate(told) if event["type"] == "run.forked")
    live = [event["lane"] for event in told[marker:] if event["type"] == "model.started"]
    assert live == ["step.report/turn.1"]
    compared = agentcli(folder, "diff", desk.run, told[-1]["run"])
    assert "triage/report" in compared.stdout
    assert "Which desk has least to do?" in compared.stdout
