"""The state that a model is in after the fixed beginning of its prompts, kept across processes.

Reading a prompt is the slow part on a processor, and every run begins with the same instructions, tools and examples.
After they were read once, the state goes to a file; later processes load it in milliseconds. llama.cpp does not survive
a damaged file, so each has its SHA-256 in its name's companion and is checked before it is handed over.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from agentcli.providers.local.verify import sha256_of

MOST_BYTES: Final = 256 * 1024 * 1024
"""What all states together may take; the least recently used go first."""

Act = Callable[[str], Awaitable[bool]]
"""Save or restore the file of this name in the cache's folder; whether that worked."""


class PrefixCache:
    """States in a folder, by what they depend on: the runtime's build, the model, the settings and the prefix."""

    def __init__(self, folder: Path, depends_on: str, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._depends_on = depends_on
        self._most_bytes = most_bytes

    def prepare(self) -> bool:
        """Make the folder, for this user alone: a state holds the instructions. False where that cannot be done."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return False
        return os.access(self.folder, os.W_OK)

    async def restore(self, prefix: str, act: Act) -> bool:
        """Load the state for this prefix. False where there is none, or a damaged one, which is removed."""
        path = self._path(prefix)
        try:
            sound = sha256_of(path) == self._seal(path).read_text()
        except (OSError, ValueError):
            return False
        if sound and await act(path.name):
            os.utime(path)
            return True
        self._remove(path)
        return False

    async def save(self, prefix: str, act: Act) -> None:
        """Keep the model's present state as the one for this prefix."""
        path = self._path(prefix)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            if await act(temporary.name):
                self._seal(path).write_text(sha256_of(temporary))
                temporary.replace(path)
                self._prune()
        except OSError:
            self._remove(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _path(self, prefix: str) -> Path:
        key = hashlib.sha256(f"{self._depends_on}\0{prefix}".encode()).hexdigest()
        return self.folder / f"{key[:32]}.state"

    def _seal(self, path: Path) -> Path:
        return path.with_suffix(".sha256")

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._seal(path).unlink(missing_ok=True)

    def _prune(self) -> None:
        states = sorted(self.folder.glob("*.state"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        total = 0
        for state in states:
            total += state.stat().st_size
            if total > self._most_bytes:
                self._remove(state)
