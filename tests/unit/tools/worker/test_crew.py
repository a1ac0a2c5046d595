"""Calls in the worker of a run: results, failures, and what is told of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentcli.errors import ToolArgumentsError
from agentcli.tools.worker.answers import MAX_RESULT
from tests.fakes.own_tools import ECHO, failed, loaded, still_works, write


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
    assert error.info.what == "`divide` failed: ZeroDivisionError: division by zero."
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
