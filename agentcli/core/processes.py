"""Programs that run confined: what they are, what they may use up, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from agentcli.core.values import value

MIB = 1024 * 1024


@value(frozen=True, slots=True)
class ProcessLimits:
    """What one program and all that it starts may use up, taken together where the system can count it so."""

    seconds: float = 30.0
    """Wall time; then TERM to the whole group, and KILL soon after."""
    cpu_seconds: int = 30
    memory_bytes: int = 512 * MIB
    """Also the size of the private temporary folder."""
    processes: int = 64
    """Threads count as well."""
    file_bytes: int = 64 * MIB
    """The largest file that may be written."""
    output_bytes: int = MIB
    """Bytes kept of standard output and of standard error, each; what comes after them is read and dropped."""


@value(frozen=True, slots=True)
class Job:
    """A program to run: no network, no environment of the host, the system read-only.

    `argv[0]` is an absolute path. `workspace` is the one folder that may be written, and the current one; without it
    nothing but a private temporary folder may be. `readable` are files and folders beyond the system's that may be
    read. `protected` are below the workspace and may be read, not changed; `hidden` look empty; those that are not
    there cannot be covered. `environ` is the whole environment beside PATH, HOME, TMPDIR and LANG, which the sandbox
    sets unless they stand in it. `channel` is a descriptor of this process that becomes the program's standard input in
    place of `stdin`; whoever opened it closes it.
    """

    argv: tuple[str, ...]
    stdin: bytes = b""
    workspace: Path | None = None
    readable: tuple[Path, ...] = ()
    protected: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    channel: int | None = None
    limits: ProcessLimits = ProcessLimits()


Stopped = Literal["", "time", "cpu", "memory", "processes", "disk"]


@value(frozen=True, slots=True)
class Finished:
    """How a program ended. `exit_code` is negative for a signal, as in `subprocess`; 127 if it cannot be executed."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    stopped: Stopped = ""
    """Why it was stopped from outside, where it was: a limit of the job, or a disk that was almost full."""
    dropped: int = 0
    """Bytes of output that were not kept."""
