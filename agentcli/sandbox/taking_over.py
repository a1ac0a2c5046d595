"""What a program changed in its copy becomes so in the workspace: file by file, through the same door as every tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from agentcli.core.processes import MIB
from agentcli.core.tools import FileChange
from agentcli.errors import ToolError
from agentcli.sandbox.comparing import Changes
from agentcli.sandbox.mirror import Mirror
from agentcli.sandbox.paths import MAX_FILE_BYTES, Workspace
from agentcli.sandbox.trees import Names

MOST_FILES: Final = 1_000
MOST_BYTES: Final = 64 * MIB
"""Of all files that are taken over, before and after: the record keeps both. With more, nothing is."""

_REASONS: Final = {
    "E-PATH-HIDDEN": "it is hidden from tools",
    "E-PATH-PROTECTED": "it may be read only",
    "E-PATH-INVALID": "its name cannot be a path",
    "E-PATH-SYMLINK": "a symbolic link stands on its way",
    "E-TOOL-TOO-LARGE": f"it has more than {MAX_FILE_BYTES // MIB} MiB",
}
_CONFLICT: Final = "it was changed meanwhile"


@dataclass(slots=True)
class Taken:
    """What was taken over, in the order of the paths, and what was not, with the reason.

    `cut` is the sentence that says why nothing was; then the workspace is as it was.
    """

    files: list[FileChange] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    cut: str = ""


def take_over(workspace: Workspace, mirror: Mirror, changes: Changes) -> Taken:
    """Write and delete in the workspace what a program wrote and deleted in `mirror`.

    A file that is not as it was when it was copied stays as it is. Symbolic links and special files are never made.
    """
    return _TakingOver(workspace, mirror, changes).run()


class _TakingOver:
    def __init__(self, workspace: Workspace, mirror: Mirror, changes: Changes) -> None:
        self._workspace = workspace
        self._mirror = mirror
        self._changes = changes
        self._taken = Taken(cut=changes.cut or _too_much(mirror, changes))

    def run(self) -> Taken:
        changes, taken = self._changes, self._taken
        if taken.cut:
            return taken
        taken.left = {_path(names): why for names, why in changes.odd.items() if not self._is_unseen(names)}
        for names in changes.deleted:
            self._try(names, self._delete)
        for names in sorted(changes.gone, key=len, reverse=True):
            with suppress(ToolError):  # what stands in it is not the program's: caches, what others made
                self._workspace.remove_folder(_path(names))
        for names in changes.made:
            self._try(names, lambda names: self._workspace.make_folder(_path(names)))
        for names in changes.written:
            self._try(names, self._write)
        taken.files.sort(key=lambda change: change.path)
        return taken

    def _is_unseen(self, names: Names) -> bool:
        """Whether it lies below what is told of already."""
        return any(names[:end] in self._changes.odd for end in range(1, len(names)))

    def _try(self, names: Names, do: Callable[[Names], None]) -> None:
        with self._telling(names):
            self._workspace.check(_path(names), write=True)
            do(names)

    def _delete(self, names: Names) -> None:
        if not self._mirror.is_untouched(names):
            self._taken.left[_path(names)] = _CONFLICT
            return
        before = self._workspace.read_bytes(_path(names))  # first: what cannot be kept is not deleted
        self._workspace.delete(_path(names))
        self._taken.files.append(FileChange(_path(names), before=before, changed=True))

    def _write(self, names: Names) -> None:
        path, entry = _path(names), self._changes.written[names]
        if entry.size > MAX_FILE_BYTES:
            self._taken.left[path] = _REASONS["E-TOOL-TOO-LARGE"]
            return
        after = self._mirror.read(names, MAX_FILE_BYTES)
        before = self._workspace.read_if_there(path)
        executable = entry.executable if entry.executable != self._mirror.was_executable(names) else None
        if before == after and executable is None:
            return
        if not self._mirror.is_untouched(names):
            self._taken.left[path] = _CONFLICT
            return
        self._workspace.write_atomic(path, after, replace=before is not None, executable=executable)
        self._taken.files.append(FileChange(path, before=before, after=after, changed=True))

    @contextmanager
    def _telling(self, names: Names) -> Iterator[None]:
        try:
            yield
        except ToolError as error:
            self._taken.left[_path(names)] = _REASONS.get(error.code, error.info.what)
        except OSError as error:
            self._taken.left[_path(names)] = f"it could not be read: {error.strerror}"


def _path(names: Names) -> str:
    return "/".join(names)


def _too_much(mirror: Mirror, changes: Changes) -> str:
    """The sentence that says what is too much to be taken over; empty if nothing is."""
    count = len(changes.written) + len(changes.deleted)
    if count > MOST_FILES:
        return f"It changed {count:,} files; the most is {MOST_FILES:,}."
    after = [entry.size for entry in changes.written.values()]
    before = [mirror.size_before(names) for names in (*changes.written, *changes.deleted)]
    # What is too large for the record by itself is not taken over, and adds nothing.
    if sum(size for size in (*after, *before) if size <= MAX_FILE_BYTES) > MOST_BYTES:
        return f"The files that it changed have more than {MOST_BYTES // MIB} MiB together."
    return ""
