"""What whoever gives a job to a sandbox may rely on, confined or not. A new sandbox is added to SANDBOXES."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.core.processes import MIB, Job, ProcessLimits
from agentcli.engine.ports import Sandbox
from tests.fakes.plain_processes import PlainProcesses

SANDBOXES = [PlainProcesses]


@pytest.fixture(params=SANDBOXES)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    made: Sandbox = request.param()
    return made


def job(program: str, stdin: bytes = b"", environ: dict[str, str] | None = None, **limits: float) -> Job:
    bounds = ProcessLimits(**{"seconds": 10.0, **limits})  # type: ignore[arg-type]
    readable = (Path(sys.prefix), Path(sys.base_prefix))
    command = (sys.executable, "-I", "-S", "-c", program)
    return Job(command, stdin, readable=readable, environ=environ or {}, limits=bounds)


async def test_a_program_gets_its_input_and_gives_its_output_and_its_exit_code(sandbox: Sandbox) -> None:
    program = "import sys; print(sys.stdin.read()[::-1], end=''); print('oops', file=sys.stderr); sys.exit(3)"
    finished = await sandbox.run(job(program, b"abc"))
    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, b"cba", b"oops\n")
    assert (finished.stopped, finished.dropped) == ("", 0)


async def test_a_channel_is_the_input_of_a_program_and_its_way_back(sandbox: Sandbox) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"abc")
        wanted = replace(job("import os; os.write(0, os.read(0, 100)[::-1])"), channel=theirs.fileno())
        assert (await sandbox.run(wanted)).exit_code == 0
        assert ours.recv(100) == b"cba"


async def test_input_that_nobody_reads_is_no_error(sandbox: Sandbox) -> None:
    assert (await sandbox.run(job("pass", b"x" * MIB))).exit_code == 0


async def test_a_program_past_its_time_is_stopped(sandbox: Sandbox) -> None:
    finished = await sandbox.run(job("while True: pass", seconds=0.2))
    assert finished.stopped == "time"
    assert finished.exit_code != 0
    assert finished.seconds < 5


async def test_output_past_its_limit_is_dropped_and_counted(sandbox: Sandbox) -> None:
    finished = await sandbox.run(job("print('x' * 100_000, end='')", output_bytes=1000))
    assert (len(finished.stdout), finished.dropped, finished.exit_code) == (1000, 99_000, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")
async def test_memory_past_its_limit_is_not_to_be_had(sandbox: Sandbox) -> None:
    finished = await sandbox.run(job("bytearray(900 * 2**20)", memory_bytes=256 * MIB))
    assert finished.exit_code != 0


async def test_the_environment_of_the_host_is_not_seen(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_HOST", "x")
    finished = await sandbox.run(job("import os; print(sorted(os.environ))", environ={"GIVEN": "1"}))
    assert b"SECRET_OF_HOST" not in finished.stdout
    assert b"GIVEN" in finished.stdout


async def test_cancelling_ends_the_program(sandbox: Sandbox, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(reading, ready.set)
    program = f"f = open({str(pipe)!r}, 'wb', 0); f.write(b'!')\nwhile True: pass"
    limits = ProcessLimits()
    task = asyncio.create_task(
        sandbox.run(Job((sys.executable, "-I", "-S", "-c", program), workspace=tmp_path, limits=limits))
    )
    try:
        await ready.wait()
        assert os.read(reading, 1) == b"!"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert os.read(reading, 1) == b""  # nobody holds the other end any more
    finally:
        asyncio.get_running_loop().remove_reader(reading)
        os.close(reading)
