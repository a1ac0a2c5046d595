"""What the file tools cost, each beside its floor, and whether a folder that becomes a link ever leads outside.

`python -m benchmarks files`. Prints a Markdown table; exits 1 where an aim is missed.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agentcli.errors import ToolError
from agentcli.sandbox.opening import Openat2, Opener, Walk, best_opener
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry

GIGABYTE = 1_000_000_000
OPENS = 20_000
TRIES = 20_000
SECRET = b"OUTSIDE"

PATTERNS = {
    "alternatives": "(timeout|refused) after [0-9]+ ms",
    "the end of a line": "[0-9]{4} ms$",
    "two words": "ERROR.*timeout",
    "one word": "needle",
}

Row = tuple[str, str, str, bool]
"""What was measured, the figure, the aim, and whether it was reached."""


# -- opening ------------------------------------------------------------------------------------------------------


def opening(folder: Path) -> Iterator[Row]:
    """Opening and closing a file three folders deep, beneath a handle."""
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    plain = _each(lambda: os.close(os.open("a/b/file", os.O_RDONLY, dir_fd=directory)))
    for opener in (best_opener(directory), Walk()):
        cost = _each(lambda opener=opener: os.close(opener.open(directory, ("a", "b", "file"), os.O_RDONLY)))
        name = type(opener).__name__
        aimed = isinstance(opener, Openat2)
        figure = f"{cost:.1f} µs (the system's own open: {plain:.1f} µs)"
        yield f"open and close by {name}", figure, "≤ 10 µs" if aimed else "-", not aimed or cost <= 10
    os.close(directory)


def _each(call: Callable[[], object]) -> float:
    """Microseconds of one call: the best of five rounds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(OPENS // 5):
            call()
        rounds.append((time.perf_counter() - begun) / (OPENS // 5) * 1e6)
    return min(rounds)


# -- searching ----------------------------------------------------------------------------------------------------


def searching(folder: Path) -> Iterator[Row]:
    """`grep_file` and `grep -E`, in turns, on a file of one gigabyte; each in a process of its own."""
    _write_log(folder / "big.log", GIGABYTE)
    _write_log(folder / "small.log", 20_000_000)
    for name, pattern in PATTERNS.items():
        pairs = [(_ours(folder, "big.log", pattern), _grep(folder / "big.log", pattern)) for _ in range(3)]
        ratio = statistics.median(ours["seconds"] / floor for ours, floor in pairs)
        ours, floor = min(one["seconds"] for one, _ in pairs), min(floor for _, floor in pairs)
        figure = f"{ratio:.2f} times `grep -E` ({ours:.2f} s and {floor:.2f} s)"
        yield f"grep_file on 1 GB: {name}", figure, "≤ 3 times", ratio <= 3
    growth = (_ours(folder, "big.log", "zzz$")["peak"] - _ours(folder, "small.log", "zzz$")["peak"]) / 1024
    yield "… memory that 1 GB takes more than 20 MB", f"{growth:.1f} MB", "≤ 8 MB", growth <= 8
    big, small = (_called(folder, "read_lines", {"path": f"{name}.log", "start": 200_000}) for name in ("big", "small"))
    growth = (big["peak"] - small["peak"]) / 1024
    yield "read_lines in the middle of 1 GB: memory more than of 20 MB", f"{growth:.1f} MB", "≤ 8 MB", growth <= 8
    yield "… and time", f"{big['seconds']:.2f} s", "-", True
    for name in ("big.log", "small.log"):
        (folder / name).unlink()


def _write_log(path: Path, size: int) -> None:
    """Lines as a server writes them; what is looked for stands in a few."""
    source = random.Random(7)
    words = ["".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))) for _ in range(2000)]
    lines = [
        f"2026-11-21 08:15:{source.randint(0, 59):02} INFO [{source.choice(words)}] "
        f"{' '.join(source.choices(words, k=source.randint(3, 14)))}\n"
        for _ in range(60_000)
    ]
    block = "".join(lines).encode()
    rare = b"2026-11-21 08:15:00 ERROR [needle] timeout after 3000 ms\n"
    with path.open("wb") as file:
        written = 0
        while written < size:
            written += file.write(block + rare)


_CALL = """
import asyncio, json, resource, sys, time
from pathlib import Path
from types import SimpleNamespace
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry
folder, name, arguments = sys.argv[1:]
tools = ToolRegistry(ToolContext(Workspace(Path(folder)))).select([SimpleNamespace(name=name, options={})])
tool = tools.get(name)
begun = time.perf_counter()
result = asyncio.run(tool.call(json.loads(arguments)))
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak": peak, "digest": result.files[0].digest}))
"""


def _ours(folder: Path, path: str, pattern: str) -> dict[str, Any]:
    return _called(folder, "grep_file", {"path": path, "pattern": pattern})


def _called(folder: Path, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-c", _CALL, str(folder), name, json.dumps(arguments)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert found["digest"]
    return found


def _grep(path: Path, pattern: str) -> float:
    """Seconds; into a pipe, for into /dev/null it stops at the first match."""
    begun = time.perf_counter()
    subprocess.run(["grep", "-E", pattern, str(path)], check=False, stdout=subprocess.PIPE)
    return time.perf_counter() - begun


# -- swapping -----------------------------------------------------------------------------------------------------


def swapping(folder: Path) -> Iterator[Row]:
    """Reads and moves while another thread exchanges a folder and a link to the outside, without a pause."""
    outside = folder / "outside"
    outside.mkdir()
    (outside / "file.txt").write_bytes(SECRET)
    for name, opener in (("openat2", best_opener), ("one name at a time", lambda _: Walk())):
        root = folder / name
        (root / "dir").mkdir(parents=True)
        (root / "dir" / "file.txt").write_bytes(b"inside")
        (root / "link").symlink_to(outside)
        swaps, leaks, seen = _swapped(root, opener)
        figure = f"{leaks} ({swaps:,} swaps meanwhile, {seen:,} reads of what is inside)"
        whole = [path.name for path in outside.iterdir()] == ["file.txt"]
        good = leaks == 0 and whole and (outside / "file.txt").read_bytes() == SECRET
        yield f"{TRIES:,} tries to read outside, {name}: leaks", figure, "0", good


def _swapped(root: Path, opener: Callable[[int], Opener]) -> tuple[int, int, int]:
    """How often was swapped, and how many reads gave the content outside, and the one inside."""
    workspace, stop = Workspace(root, opener=opener), threading.Event()
    exchanged = [0]
    libc, names = ctypes.CDLL(None), [os.fsencode(root / name) for name in ("dir", "link")]

    def swap() -> None:
        while not stop.is_set():
            libc.renameat2(-100, names[0], -100, names[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
            exchanged[0] += 1

    thread = threading.Thread(target=swap)
    thread.start()
    leaks = seen = 0
    try:
        for _ in range(TRIES):
            try:
                data = workspace.read_bytes("dir/file.txt")
            except ToolError:
                continue
            leaks += data == SECRET
            seen += data == b"inside"
    finally:
        stop.set()
        thread.join()
        workspace.close()
    return exchanged[0], leaks, seen


# -- many files ---------------------------------------------------------------------------------------------------


def many_files(folder: Path) -> Iterator[Row]:
    """`search_files` over a tree, beside `grep -rnE`."""
    for number in range(3000):
        path = folder / f"d{number % 60}" / f"f{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("some words of a line\n" * 50 + ("needle\n" if number % 500 == 0 else ""))
    use = SimpleNamespace(name="search_files", options={})
    tool = ToolRegistry(ToolContext(Workspace(folder))).select([use]).get("search_files")
    assert tool is not None
    ours, floor = [], []
    for _ in range(5):
        begun = time.perf_counter()
        result = asyncio.run(tool.call({"pattern": "needle"}))
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        subprocess.run(["grep", "-rnE", "needle", str(folder)], check=True, stdout=subprocess.PIPE)
        floor.append(time.perf_counter() - begun)
        assert result.data["files"] == 6
    figure = f"{min(ours) * 1000:.0f} ms (`grep -rnE`: {min(floor) * 1000:.0f} ms)"
    yield "search_files over 3,000 files", figure, "≤ 1 s", min(ours) <= 1


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if an aim was missed."""
    reached = True
    print("| what | measured | aim |\n| --- | --- | --- |")
    for measure in (opening, swapping, many_files, searching):
        with tempfile.TemporaryDirectory() as folder:
            for name, figure, aim, good in measure(Path(folder)):
                print(f"| {name} | {figure}{'' if good else ' **missed**'} | {aim} |", flush=True)
                reached = reached and good
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
