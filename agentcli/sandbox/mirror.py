"""A copy of a workspace that a program works in, so that what it changes is known before it is so.

The copy is brought up to date before each program by what the system says of every file, and compared with what it was
after it. What may only be read is not copied: a link leads to the real one, which the sandbox shows read-only.
"""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path
from typing import Final

from agentcli.sandbox.atomic import kept_mode
from agentcli.sandbox.clearing import clear, remove_entry
from agentcli.sandbox.comparing import Changes, Pair, compared, is_cache, within_copy
from agentcli.sandbox.copying import Cap, stays_inside, transfer
from agentcli.sandbox.trees import Entry, EntryKind, Names, Way, entry_of, listed
from agentcli.sandbox.visibility import View

SHARED: Final = frozenset({".tox", ".venv", "node_modules"})
"""Folders of many files that programs use and others make: seen where they are, read-only."""

MOST_SHARED: Final = 100
"""So many of them are seen; each is a mount of its own."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MORE: Final = 20_000
"""Names that a program may add before the copy is looked at no further."""
_REPAIRED: Final = 2_000
"""Differences that are put right one by one; with more of them the copy is made anew."""


class Mirror:
    """One copy, in the empty folder `folder`. Not to be used from two threads at once; blocking."""

    def __init__(self, view: View, root: Path, folder: Path) -> None:
        self.folder = folder
        self.shared: tuple[Path, ...] = ()
        """What the links lead to: it must be readable for what works in the copy."""
        self._view = view
        self._root = root
        self._directory = os.open(folder, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._directory)
        self._known: dict[Names, Pair] = {}
        self._cap = Cap()
        self._used = False

    def close(self) -> None:
        """Let go of the folder, which stays."""
        self._close()

    def refresh(self, cap: Cap) -> str:
        """Be as the workspace is now. Gives the sentence that says what was too much; empty for a whole copy.

        Raises OSError where the copy cannot be written.
        """
        if self._used:  # nobody looked at what the last program did
            self.undo(self.changes())
        self._cap = cap
        tree = listed(self._view.directory, self._view.opener, self._sort, cap)
        if tree.cut:
            return tree.cut
        old = [names for names, pair in self._known.items() if not _is_same(pair.theirs, tree.entries.get(names))]
        for names in sorted(old, key=len, reverse=True):
            self._drop(names)
        for names, entry in tree.entries.items():
            if names not in self._known:
                self._make(names, entry)
        kept = [names for names, pair in self._known.items() if pair.shared]
        self.shared = tuple(self._root.joinpath(*names) for names in kept)
        self._used = True
        return ""

    def changes(self) -> Changes:
        """What a program changed since. It must have ended."""
        cap = Cap(bytes=1 << 62, files=len(self._known) + _MORE, depth=self._cap.depth)
        tree = listed(self._directory, self._view.opener, within_copy, cap)
        if tree.cut:
            return Changes(cut=tree.cut, damaged=True)
        return compared(self._known, tree)

    def undo(self, changes: Changes) -> None:
        """Be as before the program. What was changed is copied anew when it is needed. Raises OSError."""
        self._used = False
        if changes.damaged or len(changes.there) + len(changes.missing) > _REPAIRED:
            clear(self._directory)
            self._known = {}
            return
        for names in changes.missing:
            del self._known[names]
        for names in sorted(changes.there, key=len, reverse=True):
            self._drop(names)

    def read(self, names: Names, most: int) -> bytes:
        """The content of a file of the copy, at most so many bytes. Raises OSError."""
        with os.fdopen(self._view.opener.open(self._directory, names, os.O_RDONLY), "rb") as file:
            return file.read(most)

    def is_untouched(self, names: Names) -> bool:
        """Whether the workspace still holds there what the copy was made from, or no file where there was none."""
        known = self._known.get(names)
        try:
            opened = self._view.opener.open(self._view.directory, names, os.O_RDONLY)
        except FileNotFoundError:
            return known is None or known.theirs.kind == "folder"
        except OSError:
            return False
        try:
            return known is not None and known.theirs == entry_of(os.fstat(opened))
        finally:
            os.close(opened)

    def was_executable(self, names: Names) -> bool:
        """Whether the file could be executed before."""
        known = self._known.get(names)
        return known is not None and known.ours.executable

    def size_before(self, names: Names) -> int:
        """Bytes of the file before."""
        known = self._known.get(names)
        return known.theirs.size if known is not None else 0

    # -- the workspace ------------------------------------------------------------------------------------------

    def _sort(self, names: Names, kind: EntryKind) -> Way:
        if self._view.visibility.hides(names) or kind == "other" or is_cache(names, kind):
            return "skip"
        return "stop" if self._is_shared(names, kind) else "enter"

    def _is_shared(self, names: Names, kind: EntryKind) -> bool:
        """Whether it is seen where it is, and not copied."""
        if kind == "folder" and names[-1] in SHARED:
            return True
        return kind in ("file", "folder") and self._view.visibility.protects(names)

    # -- the copy -----------------------------------------------------------------------------------------------

    def _make(self, names: Names, entry: Entry) -> None:
        """What stands for an entry; nothing for what cannot be copied."""
        into = self._view.opener.open(self._directory, names[:-1], _FOLDER)
        try:
            ours = self._made(names, entry, into)
            if ours is not None:
                self._known[names] = Pair(entry, ours, self._is_shared(names, entry.kind))
        finally:
            os.close(into)

    def _made(self, names: Names, entry: Entry, into: int) -> Entry | None:
        name = names[-1]
        if self._is_shared(names, entry.kind):
            return self._link(str(self._root.joinpath(*names)), name, into) if self._has_room() else None
        if entry.kind == "link":
            return self._link(entry.leads_to, name, into) if stays_inside(names[:-1], entry.leads_to) else None
        if entry.kind == "folder":
            os.mkdir(name, 0o700, dir_fd=into)
            return entry_of(os.stat(name, dir_fd=into, follow_symlinks=False))
        try:
            source = self._view.opener.open(self._view.directory, names, os.O_RDONLY)
        except OSError:  # no right to read it, or it became something else since it was listed
            return None
        try:
            return self._file(name, source, into) if stat.S_ISREG(os.fstat(source).st_mode) else None
        finally:
            os.close(source)

    def _has_room(self) -> bool:
        return sum(pair.shared for pair in self._known.values()) < MOST_SHARED

    def _link(self, leads_to: str, name: str, into: int) -> Entry:
        os.symlink(leads_to, name, dir_fd=into)
        return entry_of(os.stat(name, dir_fd=into, follow_symlinks=False), leads_to)

    def _file(self, name: str, source: int, into: int) -> Entry:
        status = os.fstat(source)
        made = os.open(name, _NEW, 0o600, dir_fd=into)
        try:
            transfer(source, made, min(status.st_size, self._cap.bytes))
            os.fchmod(made, kept_mode(status))
            os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))
            return entry_of(os.fstat(made))
        finally:
            os.close(made)

    def _drop(self, names: Names) -> None:
        """Remove what stands in the copy, with all below it."""
        self._known.pop(names, None)
        folder = self._view.opener.open(self._directory, names[:-1], _FOLDER)
        try:
            remove_entry(folder, names[-1])
        finally:
            os.close(folder)


def _is_same(before: Entry, now: Entry | None) -> bool:
    """Whether the copy of an entry still holds. The mode of a folder is not copied."""
    return now == before or (now is not None and now.kind == before.kind == "folder")
