"""Processes that the launcher starts and waits for."""

from __future__ import annotations

import os
import resource

import pytest

from agentcli.sandbox.processes.forks import bound_child, child_pid, open_gate, status_of, told
from agentcli.sandbox.processes.kernel import user_namespace
from tests.fakes.remembering_kernel import EndedError, RememberingKernel, gate


@pytest.fixture
def kernel() -> RememberingKernel:
    return RememberingKernel()


def test_a_child_whose_parent_is_gone_already_ends() -> None:
    kernel = RememberingKernel(children=(0,), parent_lives=False)
    with pytest.raises(EndedError):
        bound_child(kernel)  # type: ignore[arg-type]
    assert kernel.calls == [("fork",), ("die_with_parent", 9), ("exit", 1)]


def test_who_is_in_a_user_namespace_is_gone_when_it_is_open_or_refused() -> None:
    kernel = RememberingKernel(sleeper=os.getpid())
    with pytest.raises(OSError, match=r"Invalid argument|not permitted"):
        user_namespace(kernel, "0", "0", "5", "5")  # type: ignore[arg-type]
    assert kernel.calls == [("sleeper", 0x10000000), ("kill", os.getpid(), 9), ("wait", os.getpid(), 0)]


def test_a_wait_status_is_told_in_words() -> None:
    assert (told(0), told(7 << 8), told(9)) == ("exit 0", "exit 7", "signal 9")
    kernel = RememberingKernel(waits=((5, 9),))
    assert status_of(kernel, 5) == 9  # type: ignore[arg-type]


def test_bwraps_information_is_read_without_json() -> None:
    assert child_pid(b'{\n    "child-pid": 42,\n    "net-namespace": 4026531840\n}') == "42"
    assert child_pid(b'{"child-pid":42}') == "42"
    assert child_pid(b"") == ""


def test_the_gate_opens_when_the_limits_are_set(kernel: RememberingKernel) -> None:
    info, opens, waits = gate(b'{"child-pid": 42}')
    assert open_gate(kernel, info, opens, ("RLIMIT_CPU", "1", "2", "RLIMIT_CORE", "0", "0")) == "42"  # type: ignore[arg-type]
    assert kernel.calls == [
        ("limit", 42, resource.RLIMIT_CPU, (1, 2)),
        ("limit", 42, resource.RLIMIT_CORE, (0, 0)),
    ]
    assert os.read(waits, 10) == b"."


def test_the_gate_stays_shut_where_there_is_nobody(kernel: RememberingKernel) -> None:
    info, opens, waits = gate(b"")
    assert open_gate(kernel, info, opens, ()) == ""  # type: ignore[arg-type]
    info, opens, waits = gate(b'{"child-pid": 42}')
    os.close(waits)
    assert open_gate(kernel, info, opens, ()) == "42"  # type: ignore[arg-type]
