"""The side of the line that runs in the sandbox: what it sends for what code does."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentcli.tools.agent_code import client


class Engine(threading.Thread):
    """The other end: gives the listed answers, keeps what it heard."""

    def __init__(self, end: socket.socket, answers: list[dict[str, Any]]) -> None:
        super().__init__()
        self.end = end
        self.answers = answers
        self.heard: list[dict[str, Any]] = []

    def run(self) -> None:
        for answer in self.answers:
            self.heard.append(self.hear())
            self.send(answer)

    def hear(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", self.end.recv(4, socket.MSG_WAITALL))
        found: dict[str, Any] = json.loads(self.end.recv(length, socket.MSG_WAITALL))
        return found

    def send(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.end.sendall(struct.pack(">I", len(data)) + data)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def ended(text: str, ends: tuple[socket.socket, socket.socket], *answers: dict[str, Any]) -> tuple[Any, list[Any]]:
    """How the code ended, and what it asked for."""
    engine = Engine(ends[0], list(answers))
    engine.start()
    given = {"name": "a.yaml", "text": text, "task": "the task", "inputs": {"n": 1}}
    frame = client.outcome(client.Line(ends[1].fileno()), given)
    engine.join()
    return json.loads(frame[4:]), engine.heard


def test_what_run_returns_is_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    text = "def run(agent, task):\n    return [task, agent.task, agent.inputs, __name__, __file__]\n"
    output = ["the task", "the task", {"n": 1}, "agent_code", "a.yaml"]
    assert ended(text, ends) == ({"wants": "end", "output": output}, [])


def test_each_call_is_a_request_and_its_answer_a_value(ends: tuple[socket.socket, socket.socket]) -> None:
    text = (
        "def run(agent, task):\n"
        "    first = agent.ask('p', instructions='i', schema={}, tools=[])\n"
        "    return [first, agent.ask('q'), agent.tool('t', name=1, path='x'), agent.say(5)]\n"
    )
    end, heard = ended(text, ends, *({"value": value} for value in ("a", {"b": 1}, "c", None)))
    assert end["output"] == ["a", {"b": 1}, "c", None]
    assert heard == [
        {"wants": "ask", "prompt": "p", "instructions": "i", "schema": {}, "tools": []},
        {"wants": "ask", "prompt": "q", "instructions": None, "schema": None, "tools": None},
        {"wants": "tool", "name": "t", "arguments": {"name": 1, "path": "x"}},
        {"wants": "say", "text": "5"},
    ]


def test_what_came_to_nothing_is_raised_and_can_be_caught(ends: tuple[socket.socket, socket.socket]) -> None:
    text = (
        "def run(agent, task):\n"
        "    try:\n        agent.tool('t')\n"
        "    except agent.Failed as error:\n        return [error.status, str(error)]\n"
    )
    failed = {"failed": {"status": "denied", "message": "not here"}}
    assert ended(text, ends, failed)[0]["output"] == ["denied", "not here"]
    end, _ = ended("def run(agent, task):\n    agent.tool('t')\n", ends, failed)
    assert (end["kind"], end["message"], end["line"]) == ("FailedError", "not here", 2)


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("\n\ndef run(agent, task):\n    return {}['x']\n", "KeyError", 4),
        ("def run(agent, task):\n    raise SystemExit(3)\n", "SystemExit", 2),
        ("def run(agent, task):\n    raise KeyboardInterrupt\n", "KeyboardInterrupt", 2),
        ("import json\ndef run(agent, task):\n    return json.loads('{')\n", "JSONDecodeError", 3),
        ("x = 1\n1 / 0\n", "ZeroDivisionError", 2),
        ("x = (\n", "SyntaxError", 1),
        ("x = 1\n", "KeyError", None),
        ("class E(Exception):\n    def __str__(self): 1 / 0\ndef run(agent, task):\n    raise E\n", "E", 4),
        ("def run(agent, task):\n    agent.ask(print)\n", "TypeError", 2),
        ("def run(agent, task):\n    agent.say('x' * 2_000_000)\n", "ValueError", 2),
        ("def run(agent, task):\n    run(agent, task)\n", "RecursionError", 2),
    ],
)
def test_what_it_raises_is_told_with_the_line(
    ends: tuple[socket.socket, socket.socket], text: str, kind: str, line: int | None
) -> None:
    end, heard = ended(text, ends)
    assert (end["wants"], end["kind"], end["line"], heard) == ("fail", kind, line, [])
    assert kind in end["trace"]
    assert "client.py" not in end["trace"]


@pytest.mark.parametrize("value", ["object()", "float('nan')", "{1, 2}", "'x' * 2_000_000", "deep(5_000)"])
def test_an_output_that_is_no_json_is_told(ends: tuple[socket.socket, socket.socket], value: str) -> None:
    deep = "def deep(n):\n    a = []\n    for _ in range(n): a = [a]\n    return a\n"
    text = f"{deep}def run(agent, task):\n    return {value}\n"
    assert ended(text, ends)[0]["kind"] == "output"


def test_threads_take_turns(ends: tuple[socket.socket, socket.socket]) -> None:
    text = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def run(agent, task):\n"
        "    with ThreadPoolExecutor(8) as pool:\n"
        "        return sorted(pool.map(lambda n: agent.tool('t', n=n), range(50)))\n"
    )
    engine = Engine(ends[0], [])

    def echo() -> None:
        for _ in range(50):
            engine.send({"value": engine.hear()["arguments"]["n"]})

    other = threading.Thread(target=echo)
    other.start()
    given = {"name": "a", "text": text, "task": "", "inputs": {}}
    frame = client.outcome(client.Line(ends[1].fileno()), given)
    other.join()
    assert json.loads(frame[4:])["output"] == list(range(50))


def started(end: socket.socket) -> subprocess.Popen[bytes]:
    """The client as the sandbox starts it."""
    text = Path(client.__file__).read_text()
    command = [sys.executable, "-s", "-P", "-c", text]
    return subprocess.Popen(command, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_as_a_program_it_says_how_the_code_ended_and_prints_apart(ends: tuple[socket.socket, socket.socket]) -> None:
    text = (
        "import sys, threading, time\n"
        "def run(agent, task):\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    print('printed'); print('told', file=sys.stderr)\n"
        "    return sys.stdin.read()\n"
    )
    engine = Engine(ends[0], [])
    with started(ends[1]) as program:
        engine.send({"name": "a", "text": text, "task": "", "inputs": {}})
        assert engine.hear() == {"wants": "end", "output": ""}
        assert program.communicate() == (b"printed\n", b"told\n")
    assert program.returncode == 0


def test_without_an_engine_it_ends(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].shutdown(socket.SHUT_WR)
    with started(ends[1]) as program:
        assert program.communicate() == (b"", b"")
    assert program.returncode == 1
