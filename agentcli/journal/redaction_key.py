"""The key that placeholders are made with: this user's own, in a file that nobody else may read."""

from __future__ import annotations

import os
from pathlib import Path

from agentcli.errors import StorageError

_KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """This user's key; made on first use. Two processes that make it at once get the same. Raises StorageError."""
    try:
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        key = path.read_bytes()
    except OSError as error:
        raise StorageError(
            "E-REDACTION-KEY",
            f"The key that hides secrets cannot be read or made: {path}.",
            why=f"{error.strerror or error}.",
            fix="Check that its folder is yours and may be written.",
        ) from error
    if len(key) != _KEY_BYTES:
        raise StorageError(
            "E-REDACTION-KEY",
            f"The key that hides secrets is damaged: {path}.",
            why=f"It has {len(key)} bytes instead of {_KEY_BYTES}.",
            fix="Remove the file: a new key is made, and placeholders of older runs cannot be restored.",
        )
    return key


def _make_key(path: Path) -> None:
    """Write it beside its place and link it there: it appears whole, and only if nobody was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
