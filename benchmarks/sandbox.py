"""What confining a program costs: the start of each backend against none, for `true` and for a bare Python.

The programs are started in turns. The bounds are on what a backend adds to the same program started by asyncio alone,
by the fastest of all starts: whatever else a machine does can only add to that. The medians stand beside it.

    python -m benchmarks.sandbox [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agentcli.core.processes import Job
from agentcli.sandbox.processes.choosing import BACKENDS
from agentcli.sandbox.processes.launching import Backend, interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined

BOUNDS = {"bubblewrap": 15.0, "builtin": 20.0, "landlock": None}
"""Milliseconds more than none for `true`; what is only used by the user's own choice has no bound."""

PROGRAMS = {"true": ("/bin/true",), "python3 -I -c pass": (interpreter(), "-I", "-c", "pass")}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 1 if a backend misses its bound or is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    rounds = 10 if parser.parse_args(argv).quick else 60
    found = {name: BACKENDS[name]() for name in BOUNDS}
    print("| program | backend | median, ms | fastest, ms | more than none, ms | bound |")
    print("| --- | --- | --- | --- | --- | --- |")
    held = [asyncio.run(row(name, words, found, rounds)) for name, words in PROGRAMS.items()]
    return 0 if all(held) else 1


async def row(name: str, words: tuple[str, ...], backends: dict[str, Backend], rounds: int) -> bool:
    """The lines of one program; whether the bounds held."""
    with TemporaryDirectory() as folder:
        job = Job(words, workspace=Path(folder), readable=python_readable())
        there = {one: backend for one, backend in backends.items() if backend.missing() is None}
        times: dict[str, list[float]] = {one: [] for one in ("none", *there)}
        for _ in range(rounds + 1):
            times["none"].append(await unconfined(words))
            for one, backend in there.items():
                times[one].append(await confined(backend, job))
    return told(name, times)


def told(name: str, times: dict[str, list[float]]) -> bool:
    """Print the lines; the first round does not count."""
    held = True
    least = min(times["none"][1:])
    for one, values in times.items():
        more, bound = (min(values[1:]) - least) * 1000, BOUNDS.get(one)
        held = held and (bound is None or more <= bound)
        median, fastest = statistics.median(values[1:]) * 1000, min(values[1:]) * 1000
        print(f"| {name} | {one} | {median:.1f} | {fastest:.1f} | {more:.1f} | {bound or '-'} |")
    for one in BOUNDS.keys() - times.keys():
        held = held and BOUNDS[one] is None
        print(f"| {name} | {one} | not there | - | - | {BOUNDS[one] or '-'} |")
    return held


async def confined(backend: Backend, job: Job) -> float:
    """Seconds of one confined program."""
    begun = time.perf_counter()
    finished = await run_confined(backend, job)
    assert finished.exit_code == 0, finished
    return time.perf_counter() - begun


async def unconfined(words: tuple[str, ...]) -> float:
    """Seconds of the same program without a sandbox, its output read as well."""
    begun = time.perf_counter()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, env={}, start_new_session=True)
    await process.communicate()
    return time.perf_counter() - begun


if __name__ == "__main__":
    raise SystemExit(main())
