"""The worker of a run under everything that people's code may do to it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from agentcli.errors import DefinitionError, ToolArgumentsError, ToolError, ToolTimeoutError
from agentcli.tools.gates import Gates
from agentcli.tools.worker.answers import MAX_RESULT
from tests.fakes.own_tools import FILE, Loaded, crew_of, loaded, write

ECHO = """
@tool(effects="read-only")
def echo(text: str) -> str:
    return text
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    os.mkfifo(tmp_path / "alive")
    return folder


async def failed(tools: Loaded, name: str, /, **arguments: object) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await tools.call(name, **arguments)
    return caught.value


async def still_works(tools: Loaded) -> bool:
    return (await tools.call("echo", text="on")).content == "on"


def alive(home: Path) -> str:
    """Source of a line that holds the pipe `alive` open for as long as the process lives."""
    return f"open({str(home.parent / 'alive')!r}, 'wb', 0).write(b'.')"


class Lives:
    """Who holds the pipe `alive` open: told when the first does, and when nobody does any more."""

    def __init__(self, home: Path) -> None:
        self._descriptor = os.open(home.parent / "alive", os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._descriptor, True)

    async def begun(self, count: int = 1) -> None:
        for _ in range(count):  # nothing is to be read as long as nobody has opened it
            await asyncio.to_thread(select.select, [self._descriptor], [], [], 30)
            assert await asyncio.to_thread(os.read, self._descriptor, 1) == b"."

    async def over(self) -> None:
        while await asyncio.to_thread(os.read, self._descriptor, 4096):
            pass
        os.close(self._descriptor)


async def test_results_are_texts_or_json_and_calls_run_side_by_side(home: Path) -> None:
    source = """
import asyncio, threading
both, ready = threading.Barrier(2, timeout=20), asyncio.Event()

@tool(effects="read-only")
def meet(name: str) -> dict[str, str]:
    both.wait()
    return {"name": name}

@tool(effects="read-only")
async def wait_for_it() -> str:
    await ready.wait()
    return "it came"

@tool(effects="read-only")
async def come() -> None:
    ready.set()
"""
    async with loaded(home, source) as tools:
        waiting = asyncio.create_task(tools.call("wait_for_it"))
        one, two = await asyncio.gather(tools.call("meet", name="a"), tools.call("meet", name="b"))
        assert (one.content, one.data, two.data) == ('{"name": "a"}', {"name": "a"}, {"name": "b"})
        assert (await tools.call("come")).content == "done"
        assert (await waiting).content == "it came"


async def test_a_file_imports_what_lies_beside_it_and_in_the_project(home: Path) -> None:
    write(home, "WORD = 'beside'", "tools/helper.py")
    write(home, "WORD = 'above'", "shared/words.py")
    source = "import helper\nfrom shared import words\n@tool\ndef say() -> str:\n    return helper.WORD + words.WORD\n"
    async with loaded(home, source) as tools:
        assert (await tools.call("say")).content == "besideabove"
        files = (await tools.crew.loaded()).files
        assert {Path(file).name for file in files} == {"own.py", "helper.py", "words.py"}
    assert not (home / "tools" / "__pycache__").exists()


async def test_what_a_tool_prints_is_no_part_of_its_answer(home: Path) -> None:
    source = """
import os, subprocess, sys
@tool(effects="read-only")
def talk() -> str:
    print("to out"); sys.stderr.write("to err\\n"); os.write(1, b"\\x00\\x00\\x00\\x05{}{}{")
    subprocess.run(["/bin/echo", "from a child"], check=True)
    print("x" * 500_000)
    return sys.stdin.read() + "said"
"""
    async with loaded(home, source) as tools:
        assert (await tools.call("talk")).content == "said"
    assert all(
        words in tools.printed for words in (b"to out\n", b"to err\n", b"{}{}{", b"from a child\n", b"x" * 500_000)
    )


async def test_an_error_carries_the_call_the_cause_and_the_place(home: Path) -> None:
    source = """
@tool(effects="read-only")
def divide(a: int) -> float:
    return helper(a)

def helper(a: int) -> float:
    return 1 / a
"""
    async with loaded(home, source) as tools:
        error = await failed(tools, "divide", a=0)
    assert (error.code, error.tool, error.arguments) == ("E-TOOL-FAILED", "divide", {"a": 0})
    assert error.info.what == "`divide` failed: ZeroDivisionError: division by zero"
    assert error.info.why == "It was at tools/own.py:8."
    assert "return 1 / a" in str(error.__cause__)
    assert error.details["traceback"] == str(error.__cause__)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("raise StopIteration", "StopIteration"),
        ("def f(): f()\n    f()", "RecursionError: maximum recursion depth exceeded"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
async def test_whatever_is_raised_is_told_and_the_worker_goes_on(home: Path, body: str, said: str) -> None:
    source = f"@tool\ndef fail() -> None:\n    {body}\n@tool\nasync def fail_too() -> None:\n    {body}\n{ECHO}"
    async with loaded(home, source) as tools:
        assert said in (await failed(tools, "fail")).info.what
        assert (
            said.split(":")[0].replace("StopIteration", "RuntimeError") in (await failed(tools, "fail_too")).info.what
        )
        assert await still_works(tools)


async def test_arguments_that_only_the_types_refuse_are_told_like_others(home: Path) -> None:
    source = "from datetime import date\n@tool\ndef at(day: date) -> None: ...\n"
    async with loaded(home, source) as tools:
        with pytest.raises(ToolArgumentsError) as caught:
            await tools.call("at", day="2026-02-30")
    assert "`day`: input should be a valid date" in caught.value.info.what
    assert caught.value.info.fix.startswith("A good call: at {")


async def test_results_that_cannot_be_told_are_refused_and_texts_cut(home: Path) -> None:
    source = """
@tool(effects="read-only")
def much(kind: str) -> object:
    return {"text": "x" * 100_000_000, "list": ["x" * 100] * 1_000_000, "object": object()}[kind]
"""
    async with loaded(home, source) as tools:
        text = (await tools.call("much", kind="text")).content
        assert MAX_RESULT < len(text) < MAX_RESULT + 100
        assert text.endswith("[cut: 100,000,000 characters in all]")
        assert "bytes; at most 200,000" in (await failed(tools, "much", kind="list")).info.why
        error = await failed(tools, "much", kind="object")
        assert (error.code, "no JSON" in error.info.why) == ("E-TOOL-RESULT", True)


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
@tool(effects="read-only", timeout=0.3)
def hang() -> None:
    global kept
    kept = {alive(home).removesuffix(".write(b'.')")}; kept.write(b".")
    {body}
{ECHO}"""
    async with loaded(home, source) as tools:
        error = await failed(tools, "hang")
        assert (type(error), error.code) == (ToolTimeoutError, "E-TOOL-TIMEOUT")
        assert error.info.what == "`hang` did not end within 0.3 s and was stopped."
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


@pytest.mark.parametrize(
    ("source", "code", "line", "why"),
    [
        ("import no_such\n@tool\ndef a() -> None: ...", "E-TOOL-IMPORT", 2, "No module named 'no_such'."),
        ("@tool\ndef a() -> None: ...\n1 / 0", "E-TOOL-IMPORT", 4, "Division by zero."),
        ("@tool\ndef a() -> None: ...\nraise SystemExit(2)", "E-TOOL-IMPORT", 4, "2."),
        ("import os\n@tool\ndef a() -> None: ...\nos._exit(4)", "E-TOOL-IMPORT", None, "exit code 4"),
        ("@tool\ndef a(b: 'Nowhere') -> None: ...", "E-TOOL-SIGNATURE", 2, "'Nowhere' is not defined"),
        ("class C: ...\n@tool\ndef a(b: C) -> None: ...", "E-TOOL-SIGNATURE", 3, "no JSON Schema"),
        ("@tool\ndef a() -> None: ...\ndel a", "E-TOOL-DECLARATION", 1, "there is no tool `a`"),
    ],
)
async def test_what_cannot_be_loaded_is_told_with_file_and_line(
    home: Path, source: str, code: str, line: int | None, why: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        async with loaded(home, source):
            pass
    info = caught.value.info
    assert (info.code, info.file, info.line) == (code, str(home / FILE), line)
    assert why.lower() in info.why.lower()


async def test_an_error_in_a_file_beside_it_is_told_there(home: Path) -> None:
    beside = write(home, "x = = 1\n", "tools/helper.py")
    with pytest.raises(DefinitionError) as caught:
        async with loaded(home, "import helper\n@tool\ndef a() -> None: ...\n"):
            pass
    info = caught.value.info
    assert (info.file, info.line, info.column) == (str(beside), 2, 5)
    assert "invalid syntax" in str(caught.value.__cause__)


async def test_an_import_that_does_not_end_is_stopped(home: Path) -> None:
    write(home, "@tool\ndef a() -> None: ...\nwhile True: pass\n")
    crew, _, _ = crew_of(home, load_seconds=0.3)
    with pytest.raises(DefinitionError) as caught:
        await crew.loaded()
    assert (caught.value.code, caught.value.info.why) == ("E-TOOL-IMPORT", "It was not done after 0.3 s.")
    await crew.aclose()


async def test_going_on_with_other_files_is_a_new_worker(home: Path) -> None:
    async with loaded(home, ECHO) as tools:
        write(home, "@tool\ndef other() -> None: ...\n")
        other, wanted, _ = crew_of(home)
        assert set((await tools.crew.reload(wanted.to_json())).tools) == {"other"}
        await other.aclose()


async def test_what_runs_is_the_text_that_was_read(home: Path) -> None:
    write(home, "@tool(effects='read-only')\ndef a() -> str:\n    return 'as read'\n")
    crew, wanted, _ = crew_of(home)
    write(home, "raise SystemExit")
    tools = (await crew.loaded()).tools
    await crew.aclose()
    assert set(tools) == {"a"}
    assert "as read" in wanted.files[FILE].text


async def test_closing_twice_and_before_the_start_is_fine(home: Path) -> None:
    write(home, ECHO)
    crew, _, _ = crew_of(home)
    await crew.aclose()
    await crew.loaded()
    await crew.aclose()
    await crew.aclose()
