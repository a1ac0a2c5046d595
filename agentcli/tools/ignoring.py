"""What the `.gitignore` files of a workspace name: read as far as a walk comes, matched in linear time."""

from __future__ import annotations

from typing import Any, Final

from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace

NAME: Final = ".gitignore"
MAX_BYTES: Final = 16 * 1024
MAX_PATTERNS: Final = 300
MAX_FILES: Final = 200
"""Bounds on what strangers wrote: beyond them an ignore file counts for nothing, and is told of."""


class Ignoring:
    """Says of each name whether an ignore file at or above it names it; the nearest one decides.

    `unused` are the ignore files that could not be used.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._specs: dict[tuple[str, ...], Any] = {}
        self.unused: list[str] = []

    def __call__(self, names: tuple[str, ...], is_folder: bool) -> bool:
        """Whether it is ignored. What lies below an ignored folder is not asked about."""
        for depth in range(len(names) - 1, -1, -1):
            spec = self._of(names[:depth])
            if spec is None:
                continue
            path = "/".join(names[depth:]) + ("/" if is_folder else "")
            verdict = spec.check_file(path).include
            if verdict is not None:
                return bool(verdict)
        return False

    def _of(self, folder: tuple[str, ...]) -> Any:
        if folder not in self._specs:
            self._specs[folder] = self._read("/".join((*folder, NAME)))
        return self._specs[folder]

    def _read(self, path: str) -> Any:
        """The ignore file, compiled; None where there is none, or none that can be used."""
        try:
            data = self._workspace.read_if_there(path, cap=MAX_BYTES)
        except ToolError:
            self.unused.append(path)
            return None
        if data is None:
            return None
        lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip() and line[0] != "#"]
        known = sum(spec is not None for spec in self._specs.values())
        spec = _compiled(lines) if len(lines) <= MAX_PATTERNS and known < MAX_FILES else None
        if lines and spec is None:
            self.unused.append(path)
        return spec


def _compiled(lines: list[str]) -> Any:
    import re2
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines, backend="re2")
    except (re2.error, ValueError):
        return None
