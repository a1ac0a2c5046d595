"""Filling a fork's workspace: what its parent's workspace holds now, then what the record tells of the cut."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.paths import shown
from agentcli.core.values import value
from agentcli.engine.ports import Redactor
from agentcli.errors import StorageError, ToolError, UsageError
from agentcli.journal.placeholders import PLACEHOLDER
from agentcli.journal.store import SqliteJournal
from agentcli.sandbox.copying import Cap, Copied, Kind
from agentcli.sandbox.paths import Workspace
from agentcli.workbench.files_at_cut import FilesAtCut

DERIVED: Final = frozenset(
    {".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".venv", "__pycache__", "node_modules"}
)
"""Folders that programs make again: a fork is not given them, unless its parent used a file in one."""

PRESENT: Final = "Use the files as they are now: `--files current`."


@value(frozen=True, slots=True)
class Drift:
    """A file that the run had read, and that is not as it was then: its digest there, and now (None: no file)."""

    path: str
    recorded: Digest | None
    present: Digest | None


@dataclass(slots=True)
class Restoring:
    """One workspace in the making. `view` is the empty folder that becomes it; `files` are as `canonical` gives them.

    Afterwards `restored` are the paths that were put back, `drifted` the files that could not be, and `derived` the
    folders (with a `/`) that were passed over.
    """

    journal: SqliteJournal
    redactor: Redactor
    view: Workspace
    files: FilesAtCut
    cap: Cap
    restored: set[str] = field(default_factory=set)
    drifted: list[Drift] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    _ways: set[str] = field(init=False)
    """The folders that files stood in at the cut."""
    _bytes: int = 0

    def __post_init__(self) -> None:
        everything = {**self.files.changed, **self.files.read, **self.files.masked}
        there = [PurePosixPath(path) for path, digest in everything.items() if digest is not None]
        self._ways = {str(folder) for path in there for folder in path.parents}

    def copy(self, workspace: Workspace) -> Copied:
        """What is in the parent's workspace now. Raises UsageError E-FORK-FILES-LARGE, and OSError."""
        target = os.open(self.view.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            copied = workspace.copy_to(target, self._keep, self.cap)
        finally:
            os.close(target)
        if copied.cut:
            raise _too_large(copied.cut)
        return copied

    def restore(self) -> None:
        """Put every file back that the record tells of.

        Raises UsageError E-FORK-FILES-MISSING, -SECRET, -LARGE, StorageError E-FORK-FILES-PLACE, and OSError.
        """
        for path, digest in self.files.changed.items():
            if digest is not None:
                self._put(path, self._snapshot(path, digest), self.files.modes.get(path))
        for path, digest in self.files.masked.items():
            self._check_masked(path, digest)
        for path, recorded in self.files.read.items():
            self._check_read(path, recorded)

    def _keep(self, names: tuple[str, ...], kind: Kind) -> bool:
        """Whether what is in the parent's workspace now is copied: not what stands where there was something else."""
        path = "/".join(names)
        changed = self.files.changed
        if kind == "folder":
            if changed.get(path) is not None:
                return False
            if names[-1] in DERIVED and path not in self._ways:
                self.derived.append(f"{path}/")
                return False
            return True
        if path in self._ways or (kind == "link" and path in changed):
            return False
        if path in changed and changed[path] is None:
            self.restored.add(path)
            return False
        return True

    def _snapshot(self, path: str, digest: Digest) -> bytes:
        content = self._held(digest)
        if content is None:
            raise UsageError(
                "E-FORK-FILES-MISSING",
                f"The journal no longer holds `{shown(path)}` as it was.",
                why="Its content was pruned, or never came with the run.",
                fix=PRESENT,
            )
        return content

    def _held(self, digest: Digest) -> bytes | None:
        try:
            return self.journal.blob(digest)
        except StorageError as error:
            if error.code != "E-BLOB-MISSING":
                raise
            return None

    def _put(self, path: str, content: bytes, mode: int | None = None) -> None:
        if self._present(path) == content and mode in (None, self.view.mode_of(path)):
            return
        self._bytes += len(content)
        self.restored.add(path)
        # One small content may stand behind any number of paths.
        if self._bytes > self.cap.bytes or len(self.restored) > self.cap.files:
            raise _too_large("The record changes more files than a workspace of a fork holds.")
        with _placing(path):
            self.view.write_atomic(path, content, mode=mode)

    def _present(self, path: str) -> bytes | None:
        """The content in the new workspace; None where there is none that a tool could read."""
        try:
            return self.view.read_if_there(path)
        except ToolError:
            return None

    def _digest(self, path: str) -> Digest | None:
        """The digest of a file that is too large to be held; None where there is none that a tool could read."""
        try:
            return self.view.digest(path)
        except ToolError:
            return None

    def _check_masked(self, path: str, digest: Digest) -> None:
        content = self._present(path)
        if content is None or self.redactor.keyed_digest(content) != digest:
            raise UsageError(
                "E-FORK-FILES-SECRET",
                f"`{shown(path)}` cannot be put back as it was.",
                why="It held a secret, so its content was not kept, and now it is another one.",
                fix=PRESENT,
            )

    def _check_read(self, path: str, recorded: Digest | None) -> None:
        """Whether a file is what was read; if not, the journal may hold that content from elsewhere."""
        content = self._present(path)
        present: Digest | None = None
        forms: list[Digest | None] = [None]
        if content is not None:
            present = digest_bytes(content)
            forms = [present, self.redactor.keyed_digest(content)]
        elif (present := self._digest(path)) is not None:
            forms = [self.redactor.keyed_digest(present.encode())]
        if recorded in forms:
            return
        kept = self._held(recorded) if recorded is not None else None
        if kept is None:
            self.drifted.append(Drift(path, recorded, present))
        else:
            self._put(path, kept)


def canonical(view: Workspace, files: FilesAtCut) -> FilesAtCut:
    """The same with every path as the workspace knows it: a record may name anything.

    Raises StorageError E-FORK-FILES-PLACE, UsageError E-FORK-FILES-SECRET for the name of a file that held a secret.
    """

    def checked(paths: Mapping[str, Digest | None], *, write: bool) -> dict[str, Digest | None]:
        return {_checked(view, path, write=write): digest for path, digest in paths.items()}

    masked = {_checked(view, path, write=True): digest for path, digest in files.masked.items()}
    modes = {_checked(view, path, write=True): mode for path, mode in files.modes.items()}
    return FilesAtCut(checked(files.changed, write=True), checked(files.read, write=False), masked, modes)


def _checked(view: Workspace, path: str, *, write: bool) -> str:
    if PLACEHOLDER.search(path):
        raise UsageError(
            "E-FORK-FILES-SECRET",
            f"`{shown(path)}` cannot be put back.",
            why="The name of the file held a secret, which is not on record.",
            fix=PRESENT,
        )
    with _placing(path):
        return view.check(path, write=write)


@contextmanager
def _placing(path: str) -> Iterator[None]:
    """Tell a person what a tool would be told of a path; what the system says of the disk goes on as it is."""
    try:
        yield
    except ToolError as error:
        if error.code in ("E-DISK-FULL", "E-FILE-ACCESS") and isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise StorageError(
            "E-FORK-FILES-PLACE",
            f"The record names `{shown(path)}`, which cannot be put into a workspace.",
            why=error.info.what,
            fix=PRESENT,
        ) from error


def _too_large(why: str) -> UsageError:
    return UsageError("E-FORK-FILES-LARGE", "The workspace is too large to be copied for a fork.", why=why, fix=PRESENT)
