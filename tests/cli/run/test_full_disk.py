"""A disk that fills while a run is recorded: the run stops in order, says so, and can be gone on with."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

FULL = {"E-JOURNAL-FULL", "E-JOURNAL-IO"}
"""Which of them depends on which write meets the limit first."""


@pytest.fixture
def project(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.json\n")
    calls = [{"name": "read_lines", "arguments": {"path": f"{number}.txt"}} for number in range(60)]
    replies = [{"tool_calls": [call]} for call in calls]
    (isolated / "s.json").write_text(json.dumps({"replies": [*replies, {"text": "Read."}]}))
    for number in range(60):
        (isolated / f"{number}.txt").write_text(f"{number}\n" * 100)
    return isolated


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files cannot grow beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_it_is_told_with_a_code_and_the_run_goes_on_once_there_is_room(cli: Cli, project: Path) -> None:
    with room(100_000):
        stopped = cli("run", "Read", "--limit", "turns=99")
    assert stopped.code == 1
    assert [code for code in FULL if code in stopped.err]
    assert cli("runs", "verify").code == 0
    assert json.loads(cli("runs", "list", "--json").out)["status"] == "interrupted"
    resumed = cli("resume")
    assert (resumed.code, resumed.out) == (0, "Read.\n")
    assert cli("replay").code == 0


def test_programs_are_told_in_the_last_event(cli: Cli, project: Path) -> None:
    with room(100_000):
        stopped = cli("run", "Read", "--limit", "turns=99", "--json")
    first, *_, last = [json.loads(line) for line in stopped.out.splitlines()]
    assert (stopped.code, stopped.err) == (1, "")
    assert (last["type"], last["run"], last["exit_code"]) == ("error", first["run"], 1)
    assert last["error"]["code"] in FULL


def test_a_run_that_ended_says_so_once(cli: Cli, project: Path) -> None:
    done = cli("run", "Read", "--limit", "turns=2", "--json")
    assert (done.code, json.loads(done.out.splitlines()[-1])["type"]) == (4, "run.completed")
