"""A workflow run for each of many rows: how fast, in how much memory, and what a kill does to it.

python -m benchmarks rows
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentcli.providers.http import CLIENTS, CONNECTIONS
from benchmarks.killed_rows import kills
from benchmarks.overhead import environment, module
from benchmarks.table import Row, median, show

LATENCY = 0.2
"""Seconds that the model server takes."""

ROWS, MANY, CONCURRENCY = 1_000, 10_000, 100
ROUNDS = 3

WORKFLOW = """version: 1
kind: workflow
name: triage
inputs: {ticket: {type: string, required: true}}
steps: ["Sort {{ inputs.ticket }}."]
"""
AGENT = """version: 1
kind: agent
name: worker
instructions: Work.
settings: {stream: false}
"""


def project(folder: Path, model: str) -> Path:
    """A project with a workflow of one prompt."""
    (folder / "agents").mkdir(parents=True)
    (folder / "workflows").mkdir()
    (folder / "agentcli.yaml").write_text(f"version: 1\nmodel: {model}\nagent: worker\n")
    (folder / "agents" / "worker.yaml").write_text(AGENT)
    (folder / "workflows" / "triage.yaml").write_text(WORKFLOW)
    (folder / "script.json").write_text(json.dumps({"replies": [{"text": "done", "repeat": True}]}))
    return folder


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address of a model server in a process of its own."""
    server = subprocess.Popen(module("latent", *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.stdin.close()
        server.wait()


def said(command: list[str], folder: Path, **extra: str) -> Any:
    """What a process prints, as JSON."""
    env = environment(folder, **extra)
    return json.loads(subprocess.run(command, check=True, cwd=folder, env=env, stdout=subprocess.PIPE).stdout)


def against_httpx(folder: Path) -> Iterator[Row]:
    """Rows with a model on loopback, in turns with bare httpx."""
    ideal = ROWS / CONCURRENCY * LATENCY
    with served(str(LATENCY)) as url:
        keys = {"OPENAI_API_KEY": "none-needed", "OPENAI_BASE_URL": url}
        ours, bare = [], []
        for number in range(ROUNDS):
            bare.append(said(module("spread", url, str(ROWS), str(CLIENTS), str(CONNECTIONS)), folder))
            here = project(folder / f"http{number}", "openai:m")
            ours.append(said(module("our_rows", str(here), str(ROWS), str(CONCURRENCY)), folder, **keys)["seconds"])
    layout, share = ideal / median(bare), median(bare) / median(ours)
    what = f"{ROWS:,} rows, {LATENCY * 1000:.0f} ms each, {CONCURRENCY} at a time"
    beside = f"httpx alone {ROWS / median(bare):.0f}/s, ideal {ROWS / ideal:.0f}/s"
    yield Row(f"{what}: of bare httpx", f"{share:.0%} ({ROWS / median(ours):.0f}/s)", "≥ 85 %", beside, share >= 0.85)
    yield Row(f"{CLIENTS} clients of {CONNECTIONS}: of the ideal", f"{layout:.0%}", "≥ 80 %", "", layout >= 0.8)


def without_latency(folder: Path) -> Iterator[Row]:
    """Rows with a model that answers at once, in this process."""
    here = project(folder / "scripted", "scripted:script.json")
    found = said(module("our_rows", str(here), str(MANY), str(CONCURRENCY)), folder)
    rate, cpu = MANY / found["seconds"], found["cpu"] / MANY * 1000
    used = f"{cpu:.1f} ms of the processor each"
    yield Row(f"{MANY:,} rows without latency", f"{rate:.0f}/s", "≥ 400/s", used, rate >= 400)
    most, first = found["most"], found["after_first"]
    yield Row("… memory at most", f"{most:.0f} MB", "≤ 200 MB", "", most <= 200)
    flat = most <= first * 1.1
    yield Row("… memory after the first 1,000", f"{first:.0f} MB, then {most - first:+.1f}", "flat (+10 %)", "", flat)


def rows(folder: Path) -> Iterator[Row]:
    """All of it."""
    yield from against_httpx(folder)
    yield from without_latency(folder)
    yield from kills(folder / "killed")


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
