"""What pruning costs: its own time, and what it makes others wait. `python -m benchmarks pruning`.

Prints a Markdown table; exits 1 where an aim is missed. What others wait stands beside what they wait for each other.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import ModelCompleted, ModelStarted, RunCompleted, RunStarted, ToolCompleted
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunQuery
from agentcli.journal.operations import End
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import Recorder, end, file_lines
from benchmarks.table import Row, at, show
from benchmarks.writing import PROCESSES, Written, writing_process

RUNS = 20_000
AIM_S = 60
ROUNDS, COMMITS = 12, 17
"""Runs of each process that records meanwhile, and commits of a run."""


def record(folder: Path, count: int) -> None:
    """Short runs, one after the other, without waiting for the disk at the end of each."""
    journal = SqliteJournal(folder)
    for number in range(count):
        manifest = encode({"history": [], "task": f"task {number}", "source": file_lines(1)})
        recorder = Recorder(journal, number, manifest=digest_bytes(manifest))
        log = recorder.log
        log.put(manifest)
        head, text = log.put(b'{"models":[]}'), f"{number}\n{file_lines(number)[:900]}"
        recorder.add(RunStarted("agent", "reader", None, f"task {number}", {}, digest_bytes(manifest)))
        asked = log.put(encode(Message("user", f"task {number}").to_json()))
        recorder.add(ModelStarted("openai", "m", RequestDelta(None, 0, (asked,), head)))
        said = Message("assistant", f"I look at {number}.")
        recorder.add(ModelCompleted(said, Usage(9, 2), "stop", "openai:m", 0.5, 0.1, 1))
        recorder.add(ToolCompleted("read_lines", "c", "ok", text, None, 0.1))
        recorder.add(RunCompleted("completed", f"It is {number}.", None, Usage(1, 2), 0.1, 3.0, 1, 0))
        log._submit(End(log._chain, end()))
        log._lock.release(remove=True)
    journal.close()


def alone(folder: Path) -> Iterator[Row]:
    """Half of the runs, while nobody else is there."""
    journal = SqliteJournal(folder)
    rows = journal.runs(RunQuery(children=True, limit=None))
    begun = time.perf_counter()
    total, freed = journal.pruner().weigh({row.start.id for row in rows[RUNS // 2 :]})
    took = time.perf_counter() - begun
    yield Row(f"weighing {RUNS:,} runs", f"{took:.1f} s", "", f"{total / 1e6:.0f} MB")
    begun = time.perf_counter()
    done = journal.pruner().prune(rows[RUNS // 2 :])
    took = time.perf_counter() - begun
    what = f"pruning {len(done.runs):,} of them"
    yield Row(what, f"{took:.1f} s", f"≤ {AIM_S} s", f"{done.contents:,} contents", took <= AIM_S)
    given = done.before - done.after
    beside = f"{freed / 1e6:.1f} MB foretold"
    yield Row("given back", f"{given / 1e6:.1f} MB", "as foretold, ± 10 %", beside, abs(given - freed) < given / 10)
    yield intact(journal)
    journal.close()


def intact(journal: SqliteJournal) -> Row:
    """What is left."""
    checks = [found.intact for found in journal.verify_all()]
    return Row("runs that are left, and whole", f"{sum(checks):,}", f"{len(checks):,}", "", all(checks))


def among_others(folder: Path) -> Iterator[Row]:
    """The other half, while processes record."""
    without = _waited(folder.with_name("quiet"), prune=False)
    found = _waited(folder, prune=True)
    name = f"{PROCESSES} processes, a barrier each 20 ms, while one prunes"
    for share in (0.5, 0.99):
        taken, beside = at(found.waited, share) * 1e3, at(without.waited, share) * 1e3
        reached = taken <= max(10, 2 * beside)
        aim = "≤ 10 ms, or twice that without"
        yield Row(f"{name}: p{share * 100:.0f}", f"{taken:.2f} ms", aim, f"{beside:.2f} ms without", reached)
    yield Row("… errors", str(len(found.errors)), "0", "; ".join(found.errors)[:200], not found.errors)
    journal = SqliteJournal(folder)
    yield intact(journal)
    journal.close()


def _waited(folder: Path, *, prune: bool) -> Written:
    results: multiprocessing.SimpleQueue[Written] = multiprocessing.SimpleQueue()
    firsts = [RUNS + number * ROUNDS for number in range(PROCESSES)]
    arguments = [(folder, first, ROUNDS, COMMITS, 0.0, results) for first in firsts]
    workers = [multiprocessing.Process(target=writing_process, args=one) for one in arguments]
    for worker in workers:
        worker.start()
    if prune:
        journal = SqliteJournal(folder)
        journal.pruner().prune([row for row in journal.runs(RunQuery(limit=None)) if row.end is not None])
        journal.close()
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return Written([value for one in told for value in one.waited], [error for one in told for error in one.errors])


def rows(folder: Path) -> Iterator[Row]:
    """All of it."""
    record(folder / "many", RUNS)
    yield from alone(folder / "many")
    yield from among_others(folder / "many")


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    with tempfile.TemporaryDirectory(prefix="agentcli-bench-") as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
