"""Many processes that write one journal, each of which ends run after run: what a commit waits for."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agentcli.core.events import RunCompleted, ToolStarted, TurnStarted
from agentcli.core.models import Usage
from agentcli.errors import AgentcliError
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import MANIFEST_JSON, Recorder, end, file_lines
from benchmarks.table import Row, at

PROCESSES = 8
RUNS = 9
COMMITS = 17
"""Of six events each: a run of some hundred events, which is compacted when it has ended."""


@dataclass
class Written:
    """What a process has to tell: seconds that each commit took, those of runs that ended, and what went wrong."""

    waited: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def _one_run(journal: SqliteJournal, number: int, told: Written) -> None:
    recorder = Recorder(journal, number)
    recorder.log.put(MANIFEST_JSON)
    for turn in range(COMMITS):
        for _ in range(5):
            recorder.add(TurnStarted(), turn=turn)
        recorder.add(ToolStarted("read_lines", f"c{turn}", {"path": file_lines(turn)[:500]}), "tool", turn)
        begun = time.perf_counter()
        await recorder.log.barrier()
        told.waited.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)
    begun = time.perf_counter()
    recorder.add(RunCompleted("completed", "Done.", None, Usage(1000, 100), 0.01, 1.5, 1, 0))
    await recorder.log.end(end())
    told.ended.append(time.perf_counter() - begun)
    told.waited.append(told.ended[-1])


def writing_process(folder: Path, first: int, results: multiprocessing.SimpleQueue[Written]) -> None:
    """Runs one after the other. The journal makes each one small while the next begins, and while others commit."""

    async def work(told: Written) -> None:
        journal = SqliteJournal(folder)
        for number in range(first, first + RUNS):
            await _one_run(journal, number, told)
        journal.close()

    told = Written()
    try:
        asyncio.run(work(told))
    except (AgentcliError, OSError, sqlite3.Error) as error:
        told.errors.append(f"{error!r} {error.__cause__!r}")
    results.put(told)


def many_processes(folder: Path) -> Iterator[Row]:
    """What their commits took, whether anybody was refused, and whether all that they wrote is there, and small."""
    floor = sync_floor(folder)
    results: multiprocessing.SimpleQueue[Written] = multiprocessing.SimpleQueue()
    workers = [
        multiprocessing.Process(target=writing_process, args=(folder / "many", 1 + number * RUNS, results))
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    waited = [value for one in told for value in one.waited]
    ended = [value for one in told for value in one.ended]
    name = f"{PROCESSES} processes, a barrier each 20 ms, {PROCESSES * RUNS} runs that end meanwhile"
    for share, aim in ((0.5, 0), (0.99, 10)):
        taken, least = at(waited, share) * 1e3, at(floor, share) * 1e3
        beside = f"{least:.2f} ms: write and fdatasync, alone; {taken / least:.1f} times that"
        yield Row(
            f"{name}: p{share * 100:.0f}",
            f"{taken:.2f} ms",
            f"≤ {aim} ms" if aim else "",
            beside,
            not aim or taken <= aim,
        )
    worst = f"the longest commit {max(waited) * 1e3:.1f} ms"
    yield Row("… a run's end, p99", f"{at(ended, 0.99) * 1e3:.2f} ms", "", worst)
    errors = [error for one in told for error in one.errors]
    locked = [error for error in errors if "locked" in error]
    yield Row('… "database is locked"', str(len(locked)), "0", "; ".join(errors)[:200], not errors)
    yield kept(folder / "many")


def kept(folder: Path) -> Row:
    """Every run is there, whole and compacted."""
    journal = SqliteJournal(folder)
    whole = sum(one.intact and one.events == COMMITS * 6 + 1 for one in journal.verify_all())
    journal.close()
    with sqlite3.connect(folder / "journal.db") as database:
        (loose,) = database.execute("SELECT count(*) FROM events WHERE type != '+'").fetchone()
    database.close()
    good = whole == PROCESSES * RUNS and not loose
    return Row("… runs whole and compacted", f"{whole}", f"{PROCESSES * RUNS}", f"{loose} events not compacted", good)


def sync_floor(folder: Path) -> list[float]:
    """Seconds that a small write takes to reach this disk when nobody else writes."""
    fd = os.open(folder / "sync", os.O_RDWR | os.O_CREAT)
    taken = []
    for _ in range(300):
        begun = time.perf_counter()
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        taken.append(time.perf_counter() - begun)
    os.close(fd)
    return taken
