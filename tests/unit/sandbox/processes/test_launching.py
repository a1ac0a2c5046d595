"""How the helper starts, and how it becomes bwrap behind a gate."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import agentcli
from agentcli.sandbox.processes.launching import interpreter
from tests.fakes.remembering_kernel import EndedError, RememberingKernel, gate
from tests.unit.sandbox.processes.test_launcher import launched, reported


def test_its_start_loads_next_to_nothing() -> None:
    """Each of these takes milliseconds, and every confined program waits for them."""
    heavy = ("typing", "re", "enum", "json", "dataclasses", "pathlib", "contextlib", "collections", "subprocess")
    code = (
        "import sys; sys.path.append(sys.argv[1]); import agentcli.sandbox.processes.launcher; "
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    place = str(Path(agentcli.__file__).parents[1])
    loaded = subprocess.run([interpreter(), "-I", "-S", "-c", code, place], capture_output=True, check=True)
    assert loaded.stdout == b"\n"


@pytest.mark.parametrize(("info", "said"), [(b'{"child-pid": 42}', b"init 42\n"), (b"", b"")])
def test_a_child_keeps_the_gate_tells_of_the_first_process_and_ends(
    info: bytes, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getppid", os.getpid)  # the fork is none
    kernel = RememberingKernel(children=(0,))
    launcher = launched(kernel)
    ours = reported(launcher)
    reads, opens, waits = gate(info)
    told_info = os.open("/dev/null", os.O_WRONLY)
    with pytest.raises(EndedError):
        launcher.do(("gate", str(reads), str(told_info), str(os.dup(waits)), str(opens)))
    launcher.say(".")
    assert os.read(ours, 100) == said + b".\n"
    assert kernel.calls == [("fork",), ("die_with_parent", 9), ("exit", 0)]


def test_a_gate_whose_bwrap_is_gone_already_is_kept_by_nobody() -> None:
    kernel = RememberingKernel(children=(0,))
    reads, opens, waits = gate(b'{"child-pid": 42}')
    with pytest.raises(EndedError):
        launched(kernel).do(("gate", str(reads), str(os.dup(waits)), str(os.dup(waits)), str(opens)))
    assert kernel.calls == [("fork",), ("die_with_parent", 9), ("exit", 1)]
    os.set_blocking(waits, False)
    with pytest.raises(BlockingIOError):
        os.read(waits, 1)


def test_behind_the_gate_only_what_bwrap_needs_is_open() -> None:
    kernel = RememberingKernel(children=(9,))
    reads, opens, waits = gate(b"")
    launched(kernel).do(("gate", str(reads), "-1", str(waits), str(opens)))
    assert kernel.calls == [("fork",)]
    for closed in (reads, opens):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(closed)
    os.fstat(waits)
