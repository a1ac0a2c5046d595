"""People's own tools in tests: a file of them in a folder, loaded into a worker."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.definitions.tool_files import PythonUse, read_tool_file
from agentcli.engine.ports import Tool
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.gates import Gates
from agentcli.tools.own import OwnTools, Wanted
from agentcli.tools.registry import Selection, ToolRegistry
from agentcli.tools.worker.crew import Crew
from agentcli.tools.worker.process import Surroundings

HEAD = "from agentcli import tool\n"
FILE = "tools/own.py"


@dataclass
class Loaded:
    """The tools of one file, in a worker that may be asked."""

    crew: Crew
    tools: Selection
    printed: bytearray = field(default_factory=bytearray)

    def get(self, name: str) -> Tool:
        found = self.tools.get(name)
        assert found is not None
        return found

    async def call(self, name: str, /, **arguments: Any) -> ToolResult:
        tool = self.get(name)
        return await tool.call(tool.parse(arguments))


def write(home: Path, source: str, path: str = FILE) -> Path:
    """A file of tools in a project's folder."""
    place = home / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(HEAD + source)
    return place


def crew_of(home: Path, *, environ: Mapping[str, str] | None = None, **changes: Any) -> tuple[Crew, Wanted, bytearray]:
    """A worker for the file that `write` wrote, not started yet."""
    file = read_tool_file(home, PythonUse(FILE))
    wanted, printed = Wanted(str(home), {FILE: file}), bytearray()
    about = Surroundings({"PATH": os.environ["PATH"], **(environ or {})}, home, printed.extend, grace=0.1)
    return Crew(wanted.to_json(), about, **changes), wanted, printed


@asynccontextmanager
async def loaded(
    home: Path,
    source: str,
    *,
    gates: Gates | None = None,
    recorded: Sequence[ToolSpec] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Loaded]:
    """The file's tools, loaded; nothing of the worker is left afterwards."""
    write(home, source)
    crew, wanted, printed = crew_of(home, environ=environ)
    try:
        own = OwnTools(wanted, await crew.loaded(), crew, recorded)
        workspace = Workspace(home)
        use = SimpleNamespace(name="python", options={"path": FILE})
        yield Loaded(crew, ToolRegistry(ToolContext(workspace)).select([use], own, gates), printed)
        workspace.close()
    finally:
        await crew.aclose()


class _OnLoop:
    """A tool that lives on a loop of its own: it may be called from any other."""

    def __init__(self, tool: Tool, loop: asyncio.AbstractEventLoop) -> None:
        self._tool = tool
        self._loop = loop

    @property
    def spec(self) -> ToolSpec:
        return self._tool.spec

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._tool.parse(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._tool.call(arguments), self._loop))


@contextmanager
def on_a_loop(home: Path, source: str, name: str) -> Iterator[Tool]:
    """One tool of a file, for tests that run loops of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    entered = loaded(home, source)
    try:
        tools = asyncio.run_coroutine_threadsafe(entered.__aenter__(), loop).result()
        yield _OnLoop(tools.get(name), loop)
    finally:
        asyncio.run_coroutine_threadsafe(entered.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


ECHO = """
@tool(effects="read-only")
def echo(text: str) -> str:
    return text
"""


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
