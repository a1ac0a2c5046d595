"""The worker's guard: starts it, waits until it ends or agentcli is gone, and leaves nothing of it running.

agentcli starts this file as a program, in a session of its own. It stays small and runs nobody's code: whatever a tool
does to its own process, the guard still hears that its line to agentcli is closed, also after `kill -9`. On Linux it
inherits every orphan of the worker's, so that also a daemon that left the worker's group is found and ended.

Arguments: the descriptor of the worker's socket, that of the guard's own line, the seconds between TERM and KILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_LAST_SECONDS = 5.0
"""How long what was killed may take to be gone."""


def main() -> int:
    """Run the worker to its end."""
    protocol, line, grace = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    _prctl(_SET_CHILD_SUBREAPER, 1)
    me = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(line)
        _become_worker(protocol, me)
    os.close(protocol)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the line counts
    status = _watch(worker, line, grace)
    _end_the_rest(worker)
    with contextlib.suppress(OSError):
        os.write(line, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def _become_worker(protocol: int, guard: int) -> None:
    """In the child: a group of its own, dead when the guard is; then serve."""
    os.setpgid(0, 0)
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guard:
        os._exit(1)
    # Pydantic would read the metadata of every installed package in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # The package that this file belongs to, last: nothing of it may hide what the environment has.
    sys.path.append(str(Path(__file__).parents[3]))
    from agentcli.tools.worker.serve import serve

    serve(protocol)
    os._exit(0)


def _watch(worker: int, line: int, grace: float) -> int:
    """Returns the worker's wait status when it has ended: by itself, or because the line was closed."""
    woken = _wakeups()
    while (status := _reaped(worker)) is None:
        ready, _, _ = select.select([woken, line], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if line in ready:
            return _ended(worker, woken, grace)
    return status


def _ended(worker: int, woken: int, grace: float) -> int:
    """Tell the worker to end; one that has not after the grace is killed."""
    _kill_group(worker, signal.SIGTERM)
    until = time.monotonic() + grace
    while (status := _reaped(worker)) is None and (left := until - time.monotonic()) > 0:
        if select.select([woken], [], [], left)[0]:
            os.read(woken, 4096)
    if status is None:
        _kill_group(worker, signal.SIGKILL)
        _, status = os.waitpid(worker, 0)
    return status


def _wakeups() -> int:
    """A descriptor that can be read when a child has ended."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def _reaped(worker: int) -> int | None:
    """Take leave of every child that has ended; the worker's wait status, if it is one of them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == worker:
                found = status
    return found


def _end_the_rest(worker: int) -> None:
    """Kill the worker's group, and, where they can be found, all processes that it left behind."""
    _kill_group(worker, signal.SIGKILL)
    until = time.monotonic() + _LAST_SECONDS
    while (left := list(_children())) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # what it leaves behind in turn is ours by now


def _kill_group(worker: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(worker, number)


def _children() -> Iterator[int]:
    """Processes whose parent this one is; only Linux tells."""
    if sys.platform != "linux":
        return
    me = os.getpid()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_bytes().rpartition(b")")[2].split()[1]) == me:
                yield int(stat.parent.name)


def _prctl(option: int, value: int) -> None:
    """Linux alone has it; elsewhere the line and the group must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
