"""The copy of the workspace that the code of a custom agent works in: what it changed there, and how that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agentcli.core.tools import Preview, ToolResult, ToolStatus
from agentcli.errors import RunError, ToolError
from agentcli.sandbox.comparing import Changes
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.paths import MAX_FILE_BYTES, Workspace
from agentcli.sandbox.taking_over import Taken
from agentcli.sandbox.trees import Names
from agentcli.tools.diffs import preview_of
from agentcli.tools.program_result import told_of

MOST_PREVIEWED: Final = 20
"""Files whose differences are shown before they are kept."""


class Copy:
    """One copy, up to date with the workspace, until it is given back. Blocking. Raises RunError E-CODE-WORKSPACE."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._changes = Changes()
        self._is_back = False
        try:
            self._mirror, cut = workspace.mirrors.take(Cap())
        except OSError as error:
            raise _no_copy(f"The copy could not be written: {error.strerror}.") from error
        if cut:
            raise _no_copy(cut)

    @property
    def folder(self) -> Path:
        """Where to work."""
        return self._mirror.folder

    @property
    def shared(self) -> tuple[Path, ...]:
        """What the links in it lead to."""
        return self._mirror.shared

    def look(self) -> Changes:
        """What is not as it was, now that nothing works in it any more."""
        self._changes = self._mirror.changes()
        return self._changes

    def preview(self) -> Preview | None:
        """What keeping its files would change."""
        names = sorted([*self._changes.written, *self._changes.deleted])
        parts = [preview_of(*part) for part in self._contents(names[:MOST_PREVIEWED])]
        more = [f"[and {len(names) - len(parts):,} more files]"] if len(names) > len(parts) else []
        contents = tuple(data for part in parts for data in part.contents)
        return Preview("\n".join([*(part.text for part in parts), *more]), contents)

    def keep(self) -> ToolResult:
        """Take its files over, one by one, and give it back; what was changed meanwhile stays as it is."""
        self._is_back = True
        taken = self._workspace.mirrors.finish(self._mirror, self._workspace)
        told = "\n".join(told_of(taken.files, taken)) or "[nothing was kept]"
        return ToolResult(told, _status(taken), None, tuple(taken.files))

    def give_back(self) -> None:
        """Nothing works in it any more. What was changed and not kept is gone."""
        if not self._is_back:
            self._is_back = True
            self._workspace.mirrors.give_back(self._mirror)

    def _contents(self, names: list[Names]) -> Iterator[tuple[str, bytes | None, bytes | None]]:
        for one in names:
            after = self._mirror.read(one, MAX_FILE_BYTES) if one in self._changes.written else None
            yield "/".join(one), self._before("/".join(one)), after

    def _before(self, path: str) -> bytes | None:
        try:
            return self._workspace.read_if_there(path)
        except ToolError:
            return None


def _status(taken: Taken) -> ToolStatus:
    return "error" if taken.cut or (taken.left and not taken.files) else "ok"


def _no_copy(why: str) -> RunError:
    return RunError(
        "E-CODE-WORKSPACE",
        "The workspace could not be copied for the agent's code.",
        why=why,
        fix="Work in a smaller folder: name it with `--workspace`.",
    )
