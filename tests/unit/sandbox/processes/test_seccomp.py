"""The filter of system calls, carried out instruction by instruction as the kernel would."""

from __future__ import annotations

import errno
import struct

import pytest

from agentcli.sandbox.processes.seccomp import filter_for
from agentcli.sandbox.processes.syscalls import MACHINES, NEWEST

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter returns for a call, by a small interpreter of classic BPF."""
    data = struct.pack(
        "=iIQ6Q",
        number - (1 << 32) if number >= 1 << 31 else number,
        MACHINES[machine].audit if audit is None else audit,
        0,
        *[*arguments, 0, 0, 0, 0, 0, 0][:6],
    )
    program = list(struct.iter_unpack("=HBBI", filter_for(MACHINES[machine])))
    at, value = 0, 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
        elif code == 0x54:
            value &= operand
        else:
            holds = {0x15: value == operand, 0x25: value > operand, 0x45: bool(value & operand)}[code]
            at += yes if holds else no


def error(number: int) -> int:
    return ERRNO | number


MODES = {
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


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def number(machine: str, name: str) -> int:
    return MACHINES[machine].numbers[name]


def test_another_architecture_is_killed(machine: str) -> None:
    assert verdict(machine, 1, audit=0x40000003) == KILL


def test_a_call_that_is_newer_than_the_table_is_not_there(machine: str) -> None:
    assert verdict(machine, NEWEST + 1) == error(errno.ENOSYS)
    assert verdict(machine, 0xFFFFFFFF) == error(errno.ENOSYS)
    assert verdict(machine, NEWEST) == ALLOW


def test_x32_is_not_there() -> None:
    assert verdict("x86_64", 0x40000000 + 39) == error(errno.ENOSYS)
    assert verdict("x86_64", 0x40000000 + number("x86_64", "mount")) == error(errno.ENOSYS)


def test_every_call_of_the_table_is_refused_with_what_its_users_expect(machine: str) -> None:
    by_argument = {"clone", "unshare", "socketpair", "ioctl", "personality", "prlimit64", *MODES}
    not_there = {"clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_secret"}
    for name, one in MACHINES[machine].numbers.items():
        if name not in by_argument:
            assert verdict(machine, one) == error(errno.ENOSYS if name in not_there else errno.EPERM), name


@pytest.mark.parametrize("name", ["clone", "unshare"])
def test_only_new_namespaces_are_refused(machine: str, name: str) -> None:
    threads = 0x3D0F00
    assert verdict(machine, number(machine, name), threads) == ALLOW
    for bit in (7, 17, 25, 26, 27, 28, 29, 30):
        assert verdict(machine, number(machine, name), threads | 1 << bit) == error(errno.EPERM), bit


@pytest.mark.parametrize(
    ("family", "kind", "allowed"),
    [(1, 1, True), (1, 5, True), (1, 1 | 0o2000000 | 0o4000, True), (1, 2, False), (1, 3, False), (2, 1, False)],
)
def test_only_pairs_that_stay_pairs_are_made(machine: str, family: int, kind: int, allowed: bool) -> None:
    found = verdict(machine, number(machine, "socketpair"), family, kind)
    assert found == (ALLOW if allowed else error(errno.EPERM))


@pytest.mark.parametrize("command", [0x5412, 0x541C, 0x5423, 0x5412 | 1 << 32])
def test_what_types_into_a_terminal_is_refused(machine: str, command: int) -> None:
    assert verdict(machine, number(machine, "ioctl"), 0, command) == error(errno.EPERM)
    assert verdict(machine, number(machine, "ioctl"), 0, 0x5401) == ALLOW


def test_a_personality_may_be_asked_for_and_not_changed(machine: str) -> None:
    assert verdict(machine, number(machine, "personality"), 0xFFFFFFFF) == ALLOW
    assert verdict(machine, number(machine, "personality"), 0) == ALLOW
    assert verdict(machine, number(machine, "personality"), 0x40000) == error(errno.EPERM)


@pytest.mark.parametrize("name", MODES)
def test_no_file_runs_with_the_rights_of_its_owner(machine: str, name: str) -> None:
    if name not in MACHINES[machine].numbers:
        assert machine == "aarch64"  # it has the newer calls alone
        return
    mode, flags = MODES[name]

    def call(bits: int, making: int) -> int:
        arguments = [0] * 6
        arguments[mode] = bits
        if flags is not None:
            arguments[flags] = making
        return verdict(machine, number(machine, name), *arguments)

    for making in (0o100, 0o20000000, 0o100101):
        assert call(0o100755, making) == ALLOW
        assert call(0o1777, making) == ALLOW
        assert call(0o4755, making) == call(0o2755, making) == error(errno.EPERM)
    assert call(0o4755, 0) == (error(errno.EPERM) if flags is None else ALLOW)


def test_only_limits_of_oneself_are_set(machine: str) -> None:
    assert verdict(machine, number(machine, "prlimit64"), 0) == ALLOW
    assert verdict(machine, number(machine, "prlimit64"), 1) == error(errno.EPERM)


def test_ordinary_calls_are_allowed() -> None:
    ordinary = {"x86_64": (0, 1, 2, 9, 39, 59, 202, 257, 317, 334, 439), "aarch64": (56, 63, 64, 93, 221, 222, 277)}
    for name, numbers in ordinary.items():
        assert {verdict(name, one) for one in numbers} == {ALLOW}
