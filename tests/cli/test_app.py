"""The entrance: whatever happens becomes an exit code, and a user sees no stack trace."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from agentcli.cli.app import main
from agentcli.cli.environment import Environment
from agentcli.cli.interrupts import Stopped
from agentcli.cli.render.events_json import JsonSink
from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.cli.render.problems import place_of
from agentcli.errors import ErrorInfo
from tests.cli.events import events
from tests.fakes.model_server import Reply, openai_server


class Failing(io.StringIO):
    """A stream that raises whatever is done with it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def read(self, size: int | None = -1) -> NoReturn:
        raise self.error

    def write(self, text: str) -> NoReturn:
        raise self.error


@pytest.fixture
def env(isolated: Path) -> Environment:
    (isolated / "echo.yaml").write_text("replies: [{text: Hello., repeat: true}]\n")
    environ = {**os.environ, "COLUMNS": "100", "LINES": "24"}
    return Environment(io.StringIO(), io.StringIO(), io.StringIO(), environ, isolated)


def text(stream: object) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


RUN = ["run", "-", "-m", "scripted:echo.yaml"]


def test_a_mistake_of_ours_is_one_line_and_exit_1(env: Environment) -> None:
    broken = replace(env, stdin=Failing(RuntimeError("no\nway")))
    assert main(RUN, broken) == 1
    assert text(env.stderr) == (
        "error: Something went wrong inside agentcli: RuntimeError: no way (E-INTERNAL)\n"
        "  why: This is a mistake in agentcli, not in what you did.\n"
        "  fix: Run it again with -v to see where, and report that.\n"
    )


def test_a_mistake_of_ours_with_verbose_shows_where(env: Environment) -> None:
    assert main(["-v", *RUN], replace(env, stdin=Failing(RuntimeError("no")))) == 1
    assert "Traceback (most recent call last):" in text(env.stderr)


def test_a_mistake_of_ours_with_json_is_an_event(env: Environment) -> None:
    assert main(["--json", *RUN], replace(env, stdin=Failing(RuntimeError("no")))) == 1
    event = json.loads(text(env.stdout))
    assert (event["error"]["code"], event["exit_code"], text(env.stderr)) == ("E-INTERNAL", 1, "")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Stopped(143), 143)])
def test_an_interrupt_is_no_error(env: Environment, error: BaseException, code: int) -> None:
    assert main(RUN, replace(env, stdin=Failing(error))) == code
    assert text(env.stderr) == "Interrupted.\n"


@pytest.mark.parametrize("words", [["tools"], ["config", "schema", "agent"], ["--help"]])
def test_a_reader_that_has_gone_is_no_error(env: Environment, words: list[str]) -> None:
    assert main(words, replace(env, stdout=Failing(BrokenPipeError()))) == 0
    assert text(env.stderr) == ""


@pytest.mark.parametrize(
    ("redirections", "code"), [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 1), (">/dev/full 2>&1", 1)]
)
@pytest.mark.parametrize("words", ["--version", "tools", "--json tools"])
def test_streams_may_be_closed_or_full(env: Environment, words: str, redirections: str, code: int) -> None:
    if "/dev/full" in redirections and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    command = f"{sys.executable} -m agentcli {words} {redirections}"
    done = subprocess.run(command, shell=True, cwd=env.cwd, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "E-INTERNAL" not in done.stderr
    assert ("(E-OUTPUT)" in done.stderr) == (redirections == ">/dev/full")


def test_a_task_from_a_closed_input_is_an_empty_one(env: Environment) -> None:
    command = f"{sys.executable} -m agentcli {' '.join(RUN)} <&-"
    done = subprocess.run(command, shell=True, cwd=env.cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "(E-USAGE-NO-TASK)" in done.stderr


def test_a_run_ends_even_when_nobody_reads_it(env: Environment) -> None:
    assert main([*RUN[:1], "Hi", *RUN[2:], "--json"], replace(env, stdout=Failing(BrokenPipeError()))) == 0
    assert main(["runs", "--json"], env) == 0
    assert json.loads(text(env.stdout))["status"] == "completed"


def test_events_stop_where_nobody_reads_them() -> None:
    sink = JsonSink(Printer(Failing(BrokenPipeError()), terminal=False, color=False, width=None, glyphs=UNICODE))
    for event in events():
        sink.handle(event)
    assert sink.closed


def test_every_problem_of_a_file_is_printed_with_its_place(env: Environment) -> None:
    (env.cwd / "bad.yaml").write_text("kind: agent\nname: worse\ninstructions: ''\ntols: []\n")
    assert main(["run", "./bad.yaml", "Hi", "-m", "scripted:echo.yaml"], env) == 3
    heads = [line for line in text(env.stderr).splitlines() if line.startswith("error: ")]
    assert len(heads) > 1
    assert all(f"{env.cwd}/bad.yaml:" in head or "bad.yaml:" in head for head in heads)
    assert main(["--json", "run", "./bad.yaml", "Hi", "-m", "scripted:echo.yaml"], env) == 3
    event = json.loads(text(env.stdout))
    assert len(event["others"]) == len(heads) - 1


def test_a_place_is_as_exact_as_it_is_known() -> None:
    assert place_of(ErrorInfo("E-A", "what", file="a.yaml", line=1, column=3)) == "a.yaml:1:3"
    assert place_of(ErrorInfo("E-A", "what", file="a.yaml")) == "a.yaml"
    assert place_of(ErrorInfo("E-A", "what")) == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_turn_ends_the_run_in_order(env: Environment, number: signal.Signals, code: int) -> None:
    with openai_server(Reply(chunks=("It ", "begins "), ending="hang"), repeat=True) as server:
        environ = {**os.environ, "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.base_url}
        words = [sys.executable, "-m", "agentcli", "run", "Hi", "-m", "openai:gpt-5-mini", "--json"]
        process = subprocess.Popen(words, env=environ, cwd=env.cwd, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        while '"model.delta"' not in line:
            assert line
            line = process.stdout.readline()
        process.send_signal(number)
        rest = process.communicate(timeout=20)[0].splitlines()
    last = json.loads(rest[-1])
    assert process.returncode == last["exit_code"] == code
    assert (last["type"], last["status"], last["error"]["code"]) == ("run.completed", "cancelled", "E-RUN-CANCELLED")


def test_a_script_is_told_of_a_failure_inside_a_run(env: Environment) -> None:
    assert main(["-v", "run", "Hi", "-m", "scripted:none.yaml"], env) == 3
    assert "(E-SCRIPT-UNREADABLE)" in text(env.stderr)
