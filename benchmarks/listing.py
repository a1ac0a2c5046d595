"""Listing runs among many: the journal's queries, and the whole command. `python -m benchmarks listing`."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agentcli.core.runs import RunQuery
from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import end, start
from benchmarks.table import Row, median, show
from tests.fakes.scripted_project import CLI, environment

FEW, MANY = 10, 100_000
ROUNDS = 15

QUESTIONS: dict[str, Callable[[SqliteJournal], object]] = {
    "newest 20": lambda journal: journal.runs(),
    "failed": lambda journal: journal.runs(RunQuery(status="failed")),
    "interrupted": lambda journal: journal.runs(RunQuery(status="interrupted")),
    "by name": lambda journal: journal.runs(RunQuery(name="agent-7")),
    "by kind": lambda journal: journal.runs(RunQuery(kind="workflow")),
    "`last`": lambda journal: journal.find("last"),
    "by tail": lambda journal: journal.find(start(0).id[-6:]),
}


def filled(place: Path, count: int) -> Path:
    """A project whose journal holds so many runs, a third of them at the top. Returns the journal's folder."""
    place.mkdir()
    (place / "agentcli.yaml").write_text("version: 1\n")
    journal = SqliteJournal(place / ".agentcli")
    asyncio.run(_begin_one(journal))
    with sqlite3.connect(journal.path) as database:
        database.executemany(
            """INSERT INTO runs (id, kind, name, task, manifest, started, parent, relation, status, exit_code, ended,
               turns, input, output, cached, reasoning, cost_usd, duration_s)
               VALUES (?, ?, ?, 'What does it say?', zeroblob(32), ?, ?, ?, ?, 0, 1, 1, 1, 1, 1, 1, 0.1, 1)""",
            _made(count),
        )
    database.close()
    return journal.folder


async def _begin_one(journal: SqliteJournal) -> None:
    log = journal.begin(start(0))
    await log.end(end())
    journal.close()


def _made(count: int) -> Iterator[tuple[object, ...]]:
    statuses = ["completed"] * 90 + ["failed"] * 9 + ["limited"]
    for number in range(1, count):
        made = start(number)
        relation, parent = ("child", start(number // 3).id) if number % 3 else (None, None)
        kind = "workflow" if number % 1000 == 0 else "agent"
        yield (made.id, kind, f"agent-{number % 40}", made.started, parent, relation, statuses[number % 100])


def queries(few: Path, many: Path) -> Iterator[Row]:
    """Each question to a journal that is opened for it."""
    for name, question in QUESTIONS.items():
        large, small = (median([_timed(question, folder) * 1e3 for _ in range(25)]) for folder in (many, few))
        yield Row(
            f"listing among {MANY:,} runs: {name}",
            f"{large:.2f} ms",
            "≤ 10 ms",
            f"{small:.2f} ms among {FEW}; {large / small:.2f} times",
            large <= 10,
        )


def _timed(question: Callable[[SqliteJournal], object], folder: Path) -> float:
    begun = time.perf_counter()
    question(SqliteJournal(folder))
    return time.perf_counter() - begun


def commands(few: Path, many: Path) -> Iterator[Row]:
    """`agentcli runs list` from start to exit, in turns in both projects."""
    env = environment(few.parent.parent)
    for words in (("runs", "list"), ("runs", "list", "--status", "failed"), ("runs", "show")):

        def wall(folder: Path, words: tuple[str, ...] = words) -> float:
            begun = time.perf_counter()
            subprocess.run([*CLI, *words], cwd=folder.parent, env=env, check=True, capture_output=True)
            return (time.perf_counter() - begun) * 1e3

        wall(few), wall(many)
        pairs = [(wall(few), wall(many)) for _ in range(ROUNDS)]
        small, large = (median([pair[place] for pair in pairs]) for place in (0, 1))
        ratio = median([pair[1] / pair[0] for pair in pairs])
        yield Row(
            f"`agentcli {' '.join(words)}` among {MANY:,} runs, the whole command, median of {ROUNDS} rounds",
            f"{ratio:.2f} times ({large:.0f} ms)",
            f"≤ 1.5 times that among {FEW}",
            f"{small:.0f} ms among {FEW}",
            ratio <= 1.5,
        )


def rows(folder: Path) -> Iterator[Row]:
    """The queries, then the commands, on the same journals."""
    few, many = filled(folder / "few", FEW), filled(folder / "many", MANY)
    yield from queries(few, many)
    yield from commands(few, many)


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
