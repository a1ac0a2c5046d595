"""The worker: loads people's tools when it is told to, and calls them, many at a time.

A sync function runs in a thread, an async one on the loop. Whatever a call raises, `SystemExit` too, is its answer; the
worker goes on. What is printed goes to the process's own output, which is a log and no part of the conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import importlib
import inspect
import io
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any

from agentcli.tools.worker.answers import ResultError, answer, failure
from agentcli.tools.worker.describing import ArgumentsError, Function
from agentcli.tools.worker.frames import BrokenFrameError, pack, read
from agentcli.tools.worker.loading import LoadError, load, own_files


def serve(descriptor: int) -> None:
    """Answer on the socket until it is closed."""
    os.set_inheritable(descriptor, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    sys.dont_write_bytecode = True  # the project's folders are not ours to write to
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="replace")
    importlib.import_module(
        "docstring_parser"
    )  # now: once a project's folders come first, a file there could pose as it
    faulthandler.enable()
    asyncio.run(_serve(socket.socket(fileno=descriptor)))


async def _serve(channel: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=channel)
    worker = _Worker(writer)
    with contextlib.suppress(BrokenFrameError):
        while (request := await read(reader)) is not None:
            worker.take(request)
    os._exit(0)  # threads that still run are not waited for: nobody is there to hear what they find


class _Worker:
    """The tools that are loaded, and the calls under way."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._tools: dict[str, Function] = {}
        self._folders: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, request: dict[str, Any]) -> None:
        """Begin with a request. Loading holds up everything else: there is nothing to call before."""
        work = self._load(request) if request["do"] == "load" else self._call(request)
        task = asyncio.create_task(self._answered(request["id"], work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answered(self, number: int, work: Coroutine[Any, Any, dict[str, Any]]) -> None:
        reply = await work
        self._writer.write(pack({"id": number, **reply}))
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        self._folders = [folder for one in request["tools"] for folder in one.get("folders", ())]
        try:
            self._tools = load(request["tools"])
        except LoadError as error:
            return {"error": error.info}
        tools = [{**tool.spec, "declared": asdict(tool.declared)} for tool in self._tools.values()]
        return {"tools": tools, "files": sorted(set(own_files(self._folders)))}

    async def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        tool = self._tools[request["tool"]]
        try:
            args, kwargs = tool.arguments(request["arguments"])
            value = await _called(tool, args, kwargs)
            return answer(value)
        except ArgumentsError as error:
            return {"error": {"kind": "arguments", "message": str(error)}}
        except ResultError as error:
            return {"error": {"kind": "result", "message": str(error)}}
        except BaseException as error:
            told = failure(error, self._folders)
            sys.stderr.write(told["traceback"])
            return {"error": {"kind": "raised", **told}}


async def _called(tool: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(*args, **kwargs)
    value, error = await asyncio.to_thread(_kept, tool, args, kwargs)
    if error is not None:
        raise error
    return await value if inspect.isawaitable(value) else value


def _kept(tool: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, BaseException | None]:
    """The result, or what was raised: a future would let `SystemExit` end the worker, and choke on `StopIteration`."""
    try:
        return tool.function(*args, **kwargs), None
    except BaseException as error:
        return None, error
