"""Ctrl-C and SIGTERM, in a process of their own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from agentcli.cli.interrupts import Stopped, run_to_end

async def work():
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        {on_cancel}

try:
    print("result", run_to_end(work(), on_stop=lambda code: print("stop", code, flush=True),
                               on_kill=lambda: print("kill", flush=True)), flush=True)
except Stopped as stopped:
    print("stopped", stopped.exit_code, flush=True)
"""


def start(on_cancel: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(on_cancel=on_cancel)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_work_that_was_stopped_says_by_what(number: signal.Signals, code: int) -> None:
    process = start("raise")
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == f"stop {code}\nstopped {code}\n"


def test_work_may_still_give_its_result() -> None:
    process = start("return 'cancelled in order'")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "stop 130\nresult cancelled in order\n"


def test_a_second_signal_ends_at_once() -> None:
    process = start("print('hanging', flush=True); await asyncio.Event().wait()")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["stop 130\n", "hanging\n"]
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "kill\n"
    assert process.returncode == 143


def test_a_cancellation_from_within_is_no_signal() -> None:
    import asyncio

    from agentcli.cli.interrupts import run_to_end

    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_to_end(work())
