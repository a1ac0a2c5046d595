"""The line between agentcli and a confined program, on every way to confine."""

from __future__ import annotations

import socket

from agentcli.core.processes import Job
from agentcli.sandbox.processes.launching import Backend, interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined
from tests.fakes.sandboxes import backend

__all__ = ["backend"]


async def test_a_channel_is_the_input_of_a_program_and_its_way_back(backend: Backend) -> None:
    program = (
        "import os\n"
        "os.write(0, os.read(0, 100)[::-1])\n"
        "for fd in range(3, 100):\n"
        "    try: os.fstat(fd)\n    except OSError: continue\n    print(fd)\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"abc")
        words = (interpreter(), "-I", "-S", "-c", program)
        job = Job(words, readable=python_readable(), channel=theirs.fileno())
        finished = await run_confined(backend, job)
        assert (finished.exit_code, finished.stdout, finished.stderr) == (0, b"", b"")
        theirs.close()
        assert ours.recv(100) == b"cba"
        assert ours.recv(100) == b""
