"""The worker of one run: started when it is needed, replaced when it is gone; and what its end means for calls."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agentcli.core.declaring import Declared
from agentcli.core.tools import Effects, ToolResult
from agentcli.core.values import value
from agentcli.errors import DefinitionError, StorageError, ToolError, ToolTimeoutError, sentence
from agentcli.tools.by_schema import SchemaArguments
from agentcli.tools.worker.process import Surroundings, Worker, WorkerGoneError

LOAD_SECONDS: Final = 60.0
"""How long importing people's files may take."""

TRIES: Final = 3
"""How often a call that changes nothing, or the same again, is begun where another call's end took the worker along."""

_FRAME = re.compile(r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d+)', re.MULTILINE)
_CODES: Final = {
    "import": "E-TOOL-IMPORT",
    "declaration": "E-TOOL-DECLARATION",
    "signature": "E-TOOL-SIGNATURE",
}


class RemoteError(Exception):
    """What was raised in the worker; its text is the trace."""


@value(frozen=True, slots=True)
class Loaded:
    """What a worker has loaded: the tools' declarations and descriptions by name, and the files that took part."""

    tools: dict[str, tuple[Declared, dict[str, Any]]]
    files: tuple[str, ...]


class Crew:
    """Calls people's tools. Closed with `aclose`, after which nothing that they started is left."""

    def __init__(self, wanted: Sequence[dict[str, Any]], about: Surroundings, load_seconds: float = LOAD_SECONDS):
        self._wanted = list(wanted)
        self._about = about
        self._load_seconds = load_seconds
        self._worker: Worker | None = None
        self._loaded: Loaded | None = None
        self._ready = asyncio.Lock()
        self._suspects = asyncio.Lock()

    async def loaded(self) -> Loaded:
        """What there is. Raises DefinitionError with the place of what cannot be loaded."""
        _, loaded = await self._get_ready()
        return loaded

    async def reload(self, wanted: Sequence[dict[str, Any]]) -> Loaded:
        """Go on with other files, in a new worker. Calls under way end as if the worker had been stopped."""
        self._wanted = list(wanted)
        if self._worker is not None:
            self._worker.stop()
        return await self.loaded()

    async def aclose(self) -> None:
        """End the worker. May be called again."""
        if self._worker is not None:
            self._worker.stop()
            await self._worker.ended()

    async def call(self, tool: Tooling, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it. Raises ToolError."""
        for attempt in range(1, TRIES + 1):
            worker, _ = await self._get_ready()
            try:
                return await self._once(worker, tool, arguments)
            except WorkerGoneError as gone:
                innocent = gone.stopped or gone.calls > 1
                if not innocent or tool.effects == "irreversible" or attempt == TRIES:
                    raise _crashed(tool, gone).in_call(tool.name, arguments) from gone
                if not gone.stopped:
                    async with self._suspects:  # one after the other: the one that crashes it is then alone
                        return await self._alone(tool, arguments)
        raise AssertionError("a call ends in its last attempt")

    async def _alone(self, tool: Tooling, arguments: Mapping[str, Any]) -> ToolResult:
        try:
            worker, _ = await self._get_ready()
            return await self._once(worker, tool, arguments)
        except WorkerGoneError as gone:
            raise _crashed(tool, gone).in_call(tool.name, arguments) from gone

    async def _once(self, worker: Worker, tool: Tooling, arguments: Mapping[str, Any]) -> ToolResult:
        request = {"do": "call", "tool": tool.name, "arguments": dict(arguments)}
        try:
            async with asyncio.timeout(tool.timeout) as timeout:
                reply = await worker.ask(request)
        except (TimeoutError, asyncio.CancelledError) as error:
            worker.stop()  # a thread cannot be stopped, a process can
            if isinstance(error, TimeoutError) and timeout.expired():
                raise _timed_out(tool).in_call(tool.name, arguments) from None
            raise
        if "error" in reply:
            raise _failed(tool, arguments, reply["error"])
        return ToolResult(reply["content"], data=reply["data"])

    async def _get_ready(self) -> tuple[Worker, Loaded]:
        async with self._ready:
            if self._worker is not None and self._loaded is not None and self._worker.usable:
                return self._worker, self._loaded
            if self._worker is not None:
                self._worker.stop()
                await self._worker.ended()  # what was stopped is over before anything begins anew
            self._worker, self._loaded = await self._started(), None
            try:
                self._loaded = await self._load(self._worker)
            except BaseException:
                self._worker.stop()
                raise
            return self._worker, self._loaded

    async def _started(self) -> Worker:
        try:
            return await Worker.start(self._about)
        except OSError as error:
            raise StorageError(
                "E-TOOL-WORKER",
                "The process that Python tools run in cannot be started.",
                why=sentence(error.strerror or str(error)),
                fix=f"Check that {self._about.folder} is there, and that the system lets processes start.",
            ) from error

    async def _load(self, worker: Worker) -> Loaded:
        try:
            async with asyncio.timeout(self._load_seconds):
                reply = await worker.ask({"do": "load", "tools": self._wanted})
        except TimeoutError:
            raise self._not_loaded(f"It was not done after {self._load_seconds:g} s.") from None
        except WorkerGoneError as gone:
            raise self._not_loaded(f"Its process {_end_of(gone)}.", gone) from gone
        if "error" in reply:
            raise _unloadable(reply["error"])
        tools = {tool["name"]: (_declared(tool.pop("declared")), tool) for tool in reply["tools"]}
        return Loaded(tools, tuple(reply["files"]))

    def _not_loaded(self, why: str, gone: WorkerGoneError | None = None) -> DefinitionError:
        names = [str(one.get("file") or one.get("module")) for one in self._wanted]
        frames = _frames(gone.said) if gone is not None else iter(())
        file, line = next((frame for frame in frames if frame[0] in names), (names[0], None))
        return DefinitionError(
            "E-TOOL-IMPORT",
            "The tools cannot be loaded.",
            why=why,
            fix="What runs when the file is imported must come to an end; leave the work to the functions.",
            file=file,
            line=line,
        )


@value(frozen=True, slots=True)
class Tooling:
    """What a call needs to know of its tool. `home` is the folder that files are told of from; empty for a package."""

    name: str
    effects: Effects
    timeout: float | None
    arguments: SchemaArguments
    home: str = ""

    def place(self, file: str | None, line: int | None) -> str:
        """`tools/weather.py:12`, for a file of the tool's own; empty for any other one."""
        inside = file is not None and bool(self.home) and file.startswith(f"{self.home}{os.sep}")
        return f"{file[len(self.home) + 1 :]}:{line}" if file is not None and inside else ""


def _declared(value: dict[str, Any]) -> Declared:
    return Declared(**{**value, "examples": tuple(value["examples"])})


def _failed(tool: Tooling, arguments: Mapping[str, Any], error: dict[str, Any]) -> ToolError:
    if error["kind"] == "arguments":
        return tool.arguments.wrong(arguments, error["message"])
    if error["kind"] == "result":
        what, fix = f"`{tool.name}` gave back what cannot be told.", "Go on without it, or ask it for less."
        return ToolError("E-TOOL-RESULT", what, why=sentence(error["message"]), fix=fix).in_call(tool.name, arguments)
    said = " ".join(error["message"].split())
    place = tool.place(error["file"], error["line"])
    found = ToolError(
        "E-TOOL-FAILED",
        sentence(f"`{tool.name}` failed: {error['type']}{f': {said}' if said else ''}"),
        why=f"It was at {place}." if place else "",
        fix="Change the arguments, or go on without it.",
    )
    found.__cause__ = RemoteError(error["traceback"])
    found.details = {name: error[name] for name in ("type", "message", "file", "line", "traceback")}
    return found.in_call(tool.name, arguments)


def _timed_out(tool: Tooling) -> ToolError:
    return ToolTimeoutError(
        "E-TOOL-TIMEOUT",
        f"`{tool.name}` did not end within {tool.timeout:g} s and was stopped.",
        fix="Ask it for less, or go on without it.",
    )


def _crashed(tool: Tooling, gone: WorkerGoneError) -> ToolError:
    """The call's process ended. Of what cannot be taken back nobody knows then whether it happened."""
    place = next((place for frame in _frames(gone.said) if (place := tool.place(*frame))), "")
    at = f" at {place}" if place else ""
    why = "Another call's end took it along." if gone.stopped else f"Its process {_end_of(gone)}{at}."
    kind = ToolTimeoutError if tool.effects == "irreversible" else ToolError
    return kind(
        "E-TOOL-CRASHED",
        f"`{tool.name}` did not come to its end.",
        why=why,
        fix="Change the arguments, or go on without it.",
    )


def _end_of(gone: WorkerGoneError) -> str:
    if gone.exit_code is None:
        return "ended"
    if gone.exit_code >= 0:
        return f"ended itself with exit code {gone.exit_code}"
    try:
        return f"was ended by {signal.Signals(-gone.exit_code).name}"
    except ValueError:
        return f"was ended by signal {-gone.exit_code}"


def _frames(said: str) -> Iterator[tuple[str, int]]:
    """The files and lines of the trace that Python leaves of a crash, the newest call first."""
    _, found, trace = said.rpartition("Fatal Python error")
    for match in _FRAME.finditer(trace) if found else ():
        yield match["file"], int(match["line"])


def _unloadable(error: dict[str, Any]) -> DefinitionError:
    if error["kind"] == "import":
        what = f"The tools cannot be loaded: {error['type']}."
        fix = "Correct it there, or install what is missing into the environment that agentcli runs in."
    else:
        what, fix = "The tools cannot be used as they stand.", "See docs/own-tools.md."
    found = DefinitionError(
        _CODES[error["kind"]],
        what,
        why=sentence(" ".join(error["message"].split())),
        fix=fix,
        file=error.get("file") or error["whose"],
        line=error.get("line"),
        column=error.get("column"),
    )
    found.__cause__ = RemoteError(error["traceback"]) if error.get("traceback") else None
    return found
