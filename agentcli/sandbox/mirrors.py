"""The copies of a workspace that programs work in, kept from one program to the next."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from agentcli.sandbox.clearing import remove
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.mirror import Mirror
from agentcli.sandbox.visibility import View

if TYPE_CHECKING:
    from agentcli.sandbox.paths import Workspace
    from agentcli.sandbox.taking_over import Taken


class Mirrors:
    """The copies of one workspace: as many as programs run at the same time. Safe to use from several threads."""

    def __init__(self, view: View, root: Path) -> None:
        self._view = view
        self._root = root
        self._folder: Path | None = None
        self._removing: weakref.finalize[..., Mirrors] | None = None
        self._all: list[Mirror] = []
        self._free: list[Mirror] = []
        self._lock = threading.Lock()
        self._taking = threading.Lock()

    def take(self, cap: Cap) -> tuple[Mirror, str]:
        """A copy that is up to date, and the sentence that says what was too much: then it must not be worked in.

        Raises OSError.
        """
        mirror = self._any()
        cut = mirror.refresh(cap)
        if cut:
            self.give_back(mirror)
        return mirror, cut

    def give_back(self, mirror: Mirror) -> None:
        """Nothing works in it any more. What was changed in it is not taken over."""
        with self._lock:
            self._free.append(mirror)

    def finish(self, mirror: Mirror, workspace: Workspace) -> Taken:
        """Take over what was changed in a copy, and give it back. Raises OSError."""
        from agentcli.sandbox.taking_over import take_over

        changes = mirror.changes()
        with self._taking:  # what one program changed is a conflict for the next one, never half of one
            taken = take_over(workspace, mirror, changes)
        mirror.undo(changes)
        self.give_back(mirror)
        return taken

    def close(self) -> None:
        """Remove all of them. Closing twice is fine."""
        with self._lock:
            for mirror in self._all:
                mirror.close()
            self._all, self._free = [], []
            if self._removing is not None:
                self._removing()
            self._folder, self._removing = None, None

    def _any(self) -> Mirror:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._folder is None:
                self._folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="agentcli-copies-")))
                self._removing = weakref.finalize(self, remove, self._folder)
            folder = self._folder / str(len(self._all) + 1)
            folder.mkdir(mode=0o700)
            self._all.append(Mirror(self._view, self._root, folder))
            return self._all[-1]
