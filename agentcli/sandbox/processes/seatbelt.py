"""macOS: sandbox-exec with a profile. Deprecated by Apple and still what browsers use; it could not be tried on a Mac
where this was written, only the text is tested.

It has no namespaces: programs see each other, and the limits are those of single processes. docs/sandbox.md.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from agentcli.core.processes import Job
from agentcli.sandbox.processes.launching import Handles, Launch
from agentcli.sandbox.processes.view import environment

PROGRAM: Final = "/usr/bin/sandbox-exec"

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/System", "/Library/Frameworks", "/private/var/db/dyld", "/opt/homebrew")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class Seatbelt:
    """Confines by a profile."""

    name = "sandbox-exec"

    def __init__(self, program: str = PROGRAM, platform: str = sys.platform) -> None:
        self._program, self._platform = program, platform

    @property
    def fingerprint(self) -> str:
        """The system is all that it builds on."""
        return ""

    def staying(self) -> None:
        """It becomes nobody else."""

    def missing(self) -> tuple[str, str] | None:
        """Whether this is a Mac that has it."""
        if self._platform != "darwin" or not Path(self._program).exists():
            return "It is part of macOS alone.", "Use another one."
        return None

    def launch(self, job: Job, handles: Handles) -> Launch:
        """The start of a job. Limits come from the shell that starts it: there is no helper to set them."""
        folder = handles.folder()
        workspace = os.path.realpath(job.workspace) if job.workspace else folder
        return Launch(
            (
                *("/bin/sh", "-c", limited(job), "sh"),
                *(self._program, "-p", profile(job, folder), *job.argv),
            ),
            environ=environment(job, folder),
            ending="group",
            exits="command",
            folder=workspace,
        )


def limited(job: Job) -> str:
    """A line of shell that sets limits and becomes its arguments. Sizes are in blocks of 512 bytes, or KiB."""
    limits = job.limits
    return (
        f"ulimit -c 0; ulimit -t {limits.cpu_seconds}; ulimit -f {limits.file_bytes // 512}; "
        f'ulimit -v {limits.memory_bytes // 1024} 2>/dev/null; exec "$@"'
    )


def profile(job: Job, folder: str) -> str:
    """The profile: later rules win. Everything is refused but reading the system and writing the workspace."""
    workspace = [os.path.realpath(job.workspace)] if job.workspace else []
    readable = [os.path.realpath(path) for path in job.readable]
    rules = [
        "(version 1)",
        "(deny default)",
        "(allow process-fork)",
        "(allow signal (target same-sandbox))",
        "(allow sysctl-read)",
        "(allow file-read-metadata)",
        _rule("allow process-exec* file-read*", (*_SYSTEM, *readable, *workspace, folder)),
        _rule("allow file-read* file-write*", (*workspace, folder)),
        _rule("allow file-read* file-write-data", _DEVICES),
        *(_rule("deny file-write*", (os.path.realpath(path),)) for path in job.protected),
        *(_rule("deny file-read* file-write*", (os.path.realpath(path),)) for path in job.hidden),
        "(deny network*)",
    ]
    return "\n".join(rules)


def _rule(action: str, paths: tuple[str, ...]) -> str:
    return f"({action} {' '.join(f'(subpath {_quoted(path)})' for path in paths)})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
