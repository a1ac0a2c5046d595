"""The system's bubblewrap (bwrap 0.7 or newer): the same view by a program that many others rely on too.

bwrap is started with an empty environment and told everything through descriptors: nothing of the host is in its
/proc/1/environ, and no value of the program's environment in the list of processes. Landlock is not added: put in force
before bwrap it would forbid bwrap's own mounts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from agentcli.core.processes import Job
from agentcli.sandbox.processes import kernel as k
from agentcli.sandbox.processes.builtin import Builtin, tree_step
from agentcli.sandbox.processes.identity import UNPRIVILEGED, Machine, this_machine
from agentcli.sandbox.processes.launching import Handles, Launch, launcher_command
from agentcli.sandbox.processes.limits import resource_limits
from agentcli.sandbox.processes.steps import Step
from agentcli.sandbox.processes.view import DEVICES, FILES, HOST, SHM, TMP, UID, View, environment, view_of

FOLDERS: Final = ("/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin")
"""Where the system's bwrap may be. PATH is not asked: a workspace may stand in it."""

STAGE: Final = "/tmp"
"""Where root lays out, in a mount namespace of its own, what the ordinary user may not reach that bwrap runs as."""

_OWN_PROCESSES: Final = 1
"""The first process of the namespace."""

_INSTALL: Final = "Install the package `bubblewrap` (Debian: `sudo apt install bubblewrap`)."


class Bubblewrap:
    """Confines by bwrap. `folders` are looked through for it."""

    name = "bubblewrap"

    def __init__(self, machine: Machine | None = None, folders: Iterable[str] = FOLDERS) -> None:
        self._machine = machine or this_machine()
        self._program = find_bwrap(folders)

    @property
    def fingerprint(self) -> str:
        """Which file bwrap is."""
        status = Path(self._program).stat() if self._program else None
        return f"{self._program} {status.st_mtime_ns} {status.st_size}" if status else ""

    def staying(self) -> Builtin | None:
        """Another backend: of root's own program nothing would limit the number of processes in time."""
        return Builtin(self._machine.staying) if self._machine.identity.steps_down else None

    def missing(self) -> tuple[str, str] | None:
        """Whether there is a bwrap, and a filter for it."""
        if self._program is None:
            return "It is not installed.", _INSTALL
        if self._machine.seccomp is None:
            return "There is no filter of system calls for this processor.", "Use a machine of x86_64 or aarch64."
        return None

    def launch(self, job: Job, handles: Handles) -> Launch:
        """The start of a job."""
        view = view_of(job)
        limits = resource_limits(job.limits, _OWN_PROCESSES, self._machine.release)
        if self._machine.identity.steps_down:
            return self._stepping_down(job, view, handles, limits)
        status, theirs = handles.from_program()
        block, gate = handles.gate(keep=True)
        command = self._command(job, view, {}, handles, (theirs, block))
        return Launch(command, status=status, gate=gate, limits=limits, exits="shell")

    def _command(
        self, job: Job, view: View, sources: dict[str, str], handles: Handles, ends: tuple[int, int]
    ) -> tuple[str, ...]:
        options = [
            *_namespaces(*ends, handles.data(self._machine.seccomp or b"")),
            *_view(job, view, sources, handles),
            *_start(job, view),
        ]
        listed = handles.data("".join(f"{word}\0" for word in options).encode("utf-8", "surrogateescape"))
        return (self._program or "", "--args", str(listed), "--", *job.argv)

    def _stepping_down(self, job: Job, view: View, handles: Handles, limits: dict[str, tuple[int, int]]) -> Launch:
        """Root lays out the files, becomes an ordinary user, and then bwrap. Root itself could set no limit on it: it
        may lack the capability, and the user's own process needs none.
        """
        status, theirs = handles.from_program()
        info, told = handles.within_program()
        block, opens = handles.gate(keep=False)
        sources = _staged(view)
        command = self._command(job, view, sources, handles, (told, block))
        named = [word for name, values in limits.items() for word in (name, *map(str, values))]
        staged = [(bind, sources[bind.target]) for bind in view.binds if bind.target in sources]
        uid, parent = str(UNPRIVILEGED), str(os.getpid())
        steps: list[Step] = [
            ("status", str(theirs)),
            ("parent", parent),
            *(tree_step(place, bind, owned=bind.writable) for bind, place in staged),
            ("unshare", str(k.NEW_MOUNTS)),
            ("private",),
            ("root", STAGE, "mode=1777"),
            *(("attach", place, place.removeprefix(STAGE)) for _, place in staged),
            ("become", uid, uid, parent),
            ("gate", str(info), str(told), str(block), str(opens), *named),
            ("execute", "/", str(len(command)), *command),
        ]
        return Launch(launcher_command(steps, handles), status=status, exits="shell")


def find_bwrap(folders: Iterable[str]) -> str | None:
    """The first bwrap that belongs to root and that nobody else may write."""
    for folder in folders:
        path = Path(folder) / "bwrap"
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid == 0 and stat.S_ISREG(status.st_mode) and not status.st_mode & 0o022:
            return str(path)
    return None


def _namespaces(status: int, block: int, seccomp: int) -> Iterator[str]:
    for name in ("user", "pid", "net", "ipc", "uts", "cgroup-try"):
        yield f"--unshare-{name}"
    yield from ("--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield from ("--uid", str(UID), "--gid", str(UID), "--hostname", HOST)
    yield from ("--info-fd", str(status), "--block-fd", str(block), "--seccomp", str(seccomp))


def _view(job: Job, view: View, sources: dict[str, str], handles: Handles) -> Iterator[str]:
    for place in (TMP, SHM):
        yield from ("--perms", "1777", "--size", str(job.limits.memory_bytes), "--tmpfs", place)
    yield from ("--proc", "/proc", "--remount-ro", "/proc")
    for name in DEVICES:
        yield from ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        yield from ("--symlink", f"/proc/self/{target}", f"/dev/{name}")
    for path, text in FILES:
        yield from ("--perms", "0444", "--file", str(handles.data(text.encode())), path)
    for path, target in view.links:
        yield from ("--symlink", target, path)
    for bind in view.binds:
        yield from ("--bind" if bind.writable else "--ro-bind", sources.get(bind.target, bind.source), bind.target)
    yield from _covered(view, sources, handles)
    yield from ("--remount-ro", "/")


def _covered(view: View, sources: dict[str, str], handles: Handles) -> Iterator[str]:
    source = sources.get(view.folder, view.folder)
    for names in view.protected:
        yield from ("--ro-bind-try", "/".join((source, *names)), "/".join((view.folder, *names)))
    for names in view.hidden:
        target = "/".join((view.folder, *names))
        if Path(target).is_dir():
            yield from ("--tmpfs", target, "--remount-ro", target)
        else:
            yield from ("--perms", "0444", "--ro-bind-data", str(handles.data(b"")), target)


def _start(job: Job, view: View) -> Iterator[str]:
    for name, value in environment(job).items():
        yield from ("--setenv", name, value)
    yield from ("--chdir", view.folder)


def _staged(view: View) -> dict[str, str]:
    """Where the job's own files stand on the stage, by where they are seen."""
    return {bind.target: f"{STAGE}/{index}" for index, bind in enumerate(view.binds) if not bind.system}
