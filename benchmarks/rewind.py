"""What strict replay costs: `python -m benchmarks rewind`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.wiring import Options, open_workbench
from benchmarks.table import Row, median, show
from tests.fakes.scripted_project import CLI, called, project

TURNS = 400
ROUNDS = 7


def replay_speed(folder: Path) -> Iterator[Row]:
    """A long run, replayed in this process: reading, verifying every hash, and going through it."""
    place = folder / "p"
    env = project(place, [{**called("read_lines", path="a.txt"), "repeat": TURNS}, "Done."], tools=["read_lines"])
    (place / "a.txt").write_text("".join(f"line {number}\n" for number in range(20)))
    subprocess.run([*CLI, "-q", "run", "Go"], cwd=place, env=env, check=True, capture_output=True)
    rates, floors, ratios = [], [], []
    for _ in range(ROUNDS):
        with open_workbench(Options(cwd=place, environ=env)) as bench:
            run = bench.journal.find("last").start.id
            begun = time.perf_counter()
            count = sum(1 for _ in bench.journal.events(run))
            floors.append(count / (time.perf_counter() - begun))
            begun = time.perf_counter()
            found = asyncio.run(replay_run(bench, "last"))
            rates.append(found.events / (time.perf_counter() - begun))
            ratios.append(rates[-1] / floors[-1])
            assert found.divergence is None, found.divergence
    rate, floor = median(rates), median(floors)
    yield Row(
        f"strict replay of {count:,} events, median of {ROUNDS}",
        f"{rate:,.0f} events/s",
        "≥ 20,000 events/s",
        f"{floor:,.0f} events/s: reading alone; {median(ratios):.2f} of that",
        rate >= 20_000,
    )


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if the aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return show(replay_speed(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
