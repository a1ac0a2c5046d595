"""Who ends all that a program started, where no process namespace does: a parent that inherits every orphan."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_WAITED_FOR: Final = (signal.SIGCHLD, signal.SIGTERM)
_ROUNDS: Final = 1000
"""Of killing: a program that forks faster than it is killed has children to kill in the next round."""


def hold_signals() -> None:
    """Let them wait for `guard`, also those that come before it begins."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)


def release_signals() -> None:
    """For the program, which is to have them as usual."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)


def guard(
    program: int,
    next_signal: Callable[[Iterable[int]], int] = signal.sigwait,
    children: Callable[[], list[int]] | None = None,
    wait: Callable[[int, int], tuple[int, int]] = os.waitpid,
) -> int:
    """Wait until the program ends or TERM comes; end all that is left. Returns the program's wait status."""
    status: int | None = None
    while status is None and next_signal(_WAITED_FOR) == signal.SIGCHLD:
        status = _reaped(wait).get(program)
    for _ in range(_ROUNDS):
        left = (children or own_children)()
        if not left:
            break
        for child in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        status = _reaped(wait, block=True).get(program, status)
    return signal.SIGKILL if status is None else status


def _reaped(wait: Callable[[int, int], tuple[int, int]], *, block: bool = False) -> dict[int, int]:
    """Wait statuses of the children that have ended; with `block` there is one at least, if there is a child."""
    found: dict[int, int] = {}
    with suppress(ChildProcessError):
        while True:
            pid, status = wait(-1, 0 if block and not found else os.WNOHANG)
            if pid == 0:
                break
            found[pid] = status
    return found


def own_children() -> list[int]:
    """The children of this process, of its main thread."""
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split()]
