"""The proof of a backend on this machine: a program tries what it must not be able to do, and says what it could."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agentcli import __version__
from agentcli.core.processes import Job, ProcessLimits
from agentcli.core.values import value
from agentcli.errors import DeniedError
from agentcli.sandbox.processes.identity import Machine
from agentcli.sandbox.processes.launching import Backend, interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined

_LIMITS: Final = ProcessLimits(seconds=20.0)
_ORDINARY: Final = {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"}
"""Names that a program finds in its environment, of the sandbox, a shell or Python itself."""

PROBE: Final = """
import json, os, socket, sys
outside, port, host, hidden = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def can(do):
    try:
        do()
    except OSError:
        return False
    return True
def names(path):
    try:
        with open(path, "rb") as file:
            return [part.partition(b"=")[0].decode() for part in file.read().split(bytes(1)) if part]
    except OSError:
        return []
found = {
    "write": can(lambda: open(os.path.join(outside, "written"), "w").close()),
    "connect": can(lambda: socket.create_connection(("127.0.0.1", port), 2).close()),
    "core_pattern": can(lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))),
    "hidden": can(lambda: open(hidden).read()) and open(hidden).read() != "",
    "environ": sorted({*os.environ, *names("/proc/1/environ"), *names("/proc/%s/environ" % host)}),
    "work": can(lambda: open("folder/made", "w").close()),
}
print(json.dumps(found))
"""


@value(frozen=True, slots=True)
class Proofs:
    """Which backends have been proven, as empty files in a folder of the user's cache; None keeps nothing."""

    folder: Path | None

    def has(self, backend: Backend, machine: Machine) -> bool:
        """Whether this backend was proven on a machine like this."""
        return self.folder is not None and (self.folder / _key(backend, machine)).is_file()

    def keep(self, backend: Backend, machine: Machine) -> None:
        """Remember it. A cache that cannot be written only means that it is proven again."""
        if self.folder is not None:
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / _key(backend, machine)).touch()


def _key(backend: Backend, machine: Machine) -> str:
    parts = (machine.release, backend.name, backend.fingerprint, __version__, str(os.getuid()), str(machine.landlock))
    return f"{backend.name}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


async def flaws(backend: Backend) -> list[str]:
    """What a program confined by it could do and must not; empty where it holds. Takes some 0.1 s."""
    with (
        tempfile.TemporaryDirectory(prefix="agentcli-proof-") as place,
        socket.create_server(("127.0.0.1", 0)) as canary,
    ):
        job, outside = _prepared(Path(place), canary.getsockname()[1])
        try:
            finished = await run_confined(backend, job)
        except DeniedError as error:
            return [error.info.why or error.info.what]
        return _judged(finished.stdout, finished.stderr, outside)


def _prepared(place: Path, port: int) -> tuple[Job, Path]:
    """The job, and the folder that it must not be able to write."""
    workspace, outside = place.resolve() / "workspace", place.resolve() / "outside"
    (workspace / "folder").mkdir(parents=True)
    outside.mkdir()
    (workspace / ".env").write_text("secret", encoding="utf-8")
    return _job(workspace, outside, port), outside


def _job(workspace: Path, outside: Path, port: int) -> Job:
    hidden = workspace / ".env"
    return Job(
        argv=(interpreter(), "-I", "-S", "-c", PROBE, str(outside), str(port), str(os.getpid()), str(hidden)),
        workspace=workspace,
        readable=python_readable(),
        hidden=(hidden,),
        limits=_LIMITS,
    )


def _judged(stdout: bytes, stderr: bytes, outside: Path) -> list[str]:
    try:
        found: dict[str, Any] = json.loads(stdout)
    except ValueError:
        said = (stderr.decode(errors="replace").strip().splitlines() or ["It said nothing."])[-1]
        return [f"A plain program of Python does not run in it: {said}"]
    foreign = sorted(set(found["environ"]) - _ORDINARY)
    cases = (
        (found["write"] or any(outside.iterdir()), "A program can write outside its workspace."),
        (found["connect"], "A program can connect to this machine."),
        (found["core_pattern"], "A program can open the kernel's core_pattern for writing."),
        (found["hidden"], "A program can read what is hidden from it."),
        (foreign, f"A program can read the environment of others: {', '.join(foreign)}."),
        (not found["work"], "A program cannot write in its workspace."),
    )
    return [text for holds, text in cases if holds]
