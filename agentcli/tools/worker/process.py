"""One worker, seen from outside: started, asked, stopped, and gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from itertools import count
from pathlib import Path
from typing import Any, Final

from agentcli.core.values import value
from agentcli.tools.worker import guard
from agentcli.tools.worker.frames import BrokenFrameError, pack, read

TAIL: Final = 16_000
"""Bytes of its last output that are kept, to tell what a crash had to say."""

_GONE_SECONDS: Final = 10.0
"""The guard needs far less; one that is stopped itself must not hold a run up."""


class WorkerGoneError(Exception):
    """The worker ended before it answered: told to, or by itself with `calls` under way. `said` is its last output."""

    def __init__(self, stopped: bool, exit_code: int | None, said: str, calls: int) -> None:
        super().__init__(f"the worker ended with {exit_code}")
        self.stopped, self.exit_code, self.said, self.calls = stopped, exit_code, said, calls


@value(frozen=True, slots=True)
class Surroundings:
    """What a worker is started with: its whole environment, its folder, and who is given what it prints.

    `grace` is the seconds between TERM and KILL.
    """

    environ: Mapping[str, str]
    folder: Path
    printed: Callable[[bytes], None] = field(default=lambda _: None)
    grace: float = 0.5


class Worker:
    """A running worker. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket, about: Surroundings) -> None:
        self._process = process
        self._line = line
        self._about = about
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._tail = b""
        self._stopped = False
        self._lost = 0
        self._was_stopped = False
        """Whether it had been stopped when it fell silent: who clears up after it stops it as well."""
        self._work: list[asyncio.Task[None]] = []
        self._over: asyncio.Task[int | None] | None = None

    @classmethod
    async def start(cls, about: Surroundings) -> Worker:
        """Begin a worker with nothing loaded. Raises OSError."""
        ours, theirs = socket.socketpair()
        line, guards_line = socket.socketpair()
        output, printed = os.pipe()
        try:
            process = await _spawn(theirs, guards_line, printed, about)
        except BaseException:
            for one in (ours, line):
                one.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            guards_line.close()
            os.close(printed)
        worker = cls(process, line, about)
        try:
            await worker._listen(ours, output)
        except BaseException:
            line.close()  # for the guard that is the end
            raise
        return worker

    @property
    def pid(self) -> int:
        """The guard's process id, which is also its session."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can be asked: it was not stopped and has not ended."""
        return not self._stopped and self._process.returncode is None and not self._work[0].done()

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer. Raises WorkerGoneError."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if not self.usable or self._writer is None:
            raise await self._gone()
        self._waiting[number] = answer
        try:
            self._writer.write(pack({"id": number, **request}))
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled() and not _is_cancelled():
                raise await self._gone() from None
            raise
        finally:
            self._waiting.pop(number, None)

    def stop(self) -> None:
        """Have it ended, with everything it started: TERM, and KILL after the grace. Returns at once."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    async def ended(self) -> int | None:
        """The worker's exit code (negative: a signal) when nothing of it runs any more; None if that is not known."""
        if self._over is None:
            self._over = asyncio.create_task(self._see_off())
        return await asyncio.shield(self._over)

    async def _listen(self, channel: socket.socket, output: int) -> None:
        reader, self._writer = await asyncio.open_connection(sock=channel)
        printed = asyncio.StreamReader()
        pipe = os.fdopen(output, "rb", 0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(printed), pipe)
        self._work = [asyncio.create_task(self._answers(reader)), asyncio.create_task(self._prints(printed, transport))]

    async def _answers(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(BrokenFrameError):
            while (reply := await read(reader)) is not None:
                waiting = self._waiting.get(reply.pop("id", None))
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
        self._lost, self._was_stopped = len(self._waiting), self._stopped
        for waiting in self._waiting.values():
            waiting.cancel()
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)  # whatever it is that does not speak to us any more

    async def _prints(self, printed: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        try:
            while data := await printed.read(65_536):
                self._tail = (self._tail + data)[-TAIL:]
                self._about.printed(data)
        finally:
            transport.close()

    async def _gone(self) -> WorkerGoneError:
        code = await self.ended()
        return WorkerGoneError(self._was_stopped, code, self._tail.decode(errors="replace"), self._lost)

    async def _see_off(self) -> int | None:
        code = None
        try:
            async with asyncio.timeout(_GONE_SECONDS):
                await self._process.wait()
                self._line.setblocking(False)
                with contextlib.suppress(OSError, ValueError):
                    code = int(self._line.recv(64))
                await asyncio.gather(*self._work)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        finally:
            for task in self._work:
                task.cancel()
            self._line.close()
            if self._writer is not None:
                self._writer.close()
        return code


async def _spawn(
    channel: socket.socket, line: socket.socket, printed: int, about: Surroundings
) -> asyncio.subprocess.Process:
    # -P: nothing is imported from where this file lies or from the folder it is started in. A session of its own:
    # Ctrl-C in the terminal reaches us alone, and we decide what happens to the calls.
    given = (str(channel.fileno()), str(line.fileno()), str(about.grace))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(guard.__file__),
        *given,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=printed,
        stderr=printed,
        cwd=about.folder,
        env=dict(about.environ),
        pass_fds=(channel.fileno(), line.fileno()),
        start_new_session=True,
    )


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
