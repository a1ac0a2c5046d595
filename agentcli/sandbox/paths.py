"""The workspace: the one folder that file tools work in, and cannot leave.

Every path is taken apart lexically, then opened beneath a handle on the folder that is held for the workspace's whole
life. Nothing is resolved first and opened later, so swapping a folder for a link at the right moment gains nothing.
Symbolic links are never followed, not even inside. Hard links are files like any other: reading one reads its content,
replacing one gives the name a new file and leaves the other names as they were.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from agentcli.core.globs import PathGlob
from agentcli.core.paths import relative_parts, shown
from agentcli.errors import ToolArgumentsError
from agentcli.sandbox import refusals
from agentcli.sandbox.atomic import move_whole, write_whole
from agentcli.sandbox.handles import FOLDER, content_of, kept_of, made, require_file, status_of
from agentcli.sandbox.opening import Opener, best_opener
from agentcli.sandbox.roots import is_copy, no_workspace, open_root, refuse_private
from agentcli.sandbox.visibility import View, Visibility

if TYPE_CHECKING:
    from agentcli.sandbox.copying import Cap, Copied, Keep
    from agentcli.sandbox.covering import Covered
    from agentcli.sandbox.mirrors import Mirrors
    from agentcli.sandbox.walking import Bounds, Found

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""The most that is read of one file, and the most that is written."""


class Workspace:
    """A confined view of a folder. Safe to use from several threads at once; blocking.

    `hidden` are patterns of further names or paths that tools cannot see, `private` folders of agentcli's own that are
    hidden where they lie inside, and no workspace themselves. `opener` chooses how files are opened beneath the
    handle: from the handle, by default the best that the system has. `copies` is a folder of agentcli's own whose
    folders are workspaces; where it is given, `root` must be one of those. Raises UsageError (E-WORKSPACE) if the
    folder cannot be opened, or may be no workspace.
    """

    def __init__(
        self,
        root: Path,
        hidden: Iterable[str] = (),
        private: Iterable[Path] = (),
        opener: Callable[[int], Opener] = best_opener,
        copies: Path | None = None,
    ) -> None:
        self.root = root.resolve()
        private = [path.resolve() for path in private]
        if copies is None:
            refuse_private(self.root, private)
        elif not is_copy(root, copies):
            raise no_workspace(self.root)
        self._directory = open_root(self.root)
        self._close = weakref.finalize(self, os.close, self._directory)
        visibility = Visibility(self.root, hidden, private)
        self._view = View(self._directory, opener(self._directory), visibility)

    def close(self) -> None:
        """Let go of the folder. Closing twice is fine."""
        mirrors = self.__dict__.pop("mirrors", None)
        if mirrors is not None:
            mirrors.close()
        self._close()

    def check(self, path: str, *, write: bool = False) -> str:
        """The path as the workspace knows it (`./src//a.py` is `src/a.py`), without touching the disk.

        Raises ToolArgumentsError (E-PATH-INVALID) for what cannot name a file, ToolRefusedError for what is outside
        (E-PATH-OUTSIDE), hidden (E-PATH-HIDDEN) or, for a change, protected (E-PATH-PROTECTED).
        """
        return "/".join(self._names(path, write=write))

    def open_read(self, path: str) -> BinaryIO:
        """The file, open for reading. Raises ToolError: not there, no regular file, not permitted."""
        names = self._names(path)
        with self._telling(path, names):
            return self._opened(path, names)

    @contextmanager
    def reading(self, path: str) -> Iterator[FileIO]:
        """The file, open for reading without a buffer, for as long as the block takes. Raises ToolError, there too."""
        names = self._names(path)
        with self._telling(path, names), FileIO(self._descriptor(path, names)) as file:
            yield file

    def digest(self, path: str) -> str:
        """The SHA-256 of a file of any size. Raises ToolError."""
        with self.reading(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read_bytes(self, path: str, cap: int = MAX_FILE_BYTES) -> bytes:
        """The whole content. Raises ToolError, E-TOOL-TOO-LARGE for more than `cap` bytes."""
        names = self._names(path)
        with self._telling(path, names):
            return self._content(path, names, cap)

    def read_if_there(self, path: str, cap: int = MAX_FILE_BYTES) -> bytes | None:
        """The whole content, None where there is no such file. Raises ToolError."""
        names = self._names(path)
        with self._telling(path, names):
            try:
                return self._content(path, names, cap)
            except FileNotFoundError:
                return None

    def mode_of(self, path: str) -> int:
        """The permission bits of a regular file. Raises ToolError."""
        names = self._names(path)
        with self._telling(path, names), self._folder(names[:-1]) as folder:
            return kept_of(path, os.stat(names[-1], dir_fd=folder, follow_symlinks=False))

    def write_atomic(
        self,
        path: str,
        data: bytes,
        *,
        replace: bool = True,
        mode: int | None = None,
        executable: bool | None = None,
    ) -> int | None:
        """Put `data` at `path`, whole or not at all; folders on the way are made.

        A replaced file hands its permission bits on, which are also what this gives (None: there was no file), unless
        the new ones are given as `mode`; `executable` says whether it may be executed, where that is to be set. Without
        `replace` an existing file is an error (E-FILE-EXISTS). Raises ToolError.
        """
        names = self._names(path, write=True)
        if len(data) > MAX_FILE_BYTES:
            raise refusals.too_large(path, len(data), MAX_FILE_BYTES)
        with self._telling(path, names), self._folder(names[:-1], create=True) as folder:
            status = status_of(folder, names[-1])
            before = None if status is None else kept_of(path, status)
            kept = before if mode is None else mode & 0o777
            write_whole(folder, names[-1], data, mode=kept, replace=replace, executable=executable)
            return before

    def delete(self, path: str) -> int:
        """Delete a regular file; gives the permission bits that it had. Raises ToolError."""
        names = self._names(path, write=True)
        with self._telling(path, names), self._folder(names[:-1]) as folder:
            mode = kept_of(path, os.stat(names[-1], dir_fd=folder, follow_symlinks=False))
            os.unlink(names[-1], dir_fd=folder)
            return mode

    def make_folder(self, path: str) -> None:
        """A folder, with those above it; one that is there is fine. Raises ToolError."""
        names = self._names(path, write=True)
        with self._telling(path, names), self._folder(names, create=True):
            pass

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder. Raises ToolError: there is something in it, or it is none."""
        names = self._names(path, write=True)
        with self._telling(path, names), self._folder(names[:-1]) as folder:
            os.rmdir(names[-1], dir_fd=folder)

    def move(self, path: str, to: str, *, replace: bool = False) -> int:
        """Give a regular file another name; folders on the way are made. Gives its permission bits.

        Without `replace` a file that is there already is an error (E-FILE-EXISTS). Raises ToolError.
        """
        names, target = self._names(path, write=True), self._names(to, write=True)
        with self._telling(path, names), self._folder(names[:-1]) as folder:
            moved = os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
            mode = kept_of(path, moved)
            with self._telling(to, target), self._folder(target[:-1], create=True) as other:
                status = status_of(other, target[-1])
                if status is not None:
                    require_file(to, status)
                    if os.path.samestat(status, moved):
                        raise refusals.same_file(path, to)
                move_whole(folder, names[-1], other, target[-1], replace=replace)
            return mode

    def walk(
        self,
        globs: Sequence[PathGlob],
        bounds: Bounds | None = None,
        ignored: Callable[[tuple[str, ...], bool], bool] | None = None,
    ) -> Found:
        """The files that match, within the bounds. Raises ToolError if the workspace itself cannot be read.

        `ignored` is asked about each name, and whether it is a folder's: what it says yes to is passed over.
        """
        from agentcli.sandbox.walking import Walker

        with self._telling(".", ()):
            return Walker(self._view, globs, bounds, ignored=ignored).run()

    def copy_to(self, target: int, keep: Keep, cap: Cap | None = None) -> Copied:
        """Copy what is to be seen here into the empty folder open as `target`. Raises OSError where writing fails."""
        from agentcli.sandbox.copying import Cap, Copier

        return Copier(self._view, keep, cap or Cap()).run(target)

    @cached_property
    def mirrors(self) -> Mirrors:
        """Copies of what is to be seen here, for programs to work in. They end with the workspace."""
        from agentcli.sandbox.mirrors import Mirrors

        return Mirrors(self._view, self.root)

    def covered(self) -> Covered:
        """What a program that works in the workspace itself must not see or change. Raises OSError."""
        from agentcli.sandbox.covering import covered

        return covered(self._view, self.root)

    def _names(self, path: str, *, write: bool = False) -> tuple[str, ...]:
        names = relative_parts(path)
        if not names or path.endswith("/") or path.rpartition("/")[2] in (".", ".."):
            raise ToolArgumentsError(
                "E-PATH-INVALID",
                f"`{shown(path)}` names a folder, not a file.",
                fix="Give the path of a file; list_files shows what there is.",
            )
        if self._view.visibility.hides(names):
            raise refusals.hidden(path)
        if write and self._view.visibility.protects(names):
            raise refusals.protected(path)
        return names

    def _opened(self, path: str, names: Sequence[str]) -> BinaryIO:
        return os.fdopen(self._descriptor(path, names), "rb")

    def _descriptor(self, path: str, names: Sequence[str]) -> int:
        """A regular file, open for reading."""
        opened = self._view.opener.open(self._directory, names, os.O_RDONLY)
        try:
            require_file(path, os.fstat(opened))
        except BaseException:
            os.close(opened)
            raise
        return opened

    def _content(self, path: str, names: Sequence[str], cap: int) -> bytes:
        with self._opened(path, names) as file:
            return content_of(file, path, cap)

    @contextmanager
    def _telling(self, path: str, names: Sequence[str]) -> Iterator[None]:
        """Turn what the system says into what a model is told."""
        if not self._close.alive:  # its number may be another file's by now
            raise ValueError("the workspace is closed")
        try:
            yield
        except FileNotFoundError as error:
            from agentcli.sandbox.suggestions import nearest_path

            raise refusals.unknown(path, nearest_path(self._view, names) if names else None) from error
        except FileExistsError as error:
            raise refusals.exists(path) from error
        except OSError as error:
            raise refusals.told(error, path) from error

    @contextmanager
    def _folder(self, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """A folder, open; made with its parents where it is not there and `create` says so."""
        try:
            folder = self._view.opener.open(self._directory, names, FOLDER)
        except FileNotFoundError:
            if not create:
                raise
            folder = made(self._view.opener, self._directory, names)
        try:
            yield folder
        finally:
            os.close(folder)
