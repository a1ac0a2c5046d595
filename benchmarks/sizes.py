"""What a run takes on disk: `python -m benchmarks sizes`.

Written by the journal alone, and by the program itself; as the first run of a journal, and among others.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import itertools
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from agentcli.journal.store import SqliteJournal
from benchmarks.recorded_runs import PIECES, SOURCE, growing_run, said_in_turn
from benchmarks.table import Row, show
from tests.fakes.scripted_project import CLI, project

AIM = 120_000
"""Bytes that 50 turns may take."""

TURNS = 50
OTHERS: tuple[ModuleType, ...] = (inspect, subprocess, tempfile)
"""Modules whose source other runs read."""


def taken(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def blocks(folder: Path) -> int:
    """Bytes that the folder occupies: what `du` says."""
    return sum(path.stat().st_blocks * 512 for path in (folder, *folder.rglob("*")))


def kb(size: float) -> str:
    """As the table tells it."""
    return f"{size / 1000:,.0f} KB"


def sized(what: str, size: int, beside: str) -> Row:
    """A row for 50 turns."""
    return Row(what, kb(size), f"≤ {kb(AIM)}", f"{beside}; {size / AIM:.2f} of the aim", size <= AIM)


# -- the journal alone ------------------------------------------------------------------------------------------------


def written(folder: Path, number: int, turns: int, module: ModuleType = argparse) -> tuple[int, int]:
    """Bytes by which a run makes the journal larger, once its process has closed it; and its requests in full."""
    before = taken(folder) if folder.exists() else 0
    journal = SqliteJournal(folder)
    source = inspect.getsource(module).splitlines()
    naive = asyncio.run(growing_run(journal, number, turns, source, f"{module.__name__}.py"))
    journal.close()
    return taken(folder) - before, naive


def synthetic(folder: Path) -> Iterator[Row]:
    """One run in a journal of its own, a long one, and one among others."""
    short, naive = written(folder / "short", 1, TURNS)
    yield sized(f"a {TURNS}-turn run, streamed, alone in its journal", short, f"{kb(naive)} of requests in full")
    long, naive = written(folder / "long", 1, 20 * TURNS)
    limit = 20 * short
    yield Row(
        f"a run of {20 * TURNS:,} turns against {TURNS}",
        f"{long / short:.1f} times, {kb(long)}",
        "linear: ≤ 20 times",
        f"{kb(naive)} of requests in full",
        long <= limit,
    )
    for number, module in enumerate(OTHERS, 2):
        written(folder / "many", number, TURNS, module)
    among, _ = written(folder / "many", 1, TURNS)
    yield sized(f"… in a journal that holds {len(OTHERS)} runs on other files", among, f"{kb(short)} alone")
    again, _ = written(folder / "many", 9, TURNS)
    yield sized("… in one that holds a run on the same file", again, f"{kb(short)} alone")


# -- the program ------------------------------------------------------------------------------------------------------


def script(name: str, source: Sequence[str], dice: random.Random) -> Iterator[dict[str, Any]]:
    """Replies that come in pieces, each but the last with a call that reads some 2 KB of a file."""
    for turn in range(TURNS - 1):
        text, begin = said_in_turn(turn, source), turn * 53 % (len(source) - 60) + 1
        cuts = sorted(dice.sample(range(1, len(text)), PIECES - 1))
        pieces = [text[start:end] for start, end in itertools.pairwise((0, *cuts, len(text)))]
        arguments = {"path": name, "start": begin, "end": begin + 47}
        call = {"name": "read_lines", "arguments": arguments, "id": f"call_{turn:04}_{dice.randbytes(6).hex()}"}
        usage = {"input": 900 + 700 * turn, "output": 60 + turn, "cached": 800 * turn}
        yield {"chunks": pieces, "tool_calls": [call], "usage": usage}
    yield {"text": "It parses."}


def run(place: Path, env: dict[str, str], module: ModuleType, seed: int) -> None:
    """One run of the program, to the end of its process."""
    source, name = inspect.getsource(module).splitlines(), f"{module.__name__}.py"
    (place / name).write_text("\n".join(source))
    replies = list(script(name, source, random.Random(seed)))
    (place / "s.json").write_text(json.dumps({"replies": replies}))
    words = ["-q", "run", f"What does {name} do?"]
    subprocess.run([*CLI, *words], cwd=place, env=env, check=True, capture_output=True)


def real(folder: Path) -> Iterator[Row]:
    """Whole runs of the program with a scripted model: the journal's folder as it is left."""
    place = folder / "real" / "p"
    env = project(place, [], tools=["read_lines", "grep_file", "list_files"])
    run(place, env, argparse, 1)
    journal = place / ".agentcli"
    first = taken(journal)
    yield sized(
        f"`agentcli run` of {TURNS} turns, streamed by a script, whole folder by du",
        blocks(journal),
        f"{kb(first)} of bytes",
    )
    for number, module in enumerate(OTHERS, 2):
        before = taken(journal)
        run(place, env, module, number)
    yield sized(f"… after {len(OTHERS)} others on other files", taken(journal) - before, f"{kb(first)} alone")


def rows(folder: Path) -> Iterator[Row]:
    """All of it."""
    assert len(SOURCE) > 60
    yield from synthetic(folder)
    yield from real(folder)


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
