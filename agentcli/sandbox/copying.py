"""Copying the files of a workspace into an empty folder: measured before the first byte, never through a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from agentcli.core.values import value
from agentcli.sandbox.atomic import kept_mode
from agentcli.sandbox.visibility import View

Kind = Literal["file", "folder", "link"]

Keep: TypeAlias = Callable[[tuple[str, ...], Kind], bool]
"""Whether what stands at these names is copied; asked once for each, a folder before what is in it."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_PIECE: Final = 1024 * 1024
_UNABLE: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF)
"""What the kernel says of two files that it cannot copy by itself."""


@value(frozen=True, slots=True)
class Cap:
    """The most that is copied. `files` counts folders and links too; `depth` is how deep folders may be."""

    bytes: int = 200_000_000
    files: int = 20_000
    depth: int = 100


@dataclass(slots=True)
class Copied:
    """What a copy holds: regular files and their bytes.

    `left_out` are the paths of what cannot be copied: sockets, pipes and devices, links that lead outside, what may not
    be read. `cut` is the sentence that says what was too much; where it is set, the copy is not whole.
    """

    files: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    cut: str = ""


@value(frozen=True, slots=True)
class _Folder:
    """What is to be copied of one folder; links with what they lead to."""

    names: tuple[str, ...]
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


class Copier:
    """One copy of what a view shows.

    Files keep their times and permission bits; folders are the owner's alone. A link is kept if it is relative and
    cannot lead out: names that climb (`..`) stand only at its beginning, so that no other link bends them.
    """

    def __init__(self, view: View, keep: Keep, cap: Cap) -> None:
        self._view = view
        self._keep = keep
        self._cap = cap
        self._entries = 0
        self._bytes = 0
        self._copied = Copied()

    def run(self, target: int) -> Copied:
        """Copy into the empty folder open as `target`. Raises OSError where it cannot be written."""
        for folder in self._measured():
            if self._copied.cut:
                break
            self._fill(folder, target)
        return self._copied

    def _measured(self) -> list[_Folder]:
        """Every folder to copy, each before those in it."""
        waiting: list[tuple[str, ...]] = [()]
        found: list[_Folder] = []
        while waiting and not self._copied.cut:
            folder = self._listed(waiting.pop())
            found.append(folder)
            waiting += [(*folder.names, name) for name in folder.folders]
        return found

    def _listed(self, names: tuple[str, ...]) -> _Folder:
        folder = _Folder(names)
        if len(names) > self._cap.depth:
            self._copied.cut = f"It has folders deeper than {self._cap.depth}."
            return folder
        opened = self._entered(names)
        if opened is None:
            return folder
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    self._take(entry, folder, opened)
                    if self._copied.cut:
                        break
        finally:
            os.close(opened)
        return folder

    def _take(self, entry: os.DirEntry[str], folder: _Folder, opened: int) -> None:
        """Note an entry, and what is too much."""
        path = (*folder.names, entry.name)
        if self._view.visibility.hides(path):
            return
        try:
            self._sort(entry, path, folder, opened)
        except OSError:  # it went away, or became something else just now
            self._leave_out(path)
        self._entries += 1
        if self._entries > self._cap.files:
            self._copied.cut = f"It has more than {self._cap.files:,} files."
        elif self._bytes > self._cap.bytes:
            self._copied.cut = f"Its files have more than {self._cap.bytes:,} bytes together."

    def _sort(self, entry: os.DirEntry[str], path: tuple[str, ...], folder: _Folder, opened: int) -> None:
        """Note an entry under what it is."""
        if entry.is_symlink():
            leads_to = os.readlink(entry.name, dir_fd=opened)
            if not stays_inside(folder.names, leads_to):
                self._leave_out(path)
            elif self._keep(path, "link"):
                folder.links.append((entry.name, leads_to))
        elif entry.is_dir(follow_symlinks=False):
            if self._keep(path, "folder"):
                folder.folders.append(entry.name)
        elif not entry.is_file(follow_symlinks=False):
            self._leave_out(path)
        elif self._keep(path, "file"):
            self._bytes += entry.stat(follow_symlinks=False).st_size
            folder.files.append(entry.name)

    def _fill(self, folder: _Folder, target: int) -> None:
        into = self._view.opener.open(target, folder.names, _FOLDER)
        try:
            for name in folder.folders:
                os.mkdir(name, 0o700, dir_fd=into)
            for name, leads_to in folder.links:
                os.symlink(leads_to, name, dir_fd=into)
            if folder.files and (opened := self._entered(folder.names)) is not None:
                try:
                    self._fill_files(folder, opened, into)
                finally:
                    os.close(opened)
        finally:
            os.close(into)

    def _fill_files(self, folder: _Folder, opened: int, into: int) -> None:
        for name in folder.files:
            try:
                source = self._view.opener.open(opened, (name,), os.O_RDONLY)
            except OSError:  # no right to read it, or it became something else since it was measured
                self._leave_out((*folder.names, name))
                continue
            try:
                self._file((*folder.names, name), source, into)
            finally:
                os.close(source)
            if self._copied.cut:
                return

    def _file(self, path: tuple[str, ...], source: int, into: int) -> None:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            self._leave_out(path)
            return
        made = os.open(
            path[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=into
        )
        try:
            room = self._cap.bytes - self._copied.bytes
            count = transfer(source, made, room + 1)
            os.fchmod(made, kept_mode(status))
            os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(made)
        self._copied.files += 1
        self._copied.bytes += count
        if count > room:
            self._copied.cut = "Its files grow while they are copied."

    def _entered(self, names: tuple[str, ...]) -> int | None:
        """A folder, open; None where it may not be read, or is none any more. Raises OSError for the first of all."""
        try:
            return self._view.opener.open(self._view.directory, names, _FOLDER)
        except OSError:
            if not names:
                raise
            self._leave_out(names)
            return None

    def _leave_out(self, path: tuple[str, ...]) -> None:
        self._copied.left_out.append("/".join(path))


def stays_inside(folder: tuple[str, ...], leads_to: str) -> bool:
    """Whether a link in this folder leads to a place beneath the first folder, whatever other links there are."""
    names = [name for name in leads_to.split("/") if name not in ("", ".")]
    climbs = next((at for at, name in enumerate(names) if name != ".."), len(names))
    return not leads_to.startswith("/") and climbs <= len(folder) and ".." not in names[climbs:]


def transfer(source: int, target: int, most: int) -> int:
    """Copy to the end of the file, but at most this many bytes. Raises OSError."""
    done = _by_kernel(source, target, most)
    while done < most and (piece := os.read(source, min(_PIECE, most - done))):
        left = memoryview(piece)
        while left:
            left = left[os.write(target, left) :]
        done += len(piece)
    return done


def _by_kernel(source: int, target: int, most: int) -> int:
    """As much as the kernel copies by itself: it shares the blocks where the file system can. Raises OSError."""
    copy = getattr(os, "copy_file_range", None)
    done = 0
    try:
        while copy is not None and done < most and (count := copy(source, target, most - done)):
            done += count
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
    return done
