"""Who starts confined programs, and who they are on the machine."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from typing import Final

from agentcli.core.values import value
from agentcli.sandbox.processes.kernel import Kernel
from agentcli.sandbox.processes.seccomp import filter_for
from agentcli.sandbox.processes.syscalls import MACHINES

UNPRIVILEGED: Final = 65529
"""Whom root's programs run as: a number that distributions leave to nobody (below the 65534 that services share)."""


@value(frozen=True, slots=True)
class Identity:
    """The user that agentcli runs as. `maps` are the numbers that there are here: a container may have few."""

    uid: int
    gid: int
    mapped: bool = True

    @property
    def uncounted(self) -> bool:
        """Whether programs are root's, so that nothing but the watch keeps their number."""
        return self.uid == 0 and not self.mapped

    @property
    def steps_down(self) -> bool:
        """Whether programs run as somebody else: root owns the system's files, and no limit counts its processes."""
        return self.uid == 0 and self.mapped


def current(uid_map: Path = Path("/proc/self/uid_map")) -> Identity:
    """The user of this process."""
    ranges = [tuple(int(word) for word in line.split()) for line in uid_map.read_text(encoding="ascii").splitlines()]
    mapped = any(first <= UNPRIVILEGED < first + count for first, _, count in ranges)
    return Identity(os.geteuid(), os.getegid(), mapped)


@value(frozen=True, slots=True)
class Machine:
    """What of the kernel the backends build on."""

    release: str
    landlock: int
    seccomp: bytes | None
    """The filter, None for a processor that there is none for."""
    identity: Identity = field(default_factory=current)

    @property
    def staying(self) -> Machine:
        """The same, on which nobody becomes another user."""
        return replace(self, identity=replace(self.identity, mapped=False))


@cache
def this_machine() -> Machine:
    """The machine that this runs on."""
    return machine_of(sys.platform, platform.machine())


def machine_of(system: str, processor: str) -> Machine:
    """What there is on a system (`sys.platform`) and a processor (`platform.machine()`)."""
    if system != "linux":
        return Machine(platform.release(), 0, None, Identity(os.geteuid(), os.getegid(), mapped=False))
    known = MACHINES.get(processor)
    return Machine(platform.release(), Kernel().landlock_abi(), filter_for(known) if known else None)
