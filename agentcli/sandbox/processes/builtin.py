"""The built-in backend: namespaces, Landlock and seccomp, by a helper program of our own. Needs no package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agentcli.core.processes import Job
from agentcli.sandbox.processes import kernel as k
from agentcli.sandbox.processes.identity import UNPRIVILEGED, Identity, Machine, this_machine
from agentcli.sandbox.processes.landlock import rules
from agentcli.sandbox.processes.launcher import EMPTY_FILE, EMPTY_FOLDER
from agentcli.sandbox.processes.launching import Handles, Launch, launcher_command
from agentcli.sandbox.processes.limits import resource_limits
from agentcli.sandbox.processes.steps import Step
from agentcli.sandbox.processes.view import DEVICES, FILES, HOST, SHM, TMP, UID, Bind, View, environment, view_of

NEW_ROOT: Final = "/tmp"
"""Where the new root is put together: in a mount namespace of its own, so that the machine's stays as it is."""

_NAMESPACES: Final = k.NEW_USER | k.NEW_MOUNTS | k.NEW_PID | k.NEW_NET | k.NEW_IPC | k.NEW_UTS | k.NEW_CGROUP
_LEAST: Final = (5, 12)
"""mount_setattr."""

_OWN_PROCESSES: Final = 2
"""The launcher, and the first process of the namespace."""

_ROOT_SIZE: Final = 1 << 20


class Builtin:
    """Confines by a plan for the launcher."""

    name = "builtin"

    def __init__(self, machine: Machine | None = None, platform: str = sys.platform) -> None:
        self._machine = machine or this_machine()
        self._platform = platform

    @property
    def fingerprint(self) -> str:
        """The kernel is all that it builds on."""
        return ""

    def staying(self) -> Builtin | None:
        """The same, and root stays root."""
        return Builtin(self._machine.staying) if self._machine.identity.steps_down else None

    def missing(self) -> tuple[str, str] | None:
        """What of the kernel is not there."""
        if self._platform != "linux":
            return "It needs Linux.", "Use Linux."
        if self._machine.seccomp is None:
            return "There is no filter of system calls for this processor.", "Install bubblewrap."
        return None

    def launch(self, job: Job, handles: Handles) -> Launch:
        """The start of a job."""
        status, theirs = handles.from_program()
        steps = plan(job, view_of(job), self._machine, theirs)
        return Launch(launcher_command(steps, handles), status=status)


def plan(job: Job, view: View, machine: Machine, status: int) -> list[Step]:
    """All steps of a job, in order."""
    return [
        ("status", str(status)),
        ("parent", str(os.getpid())),
        *([("idle",)] if machine.identity.uncounted else []),
        *_entering(view, machine.identity),
        ("init",),
        *_root(job, view),
        *_confining(job, view, machine),
        run_step("run", job, view.folder, environment(job)),
    ]


def run_step(kind: str, job: Job, folder: str, environ: dict[str, str]) -> Step:
    """The last step: the program."""
    return (kind, folder, str(len(job.argv)), *job.argv, *(f"{name}={value}" for name, value in environ.items()))


def _entering(view: View, identity: Identity) -> Iterator[Step]:
    """Namespaces. Root takes hold of the files first, as one who may enter all folders, and then is root no more."""
    uid, gid = identity.uid, identity.gid
    if identity.steps_down:
        yield from _trees(view, demoted=True)
        uid = gid = UNPRIVILEGED
        yield ("become", str(uid), str(gid), str(os.getpid()))
    yield ("unshare", str(_NAMESPACES))
    yield ("ids", str(UID), str(uid), str(UID), str(gid))
    if not identity.steps_down:
        yield from _trees(view, demoted=False)


def _trees(view: View, demoted: bool) -> Iterator[Step]:
    for index, bind in enumerate(view.binds):
        yield tree_step(str(index), bind, owned=demoted and bind.writable)
    for name in DEVICES:
        yield ("tree", name, f"/dev/{name}", str(k.NO_SUID | k.NO_EXEC))


def tree_step(key: str, bind: Bind, *, owned: bool) -> Step:
    """Take hold of what a bind shows. `owned`: whoever owns it on disk, to the program it is its own."""
    attributes = k.NO_SUID | k.NO_DEV | (0 if bind.writable else k.READ_ONLY)
    owners: tuple[str, ...] = ()
    if owned:
        status = Path(bind.source).stat()
        owners = (str(status.st_uid), str(status.st_gid), str(UNPRIVILEGED), str(UNPRIVILEGED))
    return ("tree", key, bind.source, str(attributes), *owners)


def _root(job: Job, view: View) -> Iterator[Step]:
    yield ("private",)
    yield ("root", NEW_ROOT, f"size={_ROOT_SIZE},mode=0755")
    yield ("mount", "tmpfs", TMP, str(k.NO_SUID | k.NO_DEV), f"size={job.limits.memory_bytes},mode=1777")
    yield ("mount", "tmpfs", SHM, str(k.NO_SUID | k.NO_DEV | k.NO_EXEC), f"size={job.limits.memory_bytes},mode=1777")
    yield ("mount", "proc", "/proc", str(k.NO_SUID | k.NO_DEV | k.NO_EXEC | k.READ_ONLY), "")
    yield ("folder", "/etc")
    for path, text in (*FILES, (f"{EMPTY_FOLDER}/", ""), (EMPTY_FILE, "")):
        yield ("folder", path.rstrip("/")) if path.endswith("/") else ("file", path, text)
    for path, target in view.links:
        yield ("link", path, target)
    for name in DEVICES:
        yield ("attach", name, f"/dev/{name}")
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        yield ("link", f"/dev/{name}", f"/proc/self/{target}")
    for index, bind in enumerate(view.binds):
        yield ("attach", str(index), bind.target)
    for names in view.protected:
        yield ("protect", view.folder, *names)
    for names in view.hidden:
        yield ("hide", view.folder, *names)
    yield ("pivot",)
    yield ("hostname", HOST)


def _confining(job: Job, view: View, machine: Machine) -> Iterator[Step]:
    for name, (soft, hard) in resource_limits(job.limits, _OWN_PROCESSES, machine.release).items():
        yield ("limit", name, str(soft), str(hard))
    yield ("privileges",)
    if machine.landlock:
        writable = (TMP, SHM, *([view.folder] if view.workspace else []))
        yield from rules(machine.landlock, ("/",), writable, tuple(f"/dev/{name}" for name in DEVICES))
    if machine.seccomp is not None:
        yield ("filter", machine.seccomp.hex())
