"""What a group of processes uses, read from /proc: the net under the limits that the kernel does not keep for a group.

A process limit of the system does nothing for root, its memory limit is for each process by itself, and CPU time of
children that went away counts for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agentcli.core.processes import ProcessLimits, Stopped
from agentcli.core.values import value

LEAST_FREE: Final = 64 * 1024 * 1024
"""Bytes that must stay free on the disk of the workspace; of a smaller one, half of what was free at the start."""

_STATE, _UTIME, _CSTIME, _THREADS, _RSS = 0, 11, 14, 17, 21
"""Fields of /proc/PID/stat after the name, as proc(5) counts from 3."""


@value(frozen=True, slots=True)
class Used:
    """What a group uses: processes with their threads, bytes of memory, seconds of CPU."""

    processes: int
    memory: int
    cpu: float


class Watch:
    """Looks at the processes below one, which is theirs all: they cannot leave it (`first` inherits orphans)."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._tick = os.sysconf("SC_CLK_TCK")

    def below(self, first: int) -> list[int]:
        """All descendants. Who comes and goes meanwhile may be missed."""
        found: list[int] = []
        waiting = [first]
        while waiting:
            children = self._children(waiting.pop())
            found += children
            waiting += children
        return found

    def used(self, pids: Iterable[int]) -> Used:
        """What they use together. Memory that several share counts once, where the kernel tells."""
        processes, memory, cpu = 0, 0, 0.0
        for pid in pids:
            fields = self._stat(pid)
            if fields:
                processes += int(fields[_THREADS])
                memory += int(fields[_RSS]) * self._page
                cpu += sum(int(field) for field in fields[_UTIME : _CSTIME + 1]) / self._tick
        return Used(processes, memory, cpu)

    def shares(self, pids: Iterable[int]) -> int:
        """Bytes of memory, each page divided by how many have it. Slow, so only asked when it matters."""
        return sum(self._share(pid) for pid in pids)

    def exceeded(self, first: int, limits: ProcessLimits) -> Stopped:
        """Which limit the group is past; empty for none."""
        pids = self.below(first)
        used = self.used(pids)
        if used.processes > limits.processes:
            return "processes"
        if used.cpu > limits.cpu_seconds + 1:
            return "cpu"
        if used.memory > limits.memory_bytes and self.shares(pids) > limits.memory_bytes:
            return "memory"
        return ""

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        try:
            for task in (self._proc / str(pid) / "task").iterdir():
                found += [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
        except OSError:
            pass  # it ended meanwhile
        return found

    def _stat(self, pid: int) -> list[str]:
        try:
            text = (self._proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.rpartition(")")[2].split()

    def _share(self, pid: int) -> int:
        try:
            text = (self._proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
        except OSError:
            fields = self._stat(pid)
            return int(fields[_RSS]) * self._page if fields else 0
        return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write on the disk of a folder."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
