"""A workspace by its names alone: what replay needs of one, whether or not the folder is still there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agentcli.sandbox.opening import Walk
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.visibility import View, Visibility


class UnopenedWorkspace(Workspace):
    """Knows which paths tools may use, as the folder itself would say; nothing in it can be reached through this."""

    def __init__(self, root: Path, private: Iterable[Path] = ()) -> None:
        self.root = root
        self._directory = -1
        self._view = View(-1, Walk(), Visibility(root, (), private))

    def close(self) -> None:
        """There is nothing to let go of."""
