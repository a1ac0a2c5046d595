"""Fifty kills at random moments of runs over 200 rows, resumed each time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.overhead import module
from benchmarks.table import Row
from tests.fakes.killed_rows import Killing, place

KILLS, ROWS = 50, 200
EARLY = 0.2
LATENCY = 0.05


def one_run(killing: Killing, folder: Path) -> None:
    """One, with a model in a process that outlives those that ask it."""
    folder.mkdir(parents=True)
    log = folder / "model.log"
    words = module("latent", str(LATENCY), str(log))
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        killing.one_run(place(folder, ROWS, url, lambda: asked(log)), ROWS)
    finally:
        server.stdin.close()
        server.wait()


def asked(log: Path) -> list[int]:
    """The tickets that the model was asked about, in their order."""
    return [int(json.loads(line)) for line in log.read_text().split()] if log.exists() else []


def kills(folder: Path) -> Iterator[Row]:
    """As many kills as are wanted."""
    seed = random.SystemRandom().randrange(1 << 32)
    killing, runs = Killing(random.Random(seed), KILLS, EARLY), 0
    while killing.kills < KILLS:
        runs += 1
        one_run(killing, folder / f"r{runs}")
    for problem in killing.problems:
        print(problem, file=sys.stderr)
    what = f"{killing.kills} times kill -9 (seed {seed}), {runs} runs of {ROWS} rows"
    yield Row(f"{what}: completed calls made again", str(killing.repeated), "0", "", not killing.repeated)
    yield Row("… outputs without every row once", str(killing.wrong), "0", f"of {runs}", not killing.wrong)
