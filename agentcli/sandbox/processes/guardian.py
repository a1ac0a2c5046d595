"""Who ends all that a program started, where no process namespace does: a parent that inherits every orphan.

Killing them one after the other loses against a program that forks faster. So the guardian first goes into a Landlock
domain of its own, out of which no signal goes; one KILL to everybody then reaches its descendants, all at once, and
nobody else.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from agentcli.sandbox.processes.kernel import Kernel

_WAITED_FOR: Final = (signal.SIGCHLD, signal.SIGTERM)
_EVERYBODY: Final = -1
_SIGNALS: Final = 2
"""LANDLOCK_SCOPE_SIGNAL."""

_REFER: Final = 1 << 13
"""LANDLOCK_ACCESS_FS_REFER: a link or a new name in another folder, which a domain refuses that does not grant it."""


class Domain:
    """A Landlock domain that this process is in for good, and all that it starts: no signal leaves it.

    Raises OSError if that does not hold. It is tried on the parent, which could be sent a signal before.
    """

    def __init__(self, kernel: Kernel, may_signal: Callable[[int], bool] | None = None) -> None:
        allowed = may_signal or can_signal
        parent = os.getppid()
        before = allowed(parent)
        kernel.no_new_privileges()
        ruleset = kernel.landlock_ruleset(_REFER, 0, _SIGNALS)
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        kernel.landlock_allow(ruleset, _REFER, root)
        kernel.landlock_restrict(ruleset)
        for descriptor in (root, ruleset):
            os.close(descriptor)
        if not before or allowed(parent):
            raise OSError(errno.ENOTSUP, "signals are not kept in", str(parent))

    def kill_all(self) -> None:
        """KILL to everybody in it but this process, at once: the kernel lets nobody fork meanwhile."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left
            os.kill(_EVERYBODY, signal.SIGKILL)


def can_signal(pid: int) -> bool:
    """Whether this process may send a signal to that one."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    return True


def hold_signals() -> None:
    """Let them wait for `guard`, also those that come before it begins."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)


def release_signals() -> None:
    """For the program, which is to have them as usual."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)


def guard(
    program: int,
    domain: Domain,
    next_signal: Callable[[Iterable[int]], int] = signal.sigwait,
    wait: Callable[[int, int], tuple[int, int]] = os.waitpid,
) -> int:
    """Wait until the program ends or TERM comes; end all that is left. Returns the program's wait status."""
    status: int | None = None
    while status is None and next_signal(_WAITED_FOR) == signal.SIGCHLD:
        status = _reaped(wait).get(program)
    domain.kill_all()
    while ended := _reaped(wait, block=True):
        status = ended.get(program, status)
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
