"""Who ends what a program has started, where no namespace does."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from agentcli.sandbox.processes.guardian import Domain, can_signal, guard, hold_signals, release_signals
from agentcli.sandbox.processes.identity import this_machine
from agentcli.sandbox.processes.kernel import Kernel
from agentcli.sandbox.processes.landlock import SCOPES_SINCE
from tests.fakes.forked import in_child
from tests.fakes.remembering_kernel import RememberingKernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")


class Family:
    """Processes that really run, and a wait for them alone: the test's own process may have other children."""

    def __init__(self, *commands: str) -> None:
        self.pids = [os.posix_spawn("/bin/sh", ["sh", "-c", command], {}) for command in commands]
        self.left = list(self.pids)

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

    def kill_all(self) -> None:
        for one in self.left:
            os.kill(one, signal.SIGKILL)


def guarded(family: Family, *given: int) -> int:
    """The program's exit code. A family is its own domain: it can kill nobody else."""
    numbers = iter(given)
    status = guard(family.pids[0], family, lambda waited_for: next(numbers), family.wait)  # type: ignore[arg-type]
    return os.waitstatus_to_exitcode(status)


def ended(family: Family, number: int) -> None:
    os.waitid(os.P_PID, family.pids[number], os.WEXITED | os.WNOWAIT)


def test_the_program_ends_and_what_is_left_is_killed() -> None:
    family = Family("exit 3", "exec sleep 60", "exec sleep 60")
    ended(family, 0)
    assert (guarded(family, signal.SIGCHLD), family.left) == (3, [])


def test_term_ends_the_program_too() -> None:
    family = Family("exec sleep 60", "exec sleep 60")
    assert (guarded(family, signal.SIGTERM), family.left) == (-9, [])


def test_another_child_that_ends_is_not_the_program() -> None:
    family = Family("exec sleep 60", "exit 0")
    ended(family, 1)
    assert (guarded(family, signal.SIGCHLD, signal.SIGTERM), family.left) == (-9, [])


def test_a_program_that_somebody_else_waited_for_was_killed() -> None:
    family = Family("exit 0")
    os.waitpid(family.left.pop(), 0)
    assert guarded(family, signal.SIGTERM) == -9


class Permissive(RememberingKernel):
    """Has no Landlock in force, whatever it is told."""


@pytest.mark.parametrize("answers", [(True, True), (False, False)])
def test_where_signals_are_not_kept_in_there_is_no_domain(answers: tuple[bool, bool]) -> None:
    said = iter(answers)
    with pytest.raises(OSError, match="signals are not kept in"):
        Domain(Permissive(), lambda pid: next(said))  # type: ignore[arg-type]


def test_of_a_domain_that_is_real_only_its_own_are_killed() -> None:
    """In a fork: a domain cannot be left. The one outside it, this process, cannot be sent a signal from inside."""
    if this_machine().landlock < SCOPES_SINCE:
        pytest.skip("only on Linux 6.12 and newer")
    outside = Family("exec sleep 60")

    def enter_and_kill() -> None:
        domain = Domain(Kernel())
        assert not can_signal(os.getppid())
        assert not can_signal(outside.pids[0])
        inside = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
        assert can_signal(inside)
        # The one call that would reach everybody is made only now that it is sure to reach nobody else.
        domain.kill_all()
        assert os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]) == -signal.SIGKILL
        domain.kill_all()

    try:
        assert in_child(enter_and_kill) == 0
        assert os.waitpid(outside.pids[0], os.WNOHANG) == (0, 0)
    finally:
        os.kill(outside.pids[0], signal.SIGKILL)
        os.waitpid(outside.pids[0], 0)


def test_signals_wait_until_they_are_asked_for() -> None:
    def hold_and_ask() -> None:
        hold_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.sigwait([signal.SIGTERM]) == signal.SIGTERM
        release_signals()
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    assert in_child(hold_and_ask) == 0  # a fork has one thread: no other one takes the signal
