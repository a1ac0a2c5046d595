"""What agentcli itself costs: start-up, one turn, and 200 turns against a server that answers at once.

Every figure stands beside its floor, measured in the same run and in turns with it, so that a busy machine slows both.

    python -m benchmarks.overhead [--quick]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fakes import scripted_project

SIX = "import typer, pydantic, yaml, sqlite3, asyncio, httpx"
TURNS = 200
ROOT = Path(__file__).parents[1]

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
            row(f"{TURNS} turns : bare httpx", many_turns(max(3, rounds // 3), Path(folder)), 1.5),
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


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of `benchmarks.loopback`."""
    return [sys.executable, "-m", f"benchmarks.loopback.{name}", *arguments]


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """What the processes that are measured are given."""
    return scripted_project.environment(folder, PYTHONPATH=str(ROOT), **extra)


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
    server = subprocess.Popen(module("server", str(TURNS)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    keys = {"OPENAI_API_KEY": "none-needed", "OPENAI_BASE_URL": url}
    try:
        return in_turns(
            rounds,
            lambda: said(module("ours", str(folder), str(TURNS)), folder, **keys),
            lambda: said(module("bare", url, str(TURNS)), folder),
        )
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
