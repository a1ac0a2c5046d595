"""Listing the files of a directory tree: bounded, in a stable order, never through a symbolic link."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agentcli.core.globs import PathGlob
from agentcli.core.values import value
from agentcli.sandbox.visibility import View

SKIPPED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""Folders of tools' own files, passed over unless a pattern spells their name."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


@value(frozen=True, slots=True)
class Bounds:
    """How far a walk goes: files found, names looked at, folders deep, seconds."""

    files: int = 1000
    names: int = 50_000
    depth: int = 40
    seconds: float = 5.0


@dataclass(slots=True)
class Found:
    """The files that match, in the order of the tree.

    `cut` says which bound ended the walk early; empty if none did. `skipped` are folders passed over by SKIPPED,
    `unreadable` counts folders that could not be opened and names that are no text, `ignored` what was passed over
    because the caller said so.
    """

    files: list[str] = field(default_factory=list)
    cut: str = ""
    skipped: set[str] = field(default_factory=set)
    unreadable: int = 0
    ignored: int = 0


class Walker:
    """One walk over what a view shows."""

    def __init__(
        self,
        view: View,
        globs: Sequence[PathGlob],
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
        ignored: Callable[[tuple[str, ...], bool], bool] | None = None,
    ) -> None:
        self._view = view
        self._ignored = ignored
        self._globs = globs
        self._spelled = frozenset().union(*(glob.literal_names() for glob in globs))
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._until = clock() + self._bounds.seconds
        self._seen = 0
        self._ended = False
        self._found = Found()

    def run(self) -> Found:
        """Walk. Raises OSError only if the view's directory itself cannot be read."""
        self._folder(self._view.opener.open(self._view.directory, (), _FOLDER), ())
        return self._found

    def _folder(self, directory: int, names: tuple[str, ...]) -> None:
        """Go through an open folder, and close it."""
        try:
            for name, is_folder in sorted(self._entries(directory)):
                path = (*names, name)
                if self._view.visibility.hides(path):
                    continue
                if self._ignored is not None and self._ignored(path, is_folder):
                    self._found.ignored += 1
                    continue
                if is_folder:
                    self._enter(directory, path)
                elif any(glob.matches(path) for glob in self._globs):
                    self._add("/".join(path))
        finally:
            os.close(directory)

    def _enter(self, directory: int, path: tuple[str, ...]) -> None:
        if self._ended or not any(glob.may_hold(path) for glob in self._globs):
            return
        if path[-1] in SKIPPED - self._spelled:
            self._found.skipped.add(path[-1])
            return
        if len(path) > self._bounds.depth:
            self._found.cut = f"folders deeper than {self._bounds.depth} were left out"
            return
        try:
            entered = self._view.opener.open(directory, path[-1:], _FOLDER)
        except OSError:  # no right to read it, or it became something else just now
            self._found.unreadable += 1
            return
        self._folder(entered, path)

    def _add(self, path: str) -> None:
        if len(self._found.files) < self._bounds.files:
            self._found.files.append(path)
        else:
            self._end(f"only the first {self._bounds.files:,} files are listed")

    def _entries(self, directory: int) -> Iterator[tuple[str, bool]]:
        """The files and folders of an open folder: name, and whether it is a folder. Links and devices are no files."""
        with os.scandir(directory) as entries:
            for entry in entries:
                if self._is_over():
                    return
                is_folder = entry.is_dir(follow_symlinks=False)
                if not is_folder and not entry.is_file(follow_symlinks=False):
                    continue
                if _is_text(entry.name):
                    yield entry.name, is_folder
                else:
                    self._found.unreadable += 1

    def _is_over(self) -> bool:
        """Count a name; whether a bound is reached. What is listed by then still counts."""
        self._seen += 1
        if self._seen > self._bounds.names:
            self._end(f"the search ended after {self._bounds.names:,} names")
        elif self._clock() > self._until:
            self._end(f"the search ended after {self._bounds.seconds:g} s")
        return self._ended

    def _end(self, why: str) -> None:
        if not self._ended:
            self._ended, self._found.cut = True, why


def _is_text(name: str) -> bool:
    """Whether the name is valid UTF-8: the system's other bytes come as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
