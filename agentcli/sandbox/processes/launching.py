"""A confined program about to be started: the command, and the descriptors that it is given."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from dataclasses import field
from pathlib import Path
from typing import Final, Literal, Protocol

from agentcli.core.processes import Job
from agentcli.core.values import value
from agentcli.sandbox.processes.steps import Step, packed_steps

_BOOT: Final = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from agentcli.sandbox.processes.launcher import main; main(int(sys.argv[1]))"
)
_PACKAGE: Final = str(Path(__file__).resolve().parents[3])


class Handles:
    """Descriptors that are made for one start, and closed when it has happened."""

    def __init__(self) -> None:
        self.passed: list[int] = []
        self._kept: list[int] = []
        self._folders: list[str] = []

    def __enter__(self) -> Handles:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close_passed()
        for descriptor in self._kept:
            os.close(descriptor)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._kept, self._folders = [], []

    def close_passed(self) -> None:
        """Let go of what the program has by now."""
        for descriptor in self.passed:
            os.close(descriptor)
        self.passed = []

    def data(self, content: bytes) -> int:
        """A descriptor that the program reads `content` from. In memory: no file to clear away, no pipe to fill up."""
        descriptor = os.memfd_create("agentcli")
        self.passed.append(descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def from_program(self) -> tuple[int, int]:
        """A pipe that the program writes: our end and its end."""
        ours, theirs = os.pipe()
        self._kept.append(ours)
        self.passed.append(theirs)
        return ours, theirs

    def folder(self) -> str:
        """A temporary folder, for a backend that cannot give the program one of its own. Gone afterwards."""
        self._folders.append(os.path.realpath(tempfile.mkdtemp(prefix="agentcli-")))
        return self._folders[-1]

    def gate(self, *, keep: bool) -> tuple[int, int]:
        """The end that bwrap waits at, and the end that a byte opens it with; kept here, or passed on as well.

        Sockets of datagrams, because they have no end of file: when whoever should open the gate is killed, it stays
        shut.
        """
        waits, opens = (end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.passed.append(waits)
        (self._kept if keep else self.passed).append(opens)
        return waits, opens

    def within_program(self) -> tuple[int, int]:
        """A pipe between the launcher and what it starts: the end that reads, the end that writes."""
        ends = os.pipe()
        self.passed += ends
        return ends


@value(frozen=True, slots=True)
class Launch:
    """A command with nothing in its environment, and how it tells what happened.

    `status` is a descriptor to read, lines for a `Report`. `gate` is one to write a byte to when `limits` (RLIMIT_… by
    name) are set on the process that the report names first. `ending` says who ends the rest: the kernel with that
    first process, the command itself when it is sent TERM, or nobody but the process group. `exits` says where the exit
    code stands: in the report, in the command's as a shell has it (128 and the signal), or in the command's.
    """

    argv: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    gate: int | None = None
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    ending: Literal["first", "command", "group"] = "first"
    exits: Literal["report", "shell", "command"] = "report"
    folder: str = "/"


class Backend(Protocol):
    """One way to confine programs."""

    @property
    def name(self) -> str:
        """As the setting and `doctor` have it."""

    @property
    def fingerprint(self) -> str:
        """Changes when a proof of it no longer counts, as another version of its program."""

    def staying(self) -> Backend | None:
        """What confines without becoming another user, for files that cannot be shown to one; None if it does so."""

    def missing(self) -> tuple[str, str] | None:
        """What it lacks here and what to do about that; None where it may work. Looks, and tries nothing."""

    def launch(self, job: Job, handles: Handles) -> Launch:
        """The start of a job. Raises DeniedError."""


def launcher_command(steps: list[Step], handles: Handles) -> tuple[str, ...]:
    """The helper program with its plan. `-I -S`: nothing of the environment, of the user or of site-packages."""
    return (interpreter(), "-I", "-S", "-c", _BOOT, str(handles.data(packed_steps(steps))), _PACKAGE)


def interpreter() -> str:
    """The Python that runs this, without the detour of a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def python_readable() -> tuple[Path, ...]:
    """What a job has to be able to read for `interpreter()` to run in it, beyond the system."""
    return (Path(os.path.realpath(sys.base_prefix)),)
