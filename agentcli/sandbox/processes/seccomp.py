"""The filter of system calls: classic BPF, put together by hand because no library for it may be assumed.

A list of what is refused, not of what is allowed: the programs of people's projects are not known beforehand. The kinds
of call that have led out of sandboxes are refused, and so is every call that is newer than this list.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from agentcli.sandbox.processes.syscalls import NEWEST, Machine

Instruction: TypeAlias = tuple[int, int, int, int]
"""code, jump if true, jump if false, value: `struct sock_filter`."""

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_BITS, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000

_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPE = 1, 1, 5, 0xF
_TIOCSTI, _TIOCLINUX, _TIOCSETD = 0x5412, 0x541C, 0x5423
_NEW_NAMESPACES: Final = 0x7E020080
"""CLONE_NEW* of every kind: time, mount, cgroup, uts, ipc, user, pid, net."""

_PERSONALITIES: Final = (0, 0xFFFFFFFF)
"""The usual one, and asking which one it is."""

_NOT_THERE: Final = ("clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_secret")
"""Calls whose users know another way if they are not there; what clone3 and openat2 are given cannot be looked at."""

_SET_ID, _MAKES_A_FILE = 0o6000, 0o20000100
"""S_ISUID | S_ISGID; O_CREAT | __O_TMPFILE, without which the mode means nothing."""

_MODES: Final = {
    "chmod": (1, None),
    "fchmod": (1, None),
    "fchmodat": (2, None),
    "fchmodat2": (2, None),
    "creat": (1, None),
    "mknod": (1, None),
    "mknodat": (2, None),
    "open": (2, 1),
    "openat": (3, 2),
}
"""Where a call has the mode of a file, and the flags that say whether it has one. A program that others may start with
the rights of whoever owns the workspace would be a way out with the help of another user of the machine.
"""

_BY_ARGUMENT: Final = ("clone", "unshare", "socketpair", "ioctl", "personality", "prlimit64", *_MODES)


def filter_for(machine: Machine) -> bytes:
    """The program, as prctl(PR_SET_SECCOMP) and bwrap's `--seccomp` take it."""
    return packed([*_head(machine), *_refusals(machine), *_conditions(machine), _returning(_ALLOW)])


def packed(program: Iterable[Instruction]) -> bytes:
    """Instructions as bytes, in this machine's order."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _head(machine: Machine) -> list[Instruction]:
    """Another architecture's numbers mean other calls: kill. x32 and unknown numbers are not there."""
    program = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, machine.audit),
        _returning(_KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    # x32's numbers have a high bit, so they are above the newest as well; saying it keeps it true if that ever changes.
    if machine.x32:
        program += [(_JUMP_BITS, 0, 1, _X32), _error(errno.ENOSYS)]
    return [*program, (_JUMP_ABOVE, 0, 1, NEWEST), _error(errno.ENOSYS)]


def _refusals(machine: Machine) -> Iterable[Instruction]:
    for name, number in machine.numbers.items():
        if name not in _BY_ARGUMENT:
            yield (_JUMP_EQUAL, 0, 1, number)
            yield _error(errno.ENOSYS if name in _NOT_THERE else errno.EPERM)


def _conditions(machine: Machine) -> Iterable[Instruction]:
    number = machine.numbers
    yield from _case(number["clone"], [*_argument(0), (_JUMP_BITS, 0, 1, _NEW_NAMESPACES), _error(errno.EPERM)])
    yield from _case(number["unshare"], [*_argument(0), (_JUMP_BITS, 0, 1, _NEW_NAMESPACES), _error(errno.EPERM)])
    yield from _case(number["socketpair"], _socketpair())
    yield from _case(number["ioctl"], [*_argument(1), *_none_of((_TIOCSTI, _TIOCLINUX, _TIOCSETD))])
    yield from _case(number["personality"], [*_argument(0), *_one_of(_PERSONALITIES)])
    for name, (index, flags) in _MODES.items():
        if name in number:
            yield from _case(number[name], _mode(index, flags))
    # Limits of another program than oneself: without a namespace of its own it could be one of the user's.
    yield from _case(number["prlimit64"], [*_argument(0), *_one_of((0,))])


def _mode(index: int, flags: int | None) -> list[Instruction]:
    refusing = [*_argument(index), (_JUMP_BITS, 0, 1, _SET_ID), _error(errno.EPERM)]
    if flags is None:
        return refusing
    return [*_argument(flags), (_JUMP_BITS, 0, len(refusing), _MAKES_A_FILE), *refusing]


def _socketpair() -> list[Instruction]:
    """Only pairs that stay pairs: one end of a pair of datagram sockets can be connected to any socket of a file."""
    return [
        *_argument(0),
        *_one_of((_AF_UNIX,)),
        *_argument(1),
        (_AND, 0, 0, _SOCK_TYPE),
        *_one_of((_SOCK_STREAM, _SOCK_SEQPACKET)),
    ]


def _case(number: int, body: Sequence[Instruction]) -> list[Instruction]:
    """`body` for this call alone. What it does not refuse is allowed there: the number is no longer loaded."""
    return [(_JUMP_EQUAL, 0, len(body) + 1, number), *body, _returning(_ALLOW)]


def _argument(index: int) -> list[Instruction]:
    """Load the low half, which is all that the kernel looks at for flags, families and commands (both are
    little-endian machines).
    """
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * index)]


def _one_of(values: Sequence[int]) -> list[Instruction]:
    """Refuse what is none of the values."""
    jumps = [(_JUMP_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [*jumps, _error(errno.EPERM)]


def _none_of(values: Sequence[int]) -> list[Instruction]:
    """Refuse what is one of the values."""
    return [part for value in values for part in ((_JUMP_EQUAL, 0, 1, value), _error(errno.EPERM))]


def _returning(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)


def _error(number: int) -> Instruction:
    return _returning(_ERRNO | number)
