"""Landlock and seccomp alone, where the system permits no namespaces. Weaker, so only by the user's own choice.

There is no view of its own to give: rules can only be added, and one for a folder holds for all below it. A folder of
the workspace that holds something hidden or protected therefore keeps the names that it has, and no new ones can be
made in it. docs/sandbox.md says what else is missing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from agentcli.core.processes import Job
from agentcli.sandbox.processes.builtin import run_step
from agentcli.sandbox.processes.identity import Machine, this_machine
from agentcli.sandbox.processes.landlock import READ, READ_DIR, SCOPES_SINCE, Handled, allow, handled, rules
from agentcli.sandbox.processes.launching import Handles, Launch, launcher_command
from agentcli.sandbox.processes.limits import resource_limits
from agentcli.sandbox.processes.steps import Step
from agentcli.sandbox.processes.view import DEVICES, View, environment, view_of

_READABLE: Final = ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/gitconfig")
"""The machine's own, because nothing can be put in their place; git ends if it may not read what is there."""


class LandlockOnly:
    """Confines by rules for the files that there are."""

    name = "landlock"

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or this_machine()

    @property
    def fingerprint(self) -> str:
        """The system is all that it builds on."""
        return ""

    def staying(self) -> None:
        """It becomes nobody else."""

    def missing(self) -> tuple[str, str] | None:
        """Without the scopes of version 6 a program could send signals to all that the user runs."""
        if self._machine.seccomp is None:
            return "It needs Linux on x86_64 or aarch64.", "Use such a machine."
        if self._machine.identity.uid == 0:
            why = "Nothing limits the number of root's processes without namespaces."
            return why, "Run agentcli as an ordinary user, or permit namespaces."
        if self._machine.landlock < SCOPES_SINCE:
            found = f"this one has {self._machine.landlock}" if self._machine.landlock else "this one has none"
            return f"It needs Landlock {SCOPES_SINCE}, and {found}.", "Use Linux 6.12 or newer."
        return None

    def launch(self, job: Job, handles: Handles) -> Launch:
        """The start of a job."""
        view = view_of(job)
        status, theirs = handles.from_program()
        folder = handles.folder()
        limits = resource_limits(job.limits, 0, self._machine.release)
        # Without a namespace of its own the kernel counts all that the user runs: those are added to what is allowed.
        most = tasks_of(self._machine.identity.uid) + job.limits.processes
        limits["RLIMIT_NPROC"] = (most, most)
        steps: list[Step] = [
            ("status", str(theirs)),
            ("parent", str(os.getpid()), str(int(signal.SIGTERM))),
            ("supervise",),
            *(("limit", name, str(soft), str(hard)) for name, (soft, hard) in limits.items()),
            ("privileges",),
            *ruleset(view, folder, self._machine.landlock),
            ("filter", (self._machine.seccomp or b"").hex()),
            run_step("execute", job, view.folder if view.workspace else folder, environment(job, folder)),
        ]
        return Launch(launcher_command(steps, handles), status=status, ending="command")


def tasks_of(uid: int, proc: Path = Path("/proc")) -> int:
    """How many processes and threads a user has at this moment."""
    count = 0
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if folder.stat().st_uid == uid:
                    count += len(list((folder / "task").iterdir()))
    return count


def ruleset(view: View, folder: str, abi: int) -> Iterator[Step]:
    """All rules of a view; `folder` is the place of temporary files."""
    seen = (*(bind.source for bind in view.binds if not bind.writable), *_READABLE)
    more = [allow(handled(abi).grant(READ, folder=Path(path).is_dir()), path) for path in seen]
    if view.workspace:
        more += workspace_rules(view.workspace.source, (), view, handled(abi))
    yield from rules(abi, (), (folder,), tuple(f"/dev/{name}" for name in DEVICES), tuple(more))


def workspace_rules(folder: str, names: tuple[str, ...], view: View, refuses: Handled) -> Iterator[Step]:
    """The rules of a folder of the workspace, `names` below it; entry by entry where something below is covered."""
    covered = {*view.protected, *view.hidden}
    if not any(other[: len(names)] == names for other in covered):
        yield allow(refuses.grant(refuses.write), folder)
        return
    yield allow(refuses.grant(READ_DIR), folder)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        here = (*names, entry.name)
        if here in view.hidden or entry.is_symlink():
            continue
        if here in view.protected:
            yield allow(refuses.grant(READ, folder=entry.is_dir()), entry.path)
        elif entry.is_dir():
            yield from workspace_rules(entry.path, here, view, refuses)
        else:
            yield allow(refuses.grant(refuses.write, folder=False), entry.path)
