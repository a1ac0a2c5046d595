"""Programs run as they are, without confinement: a stand-in for sandboxes where what a tool does with one is tested.

`tests/contract/test_sandbox_port.py` holds it to what every sandbox does for its callers: limits, output, ends. What it
cannot do is confine, so it lives here and is wired nowhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field

from agentcli.core.processes import Finished, Job, Stopped


@dataclass
class PlainProcesses:
    """See `Sandbox`. Keeps the jobs it was given."""

    jobs: list[Job] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "plain (tests only)"

    async def run(self, job: Job) -> Finished:
        self.jobs.append(job)
        begun = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *_limited(job),
            stdin=asyncio.subprocess.PIPE if job.channel is None else job.channel,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, **job.environ},
            cwd=job.workspace,
            start_new_session=True,
        )
        stopped: Stopped = ""
        work = asyncio.gather(_feed(process, job.stdin), *_readers(process, job.limits.output_bytes), process.wait())
        try:
            async with asyncio.timeout(job.limits.seconds):
                _, out, err, code = await asyncio.shield(work)
        except TimeoutError:
            stopped = "time"
            os.killpg(process.pid, signal.SIGKILL)
            _, out, err, code = await work
        except asyncio.CancelledError:
            os.killpg(process.pid, signal.SIGKILL)
            await work
            raise
        dropped = out[1] + err[1]
        return Finished(code, out[0], err[0], time.monotonic() - begun, stopped, dropped)


BEGIN = (
    "import os, resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_AS, 2 * (int(sys.argv[1]),))\n"
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


def _limited(job: Job) -> tuple[str, ...]:
    """What to start. The limit is there before the program begins: a short one would be over by the time it is set."""
    if sys.platform != "linux":
        return job.argv
    return (sys.executable, "-I", "-S", "-c", BEGIN, str(job.limits.memory_bytes), *job.argv)


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except ConnectionError:  # it did not want all of it
        pass


def _readers(process: asyncio.subprocess.Process, most: int) -> list[asyncio.Task[tuple[bytes, int]]]:
    assert process.stdout
    assert process.stderr
    return [asyncio.ensure_future(_read(stream, most)) for stream in (process.stdout, process.stderr)]


async def _read(stream: asyncio.StreamReader, most: int) -> tuple[bytes, int]:
    kept, dropped = bytearray(), 0
    while data := await stream.read(65_536):
        room = most - len(kept)
        kept += data[:room]
        dropped += max(0, len(data) - room)
    return bytes(kept), dropped
