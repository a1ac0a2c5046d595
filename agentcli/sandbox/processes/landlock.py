"""Landlock: which accesses are handled by which version of it, and what the rules grant.

Source: Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h of Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agentcli.core.values import value
from agentcli.sandbox.processes.steps import Step

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_SOCK, MAKE_BLOCK, REFER, TRUNCATE, IOCTL_DEV = 1 << 6, 1 << 9, 1 << 11, 1 << 13, 1 << 14, 1 << 15

READ: Final = EXECUTE | READ_FILE | READ_DIR
_OF_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_FIRST_WITH: Final = ((REFER, 2), (TRUNCATE, 3), (IOCTL_DEV, 5))
_ALL_FS: Final = (1 << 16) - 1
_TCP, _TCP_SINCE = 0b11, 4
"""Binding and connecting."""
_SCOPES, SCOPES_SINCE = 0b11, 6
"""Abstract UNIX sockets and signals end at the domain's edge."""


@value(frozen=True, slots=True)
class Handled:
    """What a version refuses unless a rule grants it."""

    fs: int
    net: int
    scoped: int

    def grant(self, access: int, *, folder: bool = True) -> int:
        """The part of an access that this version knows; of a file, the part that files have."""
        return access & self.fs & (self.fs if folder else _OF_FILES)

    @property
    def write(self) -> int:
        """All that may be done in a folder that may be written, but for making devices and sockets."""
        return self.fs & ~(MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK | IOCTL_DEV)

    def step(self) -> Step:
        """The step that begins the ruleset."""
        return ("rules", str(self.fs), str(self.net), str(self.scoped))


def handled(abi: int) -> Handled:
    """What version `abi` can refuse. Raises ValueError for 0."""
    if abi < 1:
        raise ValueError("no Landlock")
    unknown = sum(right for right, since in _FIRST_WITH if abi < since)
    return Handled(
        _ALL_FS & ~unknown,
        _TCP if abi >= _TCP_SINCE else 0,
        _SCOPES if abi >= SCOPES_SINCE else 0,
    )


def rules(
    abi: int, read: tuple[str, ...], write: tuple[str, ...], use: tuple[str, ...], more: tuple[Step, ...] = ()
) -> Iterator[Step]:
    """The steps of a ruleset: folders that may be read, that may be written, and devices that may be used."""
    refuses = handled(abi)
    yield refuses.step()
    for path in read:
        yield allow(refuses.grant(READ), path)
    for path in write:
        yield allow(refuses.write, path)
    for path in use:
        yield allow(refuses.grant(READ_FILE | WRITE_FILE, folder=False), path)
    yield from more
    yield ("restrict",)


def allow(access: int, path: str) -> Step:
    """The step of one rule."""
    return ("allow", str(access), path)
