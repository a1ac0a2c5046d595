"""What programs of strangers try, row by row, on every backend that there is; and once as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.sandbox.processes.launching import Backend, interpreter
from tests.fakes.process_abuse import ROWS, fault, prey
from tests.fakes.sandboxes import backend

__all__ = ["backend"]

REPO = Path(__file__).resolve().parents[2]
NOBODY = "65534"


@pytest.mark.parametrize("name", ROWS)
def test_what_a_program_tries_ends_as_it_must(name: str, backend: Backend, tmp_path: Path) -> None:
    with prey(tmp_path.resolve()) as (workspace, outside):
        assert fault(name, backend, workspace, outside, os.getpid()) == ""
        assert sorted(path.name for path in outside.iterdir()) == ["secret"]
        assert (workspace / ".env").read_text() == "secret"
        assert (workspace / ".git/config").read_text() == "secret"


def test_a_listening_socket_in_the_workspace_is_never_reached(backend: Backend, tmp_path: Path) -> None:
    with prey(tmp_path.resolve()) as (workspace, outside), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as canary:
        os.chdir(workspace)  # the path of a socket is short
        canary.bind("host.sock")
        canary.setblocking(False)
        assert fault("a socket of the workspace", backend, workspace, outside, os.getpid()) == ""
        assert fault("a pair of datagram sockets", backend, workspace, outside, os.getpid()) == ""
        with pytest.raises(BlockingIOError):
            canary.recv(1)


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that an ordinary user can reach and owns, with the code that the rows need."""
    place = Path(tempfile.mkdtemp(prefix="agentcli-nobody-", dir="/tmp"))
    shutil.copytree(REPO / "agentcli", place / "agentcli", ignore=shutil.ignore_patterns("__pycache__", "providers"))
    (place / "tests/fakes").mkdir(parents=True)
    shutil.copy(REPO / "tests/fakes/process_abuse.py", place / "tests/fakes")
    (place / "work").mkdir()
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.chown(path, int(NOBODY), int(NOBODY))  # also for the bytecode: compiling at every start takes long
    yield place
    shutil.rmtree(place)


PROGRAM = """
import json, os, sys
from pathlib import Path
from agentcli.sandbox.processes.choosing import BACKENDS
from tests.fakes.process_abuse import ROWS, fault, prey
backend, faults = BACKENDS[sys.argv[1]](), []
for number, name in enumerate(ROWS):
    with prey(Path.cwd() / f"{backend.name}-{number}") as (workspace, outside):
        faults.append(fault(name, backend, workspace, outside, os.getpid()))
print(json.dumps([os.getuid(), [one for one in faults if one]]))
"""


@pytest.mark.parametrize("name", ["builtin", "bubblewrap"])
def test_it_ends_so_for_an_ordinary_user_too(name: str, everybodys: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only for root: the others are ordinary users")
    if sys.platform != "linux":
        pytest.skip("only on Linux")
    done = subprocess.run(
        [*as_nobody(), python_for_everybody(), "-s", "-W", "error", "-c", PROGRAM, name],
        cwd=everybodys / "work",
        env={"PYTHONPATH": str(everybodys), "HOST_SECRET": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [int(NOBODY), []]


def as_nobody() -> list[str]:
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def python_for_everybody() -> str:
    """An interpreter that an ordinary user may run: root's own may lie in its home."""
    again = "import json, subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True); "
    for path in (interpreter(), "/usr/bin/python3", "/usr/local/bin/python3"):
        test = [*as_nobody(), path, "-I", "-c", f"{again}sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(test, cwd="/", capture_output=True).returncode == 0:
            return path
    pytest.skip("no Python 3.11 that an ordinary user can run")
