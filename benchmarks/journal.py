"""What the journal costs: run by hand, `python -m benchmarks.journal`. Prints a Markdown table.

Every figure of speed stands beside a floor measured in the same run on the same disk.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agentcli.core.canonical import encode
from agentcli.core.events import (
    Event,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)
from agentcli.core.runs import RunQuery
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import MANIFEST, NOW, Recorder, end, file_lines, growing_run, start


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def sizes(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    found = {}
    for turns in (50, 1000):
        journal = SqliteJournal(folder / f"size-{turns}")
        naive = asyncio.run(growing_run(journal, 1, turns))
        journal.close()
        found[turns] = size_of(folder / f"size-{turns}")
        target = "≤ 120 KB" if turns == 50 else "linear (≤ 20 times 50 turns)"
        yield f"a {turns}-turn run on disk", f"{found[turns] / 1000:.0f} KB", target, f"{naive / 1000:,.0f} KB in full"
    yield "1,000 turns against 50", f"{found[1000] / found[50]:.1f}", "≤ 20", ""


async def append_costs(folder: Path, count: int) -> tuple[list[float], list[float]]:
    journal = SqliteJournal(folder / "append")
    recorder = Recorder(journal, 1)
    floor_file = (folder / "floor").open("wb", buffering=0)
    costs, floor = [], []
    gc.disable()
    for turn in range(count):
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
    recorder.seq = count
    await recorder.log.end(end())
    journal.close()
    floor_file.close()
    return sorted(costs), sorted(floor)


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def appends(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    costs, floor = asyncio.run(append_costs(folder, 20_000))
    for name, share, target in (("p50", 0.5, "≤ 50 µs"), ("p99", 0.99, "≤ 200 µs")):
        yield (
            f"appending an event of ≤ 1 KB, {name}",
            f"{at(costs, share) * 1e6:.0f} µs",
            target,
            f"{at(floor, share) * 1e6:.0f} µs: encode and write(2)",
        )


def reading(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    journal = SqliteJournal(folder / "size-1000")
    begun = time.perf_counter()
    count = sum(1 for _ in journal.events("last"))
    took = time.perf_counter() - begun
    database = sqlite3.connect(folder / "size-1000" / "journal.db")
    begun = time.perf_counter()
    rows = sum(1 for _ in database.execute("SELECT * FROM events"))
    floor = time.perf_counter() - begun
    database.close()
    yield "reading events back", f"{count / took:,.0f} /s", "≥ 20,000 /s (replay)", f"{rows / floor:,.0f} /s: bare rows"
    begun = time.perf_counter()
    checked = journal.verify("last")
    took = time.perf_counter() - begun
    yield "verifying a run", f"{checked.events / took:,.0f} /s", "", "intact" if checked.intact else "BROKEN"
    journal.close()


def listing(folder: Path, count: int = 100_000) -> Iterator[tuple[str, str, str, str]]:
    small, large = SqliteJournal(folder / "list-10"), SqliteJournal(folder / "list")
    for journal, runs in ((small, 10), (large, count)):
        asyncio.run(_begin_one(journal))
        _fill(journal.path, runs)
    questions: dict[str, Callable[[SqliteJournal], object]] = {
        "newest 20": lambda journal: journal.runs(),
        "failed": lambda journal: journal.runs(RunQuery(status="failed")),
        "interrupted": lambda journal: journal.runs(RunQuery(status="interrupted")),
        "by name": lambda journal: journal.runs(RunQuery(name="agent-7")),
        "by kind": lambda journal: journal.runs(RunQuery(kind="workflow")),
        "`last`": lambda journal: journal.find("last"),
        "by tail": lambda journal: journal.find(start(0).id[-6:]),
    }
    for name, question in questions.items():
        taken = [min(_timed(question, journal) for _ in range(5)) * 1e3 for journal in (large, small)]
        yield f"listing among {count:,} runs: {name}", f"{taken[0]:.2f} ms", "≤ 10 ms", f"{taken[1]:.2f} ms among 10"


async def _begin_one(journal: SqliteJournal) -> None:
    log = journal.begin(start(0))
    await log.end(end())
    journal.close()


def _fill(path: Path, count: int) -> None:
    statuses = ["completed"] * 90 + ["failed"] * 9 + ["limited"]
    rows = []
    for number in range(1, count):
        made = start(number)
        relation, parent = ("child", start(number // 3).id) if number % 3 else (None, None)
        kind = "workflow" if number % 1000 == 0 else "agent"
        rows.append((made.id, kind, f"agent-{number % 40}", made.started, parent, relation, statuses[number % 100]))
    with sqlite3.connect(path) as database:
        database.executemany(
            """INSERT INTO runs (id, kind, name, task, manifest, started, parent, relation, status, exit_code, ended,
               turns, input, output, cached, reasoning, cost_usd, duration_s)
               VALUES (?, ?, ?, 'What does it say?', zeroblob(32), ?, ?, ?, ?, 0, 1, 1, 1, 1, 1, 1, 0.1, 1)""",
            rows,
        )
    database.close()


def _timed(question: Callable[[SqliteJournal], object], journal: SqliteJournal) -> float:
    begun = time.perf_counter()
    question(SqliteJournal(journal.folder))
    return time.perf_counter() - begun


def writing_process(folder: Path, number: int, commits: int, results: multiprocessing.SimpleQueue[list[float]]) -> None:
    async def work() -> list[float]:
        journal = SqliteJournal(folder / "many")
        recorder, waited = Recorder(journal, number), []
        for turn in range(commits):
            for _ in range(5):
                recorder.add(TurnStarted(), turn=turn)
            recorder.add(ToolStarted("read_lines", f"c{turn}", {"path": file_lines(turn)[:500]}), "tool", turn)
            begun = time.perf_counter()
            await recorder.log.barrier()
            waited.append(time.perf_counter() - begun)
            await asyncio.sleep(0.02)
        await recorder.log.end(end())
        journal.close()
        return waited

    results.put(asyncio.run(work()))


def many_processes(folder: Path, processes: int = 8, commits: int = 150) -> Iterator[tuple[str, str, str, str]]:
    floor = _sync_floor(folder)
    results: multiprocessing.SimpleQueue[list[float]] = multiprocessing.SimpleQueue()
    workers = [
        multiprocessing.Process(target=writing_process, args=(folder, number, commits, results))
        for number in range(1, processes + 1)
    ]
    for worker in workers:
        worker.start()
    waited = sorted(value for _ in workers for value in results.get())
    for worker in workers:
        worker.join()
    for name, share, target in (("p50", 0.5, ""), ("p99", 0.99, "≤ 10 ms")):
        yield (
            f"{processes} processes, a barrier each 20 ms, {name}",
            f"{at(waited, share) * 1e3:.2f} ms",
            target,
            f"{at(floor, share) * 1e3:.2f} ms: write and fdatasync, alone",
        )


def _sync_floor(folder: Path) -> list[float]:
    fd = os.open(folder / "sync", os.O_RDWR | os.O_CREAT)
    taken = []
    for _ in range(300):
        begun = time.perf_counter()
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        taken.append(time.perf_counter() - begun)
    os.close(fd)
    return sorted(taken)


def opening(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    program = """
import time, {0}
t = time.perf_counter()
from pathlib import Path
from agentcli.journal.store import SqliteJournal
SqliteJournal(Path({1!r})).runs()
print(time.perf_counter() - t)
"""
    for name, before, target in (
        ("all of it", "sys", ""),
        ("after core and sqlite3", "sqlite3, agentcli.core.events", "≤ 15 ms"),
    ):
        text = program.format(before, str(folder / "list-10"))
        runs = [float(subprocess.check_output([sys.executable, "-c", text])) * 1e3 for _ in range(7)]
        yield f"import, open, list: {name}", f"{statistics.median(runs):.1f} ms", target, ""


def main(_argv: list[str] | None = None) -> int:
    """Print the table, each figure beside its target and its floor. Always 0: reading it is left to the reader."""
    print("| what | measured | target | floor or comparison |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in (appends, sizes, reading, listing, many_processes, opening):
            for row in part(folder):
                print("| " + " | ".join(row) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
