"""What stands below a folder: every name with what it is, bounded, never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from agentcli.core.values import value
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.opening import Opener

Names: TypeAlias = tuple[str, ...]
EntryKind: TypeAlias = Literal["file", "folder", "link", "other"]
Way: TypeAlias = Literal["enter", "stop", "skip"]

Sort: TypeAlias = Callable[[Names, EntryKind], Way]
"""What to do with what stands at these names: list it and all below it, list it alone, or pass it over."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


@value(frozen=True, slots=True)
class Entry:
    """What stands at a name. `leads_to` is what a link says.

    `stamp` ends with the mode. It is another one whenever a file's content or mode may be; of a folder it is the mode.
    """

    kind: EntryKind
    stamp: tuple[int, ...]
    leads_to: str = ""

    @property
    def size(self) -> int:
        """Bytes of a file."""
        return self.stamp[0] if self.kind == "file" else 0

    @property
    def mode(self) -> int:
        """Kind and permissions, as the system has them."""
        return self.stamp[-1]

    @property
    def executable(self) -> bool:
        """Whether its owner may execute it."""
        return bool(self.mode & stat.S_IXUSR)


@dataclass(slots=True)
class Tree:
    """All entries, folders before what is in them. `closed` are folders that could not be read. `cut` is the sentence
    that says what was too much; where it is set, the tree is not whole.
    """

    entries: dict[Names, Entry] = field(default_factory=dict)
    closed: set[Names] = field(default_factory=set)
    bytes: int = 0
    cut: str = ""


def entry_of(status: os.stat_result, leads_to: str = "") -> Entry:
    """What a status says. The time of change cannot be set, so that no write goes unseen."""
    if stat.S_ISDIR(status.st_mode):
        return Entry("folder", (status.st_mode,))
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", (status.st_mode,), leads_to)
    return Entry("file" if stat.S_ISREG(status.st_mode) else "other", stamp)


def listed(directory: int, opener: Opener, sort: Sort, cap: Cap) -> Tree:
    """The tree below the folder open as `directory`. Raises OSError only where that itself cannot be read."""
    tree = Tree()
    waiting: list[Names] = [()]
    while waiting and not tree.cut:
        folder = waiting.pop()
        if len(folder) > cap.depth:
            tree.cut = f"It has folders deeper than {cap.depth}."
            break
        try:
            opened = opener.open(directory, folder, _FOLDER)
        except OSError:  # no right to read it, or it became something else just now
            if not folder:
                raise
            tree.closed.add(folder)
            continue
        try:
            waiting += _folder(opened, folder, tree, sort, cap)
        finally:
            os.close(opened)
    return tree


def _folder(opened: int, folder: Names, tree: Tree, sort: Sort, cap: Cap) -> list[Names]:
    """Note what is in one folder; gives the folders to go on with."""
    found: list[Names] = []
    with os.scandir(opened) as entries:
        for item in entries:
            path = (*folder, item.name)
            try:
                status = item.stat(follow_symlinks=False)
                entry = entry_of(status, os.readlink(item.name, dir_fd=opened) if item.is_symlink() else "")
            except OSError:  # it went away just now
                continue
            way = sort(path, entry.kind)
            if way == "skip":
                continue
            tree.entries[path] = entry
            tree.bytes += entry.size if way == "enter" else 0
            if entry.kind == "folder" and way == "enter":
                found.append(path)
            if len(tree.entries) > cap.files:
                tree.cut = f"It has more than {cap.files:,} files."
                break
            if tree.bytes > cap.bytes:
                tree.cut = f"Its files have more than {cap.bytes:,} bytes together."
                break
    return found
