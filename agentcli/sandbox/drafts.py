"""Folders that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_DRAFT: Final = ".draft-"
"""Stands in the name of a folder that is not whole yet."""


@contextmanager
def drafted(folder: Path, name: str) -> Iterator[Path]:
    """A new private folder in `folder`, which is called `name` once the block has ended well, and removed otherwise.

    `folder` is made where it is not there. What killed processes left in it is cleared away. Raises OSError, also where
    the name is taken by something that is no empty folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _clear(at)
        draft = folder / f"{name}{_DRAFT}{secrets.token_hex(8)}"
        os.mkdir(draft.name, 0o700, dir_fd=at)
        try:
            yield draft
            os.rename(draft.name, name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            shutil.rmtree(draft.name, ignore_errors=True, dir_fd=at)
            raise
    finally:
        os.close(at)


def _clear(at: int) -> None:
    """Take a share of the folder's lock; whoever finds it free knows that no draft in there belongs to anyone."""
    with suppress(BlockingIOError):
        fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in os.listdir(at):
            if _DRAFT in name:
                shutil.rmtree(name, ignore_errors=True, dir_fd=at)
    fcntl.flock(at, fcntl.LOCK_SH)
