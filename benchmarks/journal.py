"""What recording costs: `python -m benchmarks journal`. Figures of speed stand beside a floor on the same disk."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agentcli.core.canonical import encode
from agentcli.core.events import Event, ToolCompleted
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import MANIFEST, NOW, Recorder, end, file_lines, growing_run
from benchmarks.table import Row, at, median, show
from benchmarks.writing import many_processes
from tests.fakes.scripted_project import environment

APPENDS = 20_000
TURNS = 1000


async def append_costs(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds for each event, as its caller pays them, and for the same bytes encoded and written to a file."""
    journal = SqliteJournal(folder / "append")
    recorder = Recorder(journal, 1)
    floor_file = (folder / "floor").open("wb", buffering=0)
    costs, floor = [], []
    gc.disable()
    for turn in range(APPENDS):
        body = ToolCompleted("read_lines", f"call_{turn}", "ok", file_lines(turn)[:700], None, 0.1)
        digested = Event(recorder.log.run, turn + 1, NOW, 1.0, body, "t", None, turn, None, None, MANIFEST, MANIFEST)
        begun = time.perf_counter()
        recorder.log.append(digested)
        costs.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        floor_file.write(encode(body.to_json()))
        floor.append(time.perf_counter() - begun)
        if turn % 20 == 0:
            await asyncio.sleep(0.002)  # a model thinks; the writer gets its turn
    gc.enable()
    recorder.seq = APPENDS
    await recorder.log.end(end())
    journal.close()
    floor_file.close()
    return costs, floor


def appends(folder: Path) -> Iterator[Row]:
    """What the engine waits for when it records an event."""
    costs, floor = asyncio.run(append_costs(folder))
    for name, share, aim in (("p50", 0.5, 50), ("p99", 0.99, 200)):
        cost, least = at(costs, share) * 1e6, at(floor, share) * 1e6
        yield Row(
            f"appending an event of ≤ 1 KB, {name}",
            f"{cost:.0f} µs",
            f"≤ {aim} µs",
            f"{least:.0f} µs: encode and write(2); {cost / least:.1f} times that",
            cost <= aim,
        )


def reading(folder: Path) -> Iterator[Row]:
    """A long run, read and verified."""
    journal = SqliteJournal(folder / "long")
    asyncio.run(growing_run(journal, 1, TURNS))
    journal.close()
    rates, floors, checks, intact = [], [], [], True
    for _ in range(5):
        journal = SqliteJournal(folder / "long")
        begun = time.perf_counter()
        count = sum(1 for _ in journal.events("last"))
        rates.append(count / (time.perf_counter() - begun))
        floors.append(count / _inflating(folder / "long"))
        begun = time.perf_counter()
        checked = journal.verify("last")
        checks.append(checked.events / (time.perf_counter() - begun))
        intact = intact and checked.intact
        journal.close()
    rate, floor, check = median(rates), median(floors), median(checks)
    beside = f"{floor:,.0f} /s: rows and bytes alone; {rate / floor:.2f} of that"
    yield Row(f"reading {count:,} events back", f"{rate:,.0f} /s", "≥ 20,000 /s", beside, rate >= 20_000)
    yield Row("verifying them", f"{check:,.0f} /s", "intact", "intact" if intact else "BROKEN", intact)


def _inflating(folder: Path) -> float:
    """Seconds to fetch every row with its bytes."""
    database = sqlite3.connect(folder / "journal.db")
    begun = time.perf_counter()
    for table in ("events", "blobs"):
        for _ in database.execute(f"SELECT * FROM {table}"):
            pass
    taken = time.perf_counter() - begun
    database.close()
    return taken


def opening(folder: Path) -> Iterator[Row]:
    """What a process pays before it knows its first run."""
    program = """
import time, {0}
t = time.perf_counter()
from pathlib import Path
from agentcli.journal.store import SqliteJournal
SqliteJournal(Path({1!r})).runs()
print(time.perf_counter() - t)
"""
    env = environment(folder)
    for name, before, aim in (("all of it", "sys", 0), ("after core and sqlite3", "sqlite3, agentcli.core.events", 15)):
        text = program.format(before, str(folder / "long"))
        taken = median([float(subprocess.check_output([sys.executable, "-c", text], env=env)) for _ in range(15)]) * 1e3
        reached = not aim or taken <= aim
        yield Row(f"import, open, list: {name}", f"{taken:.1f} ms", f"≤ {aim} ms" if aim else "", "", reached)


def rows(folder: Path) -> Iterator[Row]:
    """All of it."""
    for part in (appends, reading, many_processes, opening):
        yield from part(folder)


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
