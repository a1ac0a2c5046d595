"""The line to a program in the sandbox: its standard input, used both ways. One frame to it, one frame back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agentcli.core.processes import Finished, Job
from agentcli.engine.ports import Sandbox
from agentcli.errors import AgentcliError
from agentcli.tools.agent_code.requests import MOST_BYTES
from agentcli.tools.worker.frames import pack, read

_TO_END: Final = 2.0
"""Seconds for the program to end, once it has said that it will; and for what it said last to arrive."""


@dataclass(slots=True)
class Line:
    """An open line. `theirs` is the program's end, which is closed here when the program is gone."""

    program: asyncio.Task[Finished]
    theirs: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, sandbox: Sandbox, job: Job) -> Line:
        """Start the job with a line to it."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        program = asyncio.create_task(sandbox.run(replace(job, channel=theirs.fileno())))
        return cls(program, theirs, reader, writer)

    async def exchange(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Say something, and what comes back; None where the program has ended without a word.

        Raises TimeoutError, BrokenFrameError; DeniedError where the program could not be confined.
        """
        self.writer.write(pack(dict(message)))
        frame = asyncio.create_task(read(self.reader, MOST_BYTES))
        try:
            await asyncio.wait({frame, self.program}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if self.program.done() and not frame.done():
                self.program.result()
                self.theirs.close()  # the last end but ours: what was said is read, and then there is no more
                await asyncio.wait({frame}, timeout=_TO_END)
                return frame.result() if frame.done() else None
            if not frame.done():
                raise TimeoutError
            return frame.result()
        finally:
            frame.cancel()

    async def end(self, *, by_itself: bool = False) -> Finished | None:
        """The program, and all that it started, has ended; how, unless it had to be made to. Ending twice is fine."""
        if by_itself:
            await asyncio.wait({self.program}, timeout=_TO_END)
        self.program.cancel()
        finished = None
        with contextlib.suppress(asyncio.CancelledError, AgentcliError):
            finished = await self.program
        self.theirs.close()
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
        return finished
