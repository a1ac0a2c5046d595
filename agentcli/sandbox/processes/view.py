"""What a confined program sees: the system, its workspace, what it may read; as a list that a backend carries out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agentcli.core.processes import Job
from agentcli.core.values import value
from agentcli.errors import DeniedError

SYSTEM: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
"""Programs and libraries."""

ETC: Final = (
    "alternatives",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "perl",
    "protocols",
    "services",
    "terminfo",
)
"""What programs need of /etc. The rest holds keys, hashes of passwords, and the names of people and machines."""

DEVICES: Final = ("null", "zero", "full", "random", "urandom")

UID: Final = 1000
"""Who the program is, inside: an ordinary user and a group of the same number."""

TMP, SHM = "/tmp", "/dev/shm"
HOST: Final = "sandbox"

FILES: Final = (
    (
        "/etc/passwd",
        f"agent:x:{UID}:{UID}::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    ),
    ("/etc/group", f"agent:x:{UID}:\nnogroup:x:65534:\n"),
    ("/etc/hosts", f"127.0.0.1 localhost {HOST}\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
)
"""Instead of the machine's own, which would tell who uses it."""

_OWN: Final = ("/proc", "/dev", "/tmp", "/run", "/sys")
"""Folders that the sandbox makes itself."""


@value(frozen=True, slots=True)
class Bind:
    """A file or folder of the machine, and where it is seen."""

    source: str
    target: str
    writable: bool = False
    system: bool = False


@value(frozen=True, slots=True)
class View:
    """Binds in the order in which they have to be made, links, and names below the workspace that are covered."""

    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    workspace: Bind | None
    protected: tuple[tuple[str, ...], ...]
    hidden: tuple[tuple[str, ...], ...]

    @property
    def folder(self) -> str:
        """Where the program starts."""
        return self.workspace.target if self.workspace else TMP


def view_of(job: Job, machine: Path = Path("/")) -> View:
    """What the job's program sees of the machine. Raises DeniedError E-SANDBOX-WORKSPACE."""
    workspace = _workspace(job.workspace) if job.workspace is not None else None
    binds, links = _system(machine)
    for path in job.readable:
        if any(_is_below(place, os.path.normpath(path)) for place in _OWN):
            raise ValueError(f"{path} holds what the sandbox makes itself, so it cannot be shown")
        if not _seen(path, workspace):
            binds.append(Bind(os.path.realpath(path), str(path)))
    if workspace:
        binds.append(workspace)
    return View(
        binds=tuple(sorted(binds, key=lambda bind: bind.target.count("/"))),
        links=tuple(links),
        workspace=workspace,
        protected=_names(job.protected, workspace),
        hidden=_names(job.hidden, workspace),
    )


def environment(job: Job, folder: str = TMP) -> dict[str, str]:
    """The whole environment; `folder` is home and the place of temporary files."""
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    return {**own, **job.environ}


def _workspace(path: Path) -> Bind:
    real = os.path.realpath(path)
    covered = [place for place in (*SYSTEM, "/etc", *_OWN) if _is_below(place, real)]
    inside = [place for place in (*SYSTEM, "/etc", "/proc", "/dev", "/sys") if _is_below(real, place)]
    if covered or inside:
        place = (covered or inside)[0]
        raise DeniedError(
            "E-SANDBOX-WORKSPACE",
            f"Programs cannot be confined to {real}.",
            why=f"It holds {place}, which the sandbox needs."
            if covered
            else f"It lies in {place}, which is read only.",
            fix="Work in a folder below your home, and name it with `--workspace`.",
        )
    return Bind(real, real, writable=True)


def _system(machine: Path) -> tuple[list[Bind], list[tuple[str, str]]]:
    binds, links = [], []
    for path in (*SYSTEM, *(f"/etc/{name}" for name in ETC)):
        real = machine / path.lstrip("/")
        if real.is_symlink():
            links.append((path, str(real.readlink())))
        elif real.exists():
            binds.append(Bind(str(real), path, system=True))
    return binds, links


def _seen(path: Path, workspace: Bind | None) -> bool:
    """Whether it is seen without being named: of the system, or of the workspace, where it must stay as writable."""
    places = [*SYSTEM, *([workspace.target] if workspace else [])]
    return any(_is_below(str(path), place) for place in places) or not path.exists()


def _names(paths: Iterable[Path], workspace: Bind | None) -> tuple[tuple[str, ...], ...]:
    """The names below the workspace, of a link those of what it leads to. What lies outside is not seen anyway."""
    if workspace is None:
        return ()
    base = Path(workspace.target)
    found: dict[tuple[str, ...], None] = {}
    for path in paths:
        for place in (Path(os.path.realpath(path.parent)) / path.name, Path(os.path.realpath(path))):
            if place != base and place.is_relative_to(base) and (place.exists() and not place.is_symlink()):
                found[place.relative_to(base).parts] = None
    return tuple(found)


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")
