"""Processes that the launcher starts and waits for. Imports next to nothing, as it does."""

from __future__ import annotations

import os
import resource

from agentcli.sandbox.processes.kernel import Kernel

_SIGKILL = 9


def bound_child(kernel: Kernel) -> int:
    """Fork a child that ends with this process, also if this one ends before the kernel has been told so."""
    alive, held = os.pipe()
    child = kernel.fork()
    if child != 0:
        os.close(alive)
        return child
    os.close(held)
    kernel.die_with_parent(_SIGKILL)
    os.set_blocking(alive, False)
    with open(alive, "rb", buffering=0) as file:
        if file.read(1) is not None:  # the end of the file: nobody holds the other end any more
            kernel.exit(1)
    return 0


def open_gate(kernel: Kernel, info: int, opens: int, limits: tuple[str, ...]) -> str:
    """Set limits (name, soft, hard, …) on the process that bwrap names at `info`, and let it go on by a byte to
    `opens`. Returns that process, empty where bwrap failed before.
    """
    with open(info, "rb") as file:
        first = child_pid(file.read())
    if first:
        for name, soft, hard in zip(limits[::3], limits[1::3], limits[2::3], strict=True):
            kernel.limit(int(first), getattr(resource, name), (int(soft), int(hard)))
        try:
            os.write(opens, b".")
        except ConnectionError:
            return first  # bwrap failed meanwhile; its exit tells why
    return first


def child_pid(info: bytes) -> str:
    """The process that bwrap's `--info-fd` names, empty for none. It is JSON, but `json` takes long to load."""
    value = info.partition(b'"child-pid":')[2].strip()
    return value[: len(value) - len(value.lstrip(b"0123456789"))].decode()


def status_of(kernel: Kernel, program: int) -> int:
    """The wait status of the program. Orphans, which the first of a namespace inherits, are waited for too."""
    while True:
        ended, status = kernel.wait(-1, 0)
        if ended == program:
            return status


def told(status: int) -> str:
    """A wait status in the words of the status descriptor."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit {code}" if code >= 0 else f"signal {-code}"
