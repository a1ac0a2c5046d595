"""Bodies that tools fetched, kept for people to look at: content-addressed files in a folder of agentcli's own.

Not in the workspace: a tool that only reads changes nothing there, and a stranger's file must not lie where a build, a
shell or another tool takes it for the project's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.sandbox.atomic import write_whole

FOLDER: Final = "artifacts"
"""Beside the journal whose runs name what is in it."""


NAMED_BY: Final = 32
"""So many digits of a content's SHA-256 are its file's name, before the ending."""


class KeptCopy(NamedTuple):
    """Where a content is, as people read it, and its SHA-256: whoever records that keeps it from being pruned."""

    path: str
    digest: Digest


class Artifacts:
    """Keeps contents in `folder`, which is made when there is something to keep.

    What `holds_secret` finds a secret in is not kept. Paths are given relative to `base` where they lie below it.
    """

    def __init__(self, folder: Path, base: Path, holds_secret: Callable[[bytes], bool]) -> None:
        self._folder = folder
        self._base = base
        self._holds_secret = holds_secret

    def keep(self, data: bytes, suffix: str) -> KeptCopy | None:
        """Where the content is now; None where it was not kept, for a secret in it or for want of room."""
        if self._holds_secret(data):
            return None
        digest = digest_bytes(data)
        name = f"{digest[:NAMED_BY]}{suffix}"
        try:
            self._write(name, data)
        except OSError:
            return None  # a copy for people: the call does not fail for it
        path = self._folder / name
        return KeptCopy(str(path.relative_to(self._base) if path.is_relative_to(self._base) else path), digest)

    def _write(self, name: str, data: bytes) -> None:
        """Readable by this user alone. The same content is written anew: so that its age is that of its last use."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            write_whole(folder, name, data, mode=0o600, replace=True)
        finally:
            os.close(folder)
