"""The end of a worker, whatever people's code does to it: crashes, hangs, daemons, and `kill -9`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from agentcli.errors import ToolError, ToolTimeoutError
from agentcli.tools.gates import Gates
from tests.fakes.own_tools import ECHO, Lives, alive, failed, loaded, still_works


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(3)", "Its process ended itself with exit code 3."),
        ("ctypes.string_at(0)", "Its process was ended by SIGSEGV at tools/own.py:5."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Its process was ended by SIGKILL."),
    ],
)
async def test_a_crash_is_told_and_the_worker_replaced(home: Path, body: str, said: str) -> None:
    source = f"import os, ctypes, signal\n@tool(effects='read-only')\ndef crash() -> None:\n    {body}\n{ECHO}"
    async with loaded(home, source) as tools:
        error = await failed(tools, "crash")
        assert (error.code, error.info.why, error.status) == ("E-TOOL-CRASHED", said, "error")
        assert await still_works(tools)


async def test_of_a_crash_that_cannot_be_taken_back_nobody_knows_what_happened(home: Path) -> None:
    async with loaded(home, "import os\n@tool\ndef send() -> None:\n    os._exit(0)\n") as tools:
        error = await failed(tools, "send")
    assert (type(error), error.code, error.status) == (ToolTimeoutError, "E-TOOL-CRASHED", "timeout")


async def test_calls_beside_one_that_crashes_are_done_again_alone(home: Path) -> None:
    source = f"""
import os, threading
all_there = threading.Barrier(4, timeout=20)
@tool(effects="read-only")
def meet(number: int) -> int:
    if not os.path.exists("met"):
        all_there.wait()
        if number == 0:
            open("met", "w")
            os._exit(1)
        threading.Event().wait()
    if number == 0:
        os._exit(1)
    return number
{ECHO}"""
    async with loaded(home, source) as tools:
        results = await asyncio.gather(*(tools.call("meet", number=n) for n in range(4)), return_exceptions=True)
        assert isinstance(results[0], ToolError)
        assert [getattr(result, "data", result) for result in results[1:]] == [1, 2, 3]


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); threading.Event().wait()",
        "ctypes.PyDLL(None).pause()",
    ],
    ids=["loop", "blocks TERM", "holds the interpreter"],
)
async def test_a_call_that_does_not_end_is_stopped_with_its_process(home: Path, body: str) -> None:
    lives = Lives(home)
    source = f"""
import ctypes, signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
@tool(effects="read-only", timeout=0.7)
def hang() -> None:
    global kept
    kept = {alive(home).removesuffix(".write(b'.')")}; kept.write(b".")
    {body}
{ECHO}"""
    async with loaded(home, source) as tools:
        error = await failed(tools, "hang")
        assert (type(error), error.code) == (ToolTimeoutError, "E-TOOL-TIMEOUT")
        assert error.info.what == "`hang` did not end within 0.7 s and was stopped."
        assert await still_works(tools)
        await lives.begun()
        await lives.over()


async def test_a_cancelled_call_is_stopped_with_its_process(home: Path) -> None:
    lives = Lives(home)
    source = f"""
import threading
@tool
def hang() -> None:
    global kept
    kept = open({str(home.parent / "alive")!r}, "wb", 0); kept.write(b".")
    threading.Event().wait()
{ECHO}"""
    async with loaded(home, source) as tools:
        call = asyncio.create_task(tools.call("hang"))
        await lives.begun()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await lives.over()
        assert await still_works(tools)


DAEMON = """
import os, threading
@tool
def leave(hold: bool) -> str:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            kept = open(ALIVE, "wb", 0); kept.write(b".")
            threading.Event().wait()
        os._exit(0)
    return "left"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")
async def test_a_daemon_ends_with_the_run(home: Path) -> None:
    lives = Lives(home)
    source = f"ALIVE = {str(home.parent / 'alive')!r}\n{DAEMON}{ECHO}"
    async with loaded(home, source) as tools:
        assert (await tools.call("leave", hold=True)).content == "left"
        assert await still_works(tools)
        await lives.begun()
    await lives.over()


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.fakes.own_tools import crew_of, loaded

async def main():
    async with loaded(Path(sys.argv[1]), Path(sys.argv[2]).read_text()) as tools:
        await tools.call("leave", hold=True)
        await tools.call("hang")

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")
async def test_nothing_outlives_agentcli_also_when_that_is_killed(home: Path) -> None:
    lives = Lives(home)
    source = f"""
ALIVE = {str(home.parent / "alive")!r}
{DAEMON}
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
@tool
def hang() -> None:
    kept = open(ALIVE, "wb", 0); kept.write(b".")
    while True: pass
"""
    (home / "source").write_text(source)
    repository = Path(__file__).parents[4]
    words = ("-c", PARENT, str(home), str(home / "source"))
    parent = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=repository)
    try:
        await lives.begun(2)
    finally:
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
    await lives.over()


async def test_a_worker_killed_amid_a_call_is_replaced_for_it(home: Path) -> None:
    source = f"""
import os
@tool(effects="read-only", retries=1)
def once() -> str:
    if not os.path.exists("tried"):
        open("tried", "w").write(str(os.getpid()))
        os.kill(os.getppid(), 9)
        while True: pass
    return "twice"
{ECHO}"""

    async def at_once(_seconds: float) -> None: ...

    async with loaded(home, source, gates=Gates(sleep=at_once)) as tools:
        result = await tools.call("once")
    assert (result.content, result.how) == ("twice", {"attempts": 2})
