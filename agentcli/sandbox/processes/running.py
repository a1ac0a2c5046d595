"""One confined program from start to end: input, output within its cap, limits, and the end of all it started."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any, Final

from agentcli.core.processes import Finished, Job, Stopped
from agentcli.sandbox.processes.launching import Backend, Handles, Launch
from agentcli.sandbox.processes.reports import Report, bwrap_code, reported_code
from agentcli.sandbox.processes.watching import LEAST_FREE, Watch, free_bytes

GRACE: Final = 0.5
"""Seconds from TERM to KILL."""

_LOOK_EVERY: Final = 0.05
_CHUNK: Final = 1 << 16
_GONE_WITHIN: Final = 10.0
"""Seconds after KILL by which the kernel has ended a namespace; only a broken one takes longer."""


async def run_confined(backend: Backend, job: Job, watch: Watch | None = None) -> Finished:
    """Run the job to its end. Cancelling ends all of it first. Raises DeniedError: it could not be confined."""
    with Handles() as handles:
        launch = backend.launch(job, handles)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *launch.argv,
                stdin=_stdin(job),
                stdout=PIPE,
                stderr=PIPE,
                env=launch.environ,
                cwd=launch.folder,
                pass_fds=handles.passed,
                start_new_session=True,
                limit=_CHUNK,
            )
        )
        cancelled = await _let_finish(starting)
        process = starting.result()
        handles.close_passed()
        running = _Running(process, launch, job, watch or Watch())
        if cancelled is not None:
            await running.ended_at_once()
            raise cancelled
        return await running.to_the_end()


async def _let_finish(starting: asyncio.Future[Process]) -> asyncio.CancelledError | None:
    """Wait for a start, being cancelled or not: which of them is returned.

    A start that is broken off has asyncio kill the one process that it knows. What bwrap has forked by then would wait
    at its gate for ever, and whoever reads its output with it.
    """
    cancelled = None
    while not starting.done():
        try:
            await asyncio.wait({starting})
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


def _stdin(job: Job) -> int:
    if job.channel is not None:
        return job.channel
    return PIPE if job.stdin else DEVNULL


class _Output:
    """One stream, read to its end; what is past the cap is dropped."""

    def __init__(self, cap: int) -> None:
        self.kept = bytearray()
        self.dropped = 0
        self._cap = cap

    async def read(self, stream: asyncio.StreamReader | None) -> None:
        """Read until nobody holds the other end."""
        while stream and (chunk := await stream.read(_CHUNK)):
            room = self._cap - len(self.kept)
            self.kept += chunk[:room]
            self.dropped += max(len(chunk) - room, 0)


class _Running:
    """A started program."""

    def __init__(self, process: Process, launch: Launch, job: Job, watch: Watch) -> None:
        self._process = process
        self._launch = launch
        self._job = job
        self._watch = watch
        self._begun = time.monotonic()
        self._out = _Output(job.limits.output_bytes)
        self._err = _Output(job.limits.output_bytes)
        self._report = Report()
        self._stopped: Stopped = ""
        self._given_up = False

    async def to_the_end(self) -> Finished:
        """How it ended."""
        ended = self._ended()
        watching = asyncio.ensure_future(self._watched())
        try:
            both: set[asyncio.Future[Any]] = {ended, watching}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self._stopped == "time" and not ended.done():
                await self._asked_to_end(ended)
        finally:
            watching.cancel()
            await self._gone(ended)
        return self._finished(ended)

    async def ended_at_once(self) -> None:
        """The end of all of it, whatever it was about to do."""
        ended = self._ended()
        await self._gone(ended)
        await asyncio.gather(ended, return_exceptions=True)  # how is not asked

    def _ended(self) -> asyncio.Future[Any]:
        """Done when nobody is left, and all that they wrote is read."""
        return asyncio.gather(
            self._reported(),
            self._fed(),
            self._out.read(self._process.stdout),
            self._err.read(self._process.stderr),
            self._process.wait(),
        )

    def _finished(self, ended: asyncio.Future[Any]) -> Finished:
        if not self._given_up:
            ended.result()
        code = -signal.SIGKILL if self._process.returncode is None else self._process.returncode
        if self._report.failed:
            raise self._report.failed
        if self._launch.exits == "report":
            code = reported_code(self._report, code)
        elif self._launch.exits == "shell":
            code = bwrap_code(code, self._err.kept)
        dropped = self._out.dropped + self._err.dropped
        seconds = time.monotonic() - self._begun
        return Finished(code, bytes(self._out.kept), bytes(self._err.kept), seconds, self._stopped, dropped)

    # -- limits -------------------------------------------------------------------------------------------------

    async def _watched(self) -> None:
        """Returns when a limit is reached."""
        workspace = self._job.workspace
        least = min(LEAST_FREE, free_bytes(workspace) // 2) if workspace else 0
        deadline = self._begun + self._job.limits.seconds
        while (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(_LOOK_EVERY, left))
            if workspace and free_bytes(workspace) < least:
                self._stopped = "disk"
            elif self._report.first is not None:
                self._stopped = self._watch.exceeded(self._report.first, self._job.limits)
            if self._stopped:
                return
        self._stopped = "time"

    async def _asked_to_end(self, ended: asyncio.Future[Any]) -> None:
        """TERM to all of them, and some time to put things in order."""
        if self._launch.ending == "group":
            _send(-self._process.pid, signal.SIGTERM)
        elif self._report.first is not None:
            for pid in self._watch.below(self._report.first):
                _send(pid, signal.SIGTERM)
        await asyncio.wait({ended}, timeout=GRACE)

    async def _gone(self, ended: asyncio.Future[Any]) -> None:
        """KILL, until nobody of them is left. Being cancelled meanwhile changes nothing: this ends soon."""
        deadline = time.monotonic() + _GONE_WITHIN
        while not ended.done() and time.monotonic() < deadline:
            self._kill()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({ended}, timeout=1.0)
        if not ended.done():
            self._given_up = True
            ended.cancel()
            with suppress(asyncio.CancelledError):
                await ended
            vars(self._process)["_transport"].close()  # asyncio closes it only when the last one lets go of the output

    def _kill(self) -> None:
        """The kernel ends a namespace with its first process, and the command outside waits until that is done."""
        if self._report.first is not None and self._launch.ending == "first":
            _send(self._report.first, signal.SIGKILL)
        elif self._launch.ending == "command":
            _send(self._process.pid, signal.SIGTERM)
        else:
            _send(-self._process.pid, signal.SIGKILL)

    # -- what goes in and comes out -----------------------------------------------------------------------------

    async def _reported(self) -> None:
        """Follow what the sandbox tells of itself; let the program start when its limits are set."""
        if self._launch.status is None:
            return
        reader = asyncio.StreamReader()
        pipe = io.FileIO(os.dup(self._launch.status))
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while line := await reader.readline():
                known = self._report.first is not None
                self._report.take(line.decode(errors="replace").rstrip("\n"))
                if not known and self._report.first is not None:
                    self._open_gate(self._report.first)
        finally:
            transport.close()

    def _open_gate(self, first: int) -> None:
        """Where bwrap has failed meanwhile, nobody waits at the gate, and its exit tells why."""
        if self._launch.gate is not None:
            with suppress(ProcessLookupError, ConnectionError):
                for name, values in self._launch.limits.items():
                    resource.prlimit(first, getattr(resource, name), values)
                os.write(self._launch.gate, b".")

    async def _fed(self) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(BrokenPipeError, ConnectionResetError):
                stdin.write(self._job.stdin)
                await stdin.drain()
                stdin.close()
                await stdin.wait_closed()


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
