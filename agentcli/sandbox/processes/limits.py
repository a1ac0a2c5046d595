"""Limits of a job as the resource limits of the system."""

from __future__ import annotations

import re
from typing import Final

from agentcli.core.processes import ProcessLimits

_FILES: Final = 1024
_COUNTED_APART_SINCE: Final = (5, 14)
"""Since then RLIMIT_NPROC counts the processes of a user namespace; before, all of the user's on the machine."""


def resource_limits(limits: ProcessLimits, own_processes: int, release: str) -> dict[str, tuple[int, int]]:
    """RLIMIT_… by name: soft and hard. `own_processes` are those of the sandbox in the same user namespace.

    RLIMIT_DATA instead of RLIMIT_AS: what is reserved but never used, as Go, Java and V8 do by the gigabyte, is free.
    """
    found = {
        "RLIMIT_CPU": (limits.cpu_seconds, limits.cpu_seconds + 1),
        "RLIMIT_DATA": (limits.memory_bytes, limits.memory_bytes),
        "RLIMIT_FSIZE": (limits.file_bytes, limits.file_bytes),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NOFILE": (_FILES, _FILES),
        "RLIMIT_MEMLOCK": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
    }
    if counts_apart(release):
        most = limits.processes + own_processes
        found["RLIMIT_NPROC"] = (most, most)
    return found


def counts_apart(release: str) -> bool:
    """Whether this kernel (`platform.release()`) counts processes by user namespace."""
    parts = re.match(r"(\d+)\.(\d+)", release)
    return parts is not None and (int(parts[1]), int(parts[2])) >= _COUNTED_APART_SINCE
