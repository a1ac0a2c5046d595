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
from benchmarks.table import Row, at, median

PROCESSES = 8
RUNS, COMMITS = 9, 17
"""Runs of each process, and commits of a run, of six events each: when it has ended, it is compacted."""

PAUSE_S = 0.02
ROUNDS = 3


@dataclass
class Written:
    """What a process has to tell: the seconds that each commit took, and what went wrong."""

    waited: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def _one_run(journal: SqliteJournal, number: int, commits: int, told: Written) -> None:
    recorder = Recorder(journal, number)
    recorder.log.put(MANIFEST_JSON)
    for turn in range(commits):
        for _ in range(5):
            recorder.add(TurnStarted(), turn=turn)
        recorder.add(ToolStarted("read_lines", f"c{turn}", {"path": file_lines(turn)[:500]}), "tool", turn)
        begun = time.perf_counter()
        await recorder.log.barrier()
        told.waited.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE_S)
    begun = time.perf_counter()
    recorder.add(RunCompleted("completed", "Done.", None, Usage(1000, 100), 0.01, 1.5, 1, 0))
    await recorder.log.end(end())
    told.waited.append(time.perf_counter() - begun)


def writing_process(
    folder: Path, first: int, runs: int, commits: int, wait_s: float, results: multiprocessing.SimpleQueue[Written]
) -> None:
    """Runs one after the other. The journal makes each one small while the next begins, and while others commit."""

    async def work(told: Written) -> None:
        journal = SqliteJournal(folder)
        await asyncio.sleep(wait_s)
        for number in range(first, first + runs):
            await _one_run(journal, number, commits, told)
        journal.close()

    told = Written()
    try:
        asyncio.run(work(told))
    except (AgentcliError, OSError, sqlite3.Error) as error:
        told.errors.append(f"{error!r} {error.__cause__!r}")
    results.put(told)


def written(folder: Path, runs: int, commits: int, in_step: bool = False) -> Written:
    """What all processes together have to tell. Their runs end one after the other, or `in_step` all at once."""
    results: multiprocessing.SimpleQueue[Written] = multiprocessing.SimpleQueue()
    waits = [0.0 if in_step else COMMITS * PAUSE_S * number / PROCESSES for number in range(PROCESSES)]
    workers = [
        multiprocessing.Process(target=writing_process, args=(folder, 1 + number * runs, runs, commits, wait, results))
        for number, wait in enumerate(waits)
    ]
    for worker in workers:
        worker.start()
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return Written([value for one in told for value in one.waited], [error for one in told for error in one.errors])


def many_processes(folder: Path) -> Iterator[Row]:
    """What their commits took, whether anybody was refused, and whether all that they wrote is there, and small."""
    floors, rounds, plain = [], [], []
    for number in range(ROUNDS):
        floors.append(sync_floor(folder))
        rounds.append(written(folder / f"many{number}", RUNS, COMMITS))
        plain.append(written(folder / f"plain{number}", 1, RUNS * COMMITS))
    name = f"{PROCESSES} processes, a barrier each 20 ms, {PROCESSES * RUNS} runs that end meanwhile"
    for share, aim in ((0.5, 0), (0.99, 10)):
        taken, without = (median([at(one.waited, share) for one in some]) * 1e3 for some in (rounds, plain))
        least = median([at(floor, share) for floor in floors]) * 1e3
        yield Row(
            f"{name}: p{share * 100:.0f}, median of {ROUNDS} rounds",
            f"{taken:.2f} ms",
            f"≤ {aim} ms" if aim else "",
            f"{least:.2f} ms: write and fdatasync, alone; {taken / least:.1f} times that; "
            f"{without:.2f} ms where no run ends meanwhile",
            not aim or taken <= aim,
        )
    at_once = [written(folder / f"step{number}", RUNS, COMMITS, in_step=True) for number in range(ROUNDS)]
    in_step = median([at(one.waited, 0.99) for one in at_once]) * 1e3
    yield Row("… p99 where the runs of all of them end at the same moment, again and again", f"{in_step:.2f} ms")
    yield Row("… the longest commit of all", f"{max(max(one.waited) for one in rounds) * 1e3:.1f} ms")
    errors = [error for one in (*rounds, *plain, *at_once) for error in one.errors]
    locked = [error for error in errors if "locked" in error]
    yield Row('… "database is locked"', str(len(locked)), "0", "; ".join(errors)[:200], not errors)
    yield kept(folder / "many0")


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
