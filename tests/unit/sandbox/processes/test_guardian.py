"""Who ends what a program has started, where no namespace does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from agentcli.sandbox.processes.guardian import guard, hold_signals, own_children, release_signals
from tests.fakes.forked import in_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")


class Family:
    """Processes that really run, and a wait for them alone: the test's own process may have other children."""

    def __init__(self, *commands: str) -> None:
        self.pids = [os.posix_spawn("/bin/sh", ["sh", "-c", command], {}) for command in commands]
        self.left = list(self.pids)

    def children(self) -> list[int]:
        return list(self.left)

    def wait(self, pid: int, options: int) -> tuple[int, int]:
        if not self.left:
            raise ChildProcessError
        if options & os.WNOHANG:
            for one in self.left:
                found = os.waitpid(one, os.WNOHANG)
                if found[0]:
                    self.left.remove(one)
                    return found
            return 0, 0
        one = self.left.pop(0)
        return os.waitpid(one, 0)


def signals(*numbers: int) -> object:
    given = iter(numbers)
    return lambda waited_for: next(given)


def ended(family: Family, number: int) -> None:
    os.waitid(os.P_PID, family.pids[number], os.WEXITED | os.WNOWAIT)


def test_the_program_ends_and_what_is_left_is_killed() -> None:
    family = Family("exit 3", "exec sleep 60", "exec sleep 60")
    ended(family, 0)
    status = guard(family.pids[0], signals(signal.SIGCHLD), family.children, family.wait)  # type: ignore[arg-type]
    assert (os.waitstatus_to_exitcode(status), family.left) == (3, [])


def test_term_ends_the_program_too() -> None:
    family = Family("exec sleep 60", "exec sleep 60")
    status = guard(family.pids[0], signals(signal.SIGTERM), family.children, family.wait)  # type: ignore[arg-type]
    assert (os.waitstatus_to_exitcode(status), family.left) == (-9, [])


def test_another_child_that_ends_is_not_the_program() -> None:
    family = Family("exec sleep 60", "exit 0")
    ended(family, 1)
    given = signals(signal.SIGCHLD, signal.SIGTERM)
    assert guard(family.pids[0], given, family.children, family.wait) == signal.SIGKILL  # type: ignore[arg-type]


def test_who_cannot_be_killed_is_not_tried_for_ever() -> None:
    family = Family()
    status = guard(1, signals(signal.SIGTERM), lambda: [999_999_999], family.wait)  # type: ignore[arg-type]
    assert status == signal.SIGKILL


def test_signals_wait_until_they_are_asked_for() -> None:
    def hold_and_ask() -> None:
        hold_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.sigwait([signal.SIGTERM]) == signal.SIGTERM
        release_signals()
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    assert in_child(hold_and_ask) == 0  # a fork has one thread: no other one takes the signal


def test_it_knows_its_children() -> None:
    child = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    try:
        known: Iterable[int] = own_children()
        assert child in known or Path(f"/proc/self/task/{os.getpid()}").exists()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
