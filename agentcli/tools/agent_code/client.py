"""Runs the code of a custom agent, inside the sandbox. Handed to the interpreter as a text: the standard library alone.

Standard input is the line to the engine, both ways: JSON in frames, each with its length before it. The code never sees
it as such: its own standard input is empty.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import struct
import sys
import threading
import traceback
import types
from typing import Any, NoReturn

MOST = 1 << 20
"""Bytes of one frame from here."""

_MESSAGE, _TRACE = 2_000, 20_000
_LENGTH = struct.Struct(">I")


class FailedError(Exception):
    """What was asked for came to nothing. `status` is `error`, `denied` or `timeout`; the message says why."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Agent:
    """What the code of an agent works with: `run(agent, task)` is given one."""

    Failed = FailedError

    def __init__(self, line: Line, task: str, inputs: dict[str, Any]) -> None:
        self._line = line
        self.task = task
        self.inputs = inputs

    def ask(
        self,
        prompt: str,
        *,
        instructions: str | None = None,
        schema: dict[str, Any] | None = None,
        tools: list[str] | None = None,
    ) -> Any:
        """Ask the agent's model, which may use its tools on the way: the answer as text, or as a value of `schema`.

        `instructions` replaces those of the template; `tools` are the names of those it may use, [] for none. Raises
        `Failed` where no answer fits the schema.
        """
        asked = {"prompt": prompt, "instructions": instructions, "schema": schema, "tools": tools}
        return self._line.request({"wants": "ask", **asked})

    def tool(self, name: str, /, **arguments: Any) -> Any:
        """Call one of the agent's tools: its result as text. Raises `Failed`."""
        return self._line.request({"wants": "tool", "name": name, "arguments": arguments})

    def say(self, text: str) -> None:
        """Show a line to whoever follows the run."""
        self._line.request({"wants": "say", "text": str(text)})


class Line:
    """The line to the engine. One request at a time: threads take turns."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._turn = threading.Lock()

    def request(self, wanted: dict[str, Any]) -> Any:
        """What the engine gives. Raises Failed; TypeError or ValueError for what is no JSON or too much."""
        data = packed(wanted)
        with self._turn:
            self.send(data)
            given = self.hear()
        if "failed" in given:
            raise FailedError(given["failed"]["status"], given["failed"]["message"])
        return given["value"]

    def send(self, data: bytes) -> None:
        """One frame."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def hear(self) -> dict[str, Any]:
        """The next frame; without an engine there is nothing left to do."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        found: dict[str, Any] = json.loads(self._read(length))
        return found

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = os.read(self._descriptor, count - len(data))
            if not more:
                os._exit(1)
            data += more
        return data


def packed(value: dict[str, Any]) -> bytes:
    """A message as a frame. Raises TypeError or ValueError."""
    try:
        data = json.dumps(value, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if len(data) > MOST:
        raise ValueError(f"it has {len(data):,} bytes as JSON; at most {MOST:,} can be said at once")
    return _LENGTH.pack(len(data)) + data


def main() -> NoReturn:
    """Take the line, run the code, say how it ended."""
    line = Line(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    given = line.hear()
    line.send(outcome(line, given))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the code may have closed it
            stream.flush()
    os._exit(0)  # threads that still run are not waited for


def outcome(line: Line, given: dict[str, Any]) -> bytes:
    """How the code ended, as a frame."""
    name, text = given["name"], given["text"]
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space: dict[str, Any] = {"__name__": "agent_code", "__file__": name, "Failed": FailedError}
    try:
        types.FunctionType(compile(text, name, "exec", dont_inherit=True), space)()
        output = space["run"](Agent(line, given["task"], given["inputs"]), given["task"])
    except BaseException as error:
        return packed(raised(error, name))
    try:
        return packed({"wants": "end", "output": output})
    except (TypeError, ValueError) as error:
        told = {"kind": "output", "message": f"{error}"[:_MESSAGE], "line": None, "trace": ""}
        return packed({"wants": "fail", **told})


def raised(error: BaseException, name: str) -> dict[str, Any]:
    """The error in words, the line of the code that it came through last, and Python's report of it."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == name else None
    found = traceback.extract_tb(error.__traceback__)
    for frame in found:
        line = frame.lineno if frame.filename == name else line
    own = [frame for frame in found if frame.filename != raised.__code__.co_filename]
    report = [*traceback.format_list(own), *traceback.format_exception_only(error)]
    try:
        message = str(error)
    except Exception:
        message = ""
    kind = type(error).__name__
    told = {"kind": kind[:_MESSAGE], "message": message[:_MESSAGE], "line": line, "trace": "".join(report)[-_TRACE:]}
    return {"wants": "fail", **told}


if __name__ == "__main__":
    main()
