"""Custom agents in processes of their own: killed, interrupted, without a sandbox, and with the real embedded model."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes.scripted_project import CLI, environment

SLEEP = "86393"
"""Seconds; nobody else sleeps so long."""

CODE = f"""\
version: 1
kind: agent
name: worker
tools: [read_lines, delete_file]
permissions: {{allow: [delete_file, keep_files]}}
limits: {{tool_seconds: 60}}
code: |
  import subprocess

  def run(agent, task):
      told = [agent.ask(f"number {{n}}") for n in range(3)]
      told.append(agent.tool("delete_file", path="old.txt"))
      if task == "wait":
          subprocess.Popen(["sleep", "{SLEEP}"])
          agent.say("waiting")
          agent.tool("read_lines", path="notes.txt")
          subprocess.run(["sleep", "{SLEEP}"])
      open("done.txt", "w").write(str(len(told)))
      return told
"""
OUTPUT = ["one", "one", "one", "deleted old.txt (4 bytes)"]


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    folder = tmp_path / "p"
    (folder / "agents").mkdir(parents=True)
    (folder / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.json\nagent: worker\n")
    (folder / "agents" / "worker.yaml").write_text(CODE)
    (folder / "s.json").write_text(json.dumps({"replies": [{"text": "one", "repeat": True}]}))
    (folder / "notes.txt").write_text("note\n")
    (folder / "old.txt").write_text("old\n")
    env = environment(tmp_path)
    assert agentcli((folder, env), "trust", "-q").returncode == 0
    return folder, env


def agentcli(project: tuple[Path, dict[str, str]], *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    folder, env = project
    return subprocess.run([*CLI, *words], cwd=folder, env={**env, **extra}, capture_output=True, text=True, timeout=120)


def stopped_at(project: tuple[Path, dict[str, str]], number: int, kind: str, count: int) -> int:
    """A run that is sent a signal at the `count`-th event of a type; its exit code."""
    folder, env = project
    with subprocess.Popen(
        [*CLI, "run", "worker", "wait", "--json"], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        for line in one.stdout:
            count -= json.loads(line)["type"] == kind
            if count == 0:
                one.send_signal(number)
                break
        one.stdout.read()
        return one.wait(timeout=60)


def sleeping() -> list[bytes]:
    """The programs of the code that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = process.read_bytes()
            found += [command] if command == f"sleep\0{SLEEP}\0".encode() else []
    return found


def quick(project: tuple[Path, dict[str, str]]) -> None:
    """The code as somebody mends it: it waits no more."""
    template = project[0] / "agents" / "worker.yaml"
    template.write_text(CODE.replace(f'subprocess.run(["sleep", "{SLEEP}"])', "pass"))


def all_end(project: tuple[Path, dict[str, str]]) -> bool:
    """Whether nothing of the code runs any more, as soon as the kernel has ended it: that takes it some moments."""
    return any(not sleeping() for _ in range(50) if agentcli(project, "--version").returncode == 0)


@pytest.mark.parametrize(("kind", "count"), [("model.completed", 2), ("code.asked", 5), ("tool.completed", 2)])
def test_a_run_that_was_killed_goes_on_and_deletes_nothing_twice(
    project: tuple[Path, dict[str, str]], kind: str, count: int
) -> None:
    assert stopped_at(project, signal.SIGKILL, kind, count) == -signal.SIGKILL
    assert all_end(project)
    listed = json.loads(agentcli(project, "runs", "list", "--json").stdout)
    assert listed["status"] == "interrupted"
    quick(project)
    resumed = agentcli(project, "resume", "last", "--yes")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout) == OUTPUT
    assert (project[0] / "done.txt").read_text() == "4"
    shown = agentcli(project, "runs", "show", "last", "--json").stdout
    events = [json.loads(line) for line in shown.splitlines()]
    assert [event["tool"] for event in events if event["type"] == "tool.started"].count("delete_file") == 1
    assert agentcli(project, "replay").returncode == 0
    assert agentcli(project, "runs", "verify").returncode == 0


def test_an_interrupt_ends_the_code_with_all_that_it_started_and_leaves_a_run_to_resume(
    project: tuple[Path, dict[str, str]],
) -> None:
    assert stopped_at(project, signal.SIGINT, "tool.completed", 2) == 130
    assert sleeping() == []
    assert json.loads(agentcli(project, "runs", "list", "--json").stdout)["status"] == "cancelled"
    assert agentcli(project, "replay").returncode == 0
    quick(project)
    assert json.loads(agentcli(project, "resume", "last", "--yes").stdout) == OUTPUT


def test_a_limit_of_time_ends_it_too(project: tuple[Path, dict[str, str]]) -> None:
    limited = agentcli(project, "run", "worker", "wait", "--limit", "seconds=2")
    assert (limited.returncode, "E-LIMIT-SECONDS" in limited.stderr) == (4, True)
    assert sleeping() == []
    assert agentcli(project, "replay").returncode == 0


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_the_one_that_init_writes_answers_with_the_embedded_model(own_models: Path, tmp_path: Path) -> None:
    env = {**environment(tmp_path), "AGENTCLI_MODELS_DIR": str(own_models)}
    assert agentcli((tmp_path, env), "init", "shop", "--template", "full", "-q").returncode == 0
    shop = tmp_path / "shop", env
    done = agentcli(shop, "run", "triage", "When is the telephone line open?", "-m", "local:coder-0.5b")
    assert done.returncode == 0, done.stderr
    assert "16:00" in done.stdout
    assert "the page for this letter: docs/contact.md" in done.stderr
    replayed = agentcli(shop, "replay", AGENTCLI_MODELS_DIR=str(tmp_path / "none"))
    assert (replayed.returncode, replayed.stdout) == (0, done.stdout)
