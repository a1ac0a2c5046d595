"""`agentcli run reader` against model servers on loopback: both wire formats, streaming and not, good and bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_server import ModelServer, Reply, anthropic_server, calls, failure, openai_server
from tests.fakes.model_wire import Ending

QUESTION = "What is the refund period?"
ANSWER = "Refunds are possible for 30 days (handbook.md)."
LOOKUP = calls(("grep_file", {"path": "handbook.md", "pattern": "[Rr]efund"}))

ENDINGS: dict[tuple[str, str], Ending] = {
    ("unfinished", "openai"): "no-finish",
    ("unfinished", "anthropic"): "no-end-mark",
    ("cut", "openai"): "cut",
    ("cut", "anthropic"): "cut",
}

Serve = Callable[..., AbstractContextManager[ModelServer]]


@pytest.fixture
def workspace(isolated: Path) -> Path:
    (isolated / "handbook.md").write_text("# Handbook\n\nRefunds: within 30 days of purchase.\n")
    return isolated


@pytest.fixture(params=["openai", "anthropic"])
def wire(request: pytest.FixtureRequest) -> tuple[str, Serve]:
    return request.param, {"openai": openai_server, "anthropic": anthropic_server}[request.param]


def agentcli(server: ModelServer, wire: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """The installed command, with a key that belongs to the server."""
    upper = wire.upper()
    environ = {**os.environ, f"{upper}_API_KEY": "test-key-0123456789", f"{upper}_BASE_URL": server.base_url, **extra}
    command = [sys.executable, "-m", "agentcli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("stream", [(), ("--no-stream",)], ids=["streaming", "whole"])
def test_reader_looks_a_file_up_and_answers(workspace: Path, wire: tuple[str, Serve], stream: tuple[str, ...]) -> None:
    name, serve = wire
    with serve(LOOKUP, ANSWER) as server:
        done = agentcli(server, name, "run", "reader", QUESTION, "-m", f"{name}:some-model", *stream)
        assert (done.returncode, done.stdout) == (0, f"{ANSWER}\n"), done.stderr
        first, second = (request.json for request in server.requests)
    assert bool(first.get("stream")) is not bool(stream)
    assert {tool.get("name") or tool["function"]["name"] for tool in first["tools"]} >= {"grep_file", "read_lines"}
    assert "30 days" in json.dumps(second["messages"])
    shown = subprocess.run([sys.executable, "-m", "agentcli", "runs", "show", "last"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "grep_file" in shown.stdout
    assert "reader" in shown.stdout


def test_the_events_of_a_run_are_one_object_a_line_and_end_with_its_completion(
    workspace: Path, wire: tuple[str, Serve]
) -> None:
    name, serve = wire
    with serve(LOOKUP, Reply(chunks=("Refunds ", "within ", "30 days."))) as server:
        done = agentcli(server, name, "run", "reader", QUESTION, "-m", f"{name}:m", "--json")
    events: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
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
    deltas = [event for event in events if event["type"] == "model.delta"]
    assert "".join(event["text"] for event in deltas) == "Refunds within 30 days."
    last = events[-1]
    assert (last["status"], last["output"], last["exit_code"]) == ("completed", "Refunds within 30 days.", 0)
    assert {event["run"] for event in events} == {events[0]["run"]}


@pytest.mark.parametrize("ending", ["unfinished", "cut"])
def test_a_stream_that_ends_early_is_never_an_answer_but_is_tried_again(
    workspace: Path, wire: tuple[str, Serve], ending: str
) -> None:
    name, serve = wire
    unfinished = Reply(text="Refunds are poss", ending=ENDINGS[ending, name])
    with serve(unfinished, ANSWER) as server:
        done = agentcli(server, name, "run", "reader", QUESTION, "-m", f"{name}:m")
    assert (done.returncode, done.stdout) == (0, f"{ANSWER}\n"), done.stderr
    assert len(server.requests) == 2


def test_a_refused_key_ends_with_seven_and_a_remedy_and_the_run_is_on_record(
    workspace: Path, wire: tuple[str, Serve]
) -> None:
    name, serve = wire
    with serve(failure(401, "invalid key"), repeat=True) as server:
        done = agentcli(server, name, "run", "reader", QUESTION, "-m", f"{name}:m")
    assert done.returncode == 7
    assert "E-MODEL-UNAUTHORISED" in done.stderr
    assert "Traceback" not in done.stderr
    assert "test-key-0123456789" not in done.stdout + done.stderr
    listed = subprocess.run([sys.executable, "-m", "agentcli", "runs", "--json"], capture_output=True, text=True)
    assert json.loads(listed.stdout)["status"] == "failed"


def test_a_fallback_chain_ends_at_a_script_where_the_template_says_so(workspace: Path) -> None:
    (workspace / "agentcli.yaml").write_text("version: 1\nname: demo\n")
    (workspace / "agents").mkdir()
    (workspace / "offline.yaml").write_text('replies: ["No model answers; ask again later."]\n')
    (workspace / "agents" / "patient.yaml").write_text(
        "version: 1\nkind: agent\nname: patient\nmodel: [openai:m, scripted:offline.yaml]\ninstructions: Be brief.\n"
    )
    with openai_server(failure(401), repeat=True) as server:
        done = agentcli(server, "openai", "run", "patient", "Hello", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    fallback = next(event for event in events if event["type"] == "model.fallback")
    assert fallback["model"] == "scripted:offline.yaml"
    assert events[-1]["output"] == "No model answers; ask again later."
