"""What agentcli itself costs: start-up, one turn, and 200 turns against a server that answers at once.

Every figure stands beside its floor, measured in the same run and in turns with it, so that a busy machine slows both.

    python -m benchmarks.overhead [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SIX = "import typer, pydantic, yaml, sqlite3, asyncio, httpx"
TURNS = 200

SERVER = """
import asyncio, json, sys

def answer(turn):
    if turn < int(sys.argv[1]):
        call = {"id": f"c{turn}", "type": "function", "function": {"name": "read_lines", "arguments": json.dumps({"path": "notes.txt"})}}
        message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    else:
        message, reason = {"role": "assistant", "content": "done"}, "stop"
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(data) + data

class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        head, found, body = self.data.partition(b"\\r\\n\\r\\n")
        if not found:
            return
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length")), 0)
        if len(body) >= length:
            self.data = b""
            self.transport.write(answer(body.count(b'"tool_call_id"') + 1))

async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""

BARE = """
import asyncio, json, sys, time
import httpx

async def main(url, turns):
    messages = [{"role": "system", "content": "Read."}, {"role": "user", "content": "Read notes.txt."}]
    tools = [{"type": "function", "function": {"name": "read_lines", "description": "Read lines.", "parameters": {"type": "object"}}}]
    async with httpx.AsyncClient() as client:
        begun = time.perf_counter()
        for _ in range(turns):
            body = json.dumps({"model": "m", "messages": messages, "tools": tools}).encode()
            reply = await client.post(url + "/chat/completions", content=body, headers={"content-type": "application/json"})
            message = reply.json()["choices"][0]["message"]
            messages.append(message)
            for call in message.get("tool_calls") or ():
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": "1: " + "some words of the notes " * 8})
        print(time.perf_counter() - begun)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

OURS = """
import asyncio, os, sys, time
from pathlib import Path
from agentcli.cli.approver import Nobody
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench

async def main(folder, turns):
    with open_workbench(Options(cwd=Path(folder), environ=os.environ)) as bench:
        request = RunRequest("Read notes.txt.", agent="looper")
        begun = time.perf_counter()
        outcome = await run_agent(bench, request, approver=Nobody())
        took = time.perf_counter() - begun
    assert outcome.status == "completed" and outcome.turns == turns, outcome
    print(took)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

LOOPER = """version: 1
kind: agent
name: looper
description: Reads one file again and again.
model: openai:m
instructions: Read.
tools: [read_lines]
limits: {turns: 1000}
settings: {stream: false}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 1 if a figure misses its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    rounds = 5 if parser.parse_args(argv).quick else 25
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            row("`--version` : import typer", version(rounds, Path(folder)), 1.15),
            row("one scripted turn : six imports", one_turn(rounds, Path(folder)), 1.4),
            row(f"{TURNS} turns : bare httpx", many_turns(max(3, rounds // 5), Path(folder)), 1.5),
        ]
    print("| what : floor | ours, ms | floor, ms | ratio | bound |\n| --- | --- | --- | --- | --- |")
    print("\n".join(text for text, _ in rows))
    return 0 if all(held for _, held in rows) else 1


def row(name: str, times: tuple[list[float], list[float]], bound: float) -> tuple[str, bool]:
    """A line of the table, by medians, and whether the bound held."""
    ours, floor = (statistics.median(values) for values in times)
    ratio = ours / floor
    return f"| {name} | {ours * 1000:.1f} | {floor * 1000:.1f} | {ratio:.2f} | {bound} |", ratio <= bound


def in_turns(rounds: int, ours: Callable[[], float], floor: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Both measured alternately, after one round that does not count."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def wall(command: list[str], folder: Path) -> float:
    """Seconds that a command takes, from start to exit."""
    begun = time.perf_counter()
    subprocess.run(
        command, check=True, cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - begun


def said(command: list[str], folder: Path, **extra: str) -> float:
    """Seconds that a command prints."""
    done = subprocess.run(command, check=True, cwd=folder, env=environment(folder, **extra), stdout=subprocess.PIPE)
    return float(done.stdout)


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """This environment with folders of its own and no keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    return {**kept, "AGENTCLI_HOME": str(folder / "home"), "NO_COLOR": "1", **extra}


def version(rounds: int, folder: Path) -> tuple[list[float], list[float]]:
    """`agentcli --version` and what importing typer alone costs."""
    agentcli = str(Path(sys.executable).with_name("agentcli"))
    return in_turns(
        rounds,
        lambda: wall([agentcli, "--version"], folder),
        lambda: wall([sys.executable, "-c", "import typer"], folder),
    )


def one_turn(rounds: int, folder: Path) -> tuple[list[float], list[float]]:
    """One recorded turn of a scripted model and an interpreter that imports what any such program imports."""
    agentcli = str(Path(sys.executable).with_name("agentcli"))
    script = folder / "script.yaml"
    script.write_text(json.dumps({"replies": ["hello"]}))
    return in_turns(
        rounds,
        lambda: wall([agentcli, "run", "assistant", "Say hello.", "-m", f"scripted:{script}"], folder),
        lambda: wall([sys.executable, "-c", SIX], folder),
    )


def many_turns(rounds: int, folder: Path) -> tuple[list[float], list[float]]:
    """A run of 200 turns with a tool call in each, journal on, and the same requests sent by httpx alone."""
    (folder / "agents").mkdir()
    (folder / "agents" / "looper.yaml").write_text(LOOPER)
    (folder / "agentcli.yaml").write_text("version: 1\nname: bench\n")
    (folder / "notes.txt").write_text("some words of the notes " * 8)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(TURNS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin and server.stdout
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    keys = {"OPENAI_API_KEY": "none-needed", "OPENAI_BASE_URL": url}
    try:
        return in_turns(
            rounds,
            lambda: said([sys.executable, "-c", OURS, str(folder), str(TURNS)], folder, **keys),
            lambda: said([sys.executable, "-c", BARE, url, str(TURNS)], folder),
        )
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
