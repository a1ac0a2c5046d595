"""File locks: who owns a run, and whose turn it is to write.

A lock is `flock` on a file below `locks/`. The kernel frees it when its holder dies, whatever way it dies; it is not
inherited by programs that are started. A file may be removed while its lock is held: who gets a lock checks that the
file is still the one at its path.

In its lock's file an owner notes what its run puts and names, so that who prunes meanwhile leaves it: see marking.py.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agentcli.errors import StorageError

PRUNING: Final = "pruning"
"""The file whose lock is held by who prunes."""

NOTE: Final = 8
"""Bytes of a digest that a note has."""

_PATIENCE_S = 0.1
"""Somebody who only looks whether a run is owned holds its lock for microseconds; do not take that for an owner."""


class FileLock:
    """One lock file, held or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def try_acquire(self) -> bool:
        """Take the lock unless somebody has it. Raises OSError where the file cannot be made."""
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            except BaseException:
                os.close(fd)
                raise
            if _is_at(fd, self.path):
                self._fd = fd
                return True
            os.close(fd)  # its last owner removed the file while we waited

    def release(self, *, remove: bool = False) -> None:
        """Give the lock up; `remove` also deletes the file, while nobody else can hold it."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(fd)


class OwnerLock(FileLock):
    """The lock of a run's owner. Its file is left there, with its notes, while somebody prunes."""

    def note(self, digests: Iterable[bytes]) -> None:
        """Say what the run puts or names; before it is looked for in the journal. Raises OSError."""
        if self._fd is not None:
            os.write(self._fd, b"".join(digest[:NOTE] for digest in digests))

    def release(self, *, remove: bool = False) -> None:
        """See `FileLock`. What was committed before is seen by whoever begins to prune later."""
        super().release(remove=remove and not _is_held(self.path.with_name(PRUNING)))


class RunLocks:
    """The owners' locks of a journal's runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def own(self, run: str) -> OwnerLock:
        """Become the run's owner. Raises StorageError E-RUN-OWNED, OSError."""
        lock = OwnerLock(self._path(run))
        if not _acquired(lock):
            raise StorageError(
                "E-RUN-OWNED",
                f"Run {run} is in the hands of another process.",
                why="A run has one writer at a time.",
                fix="Wait for it to end, or stop it.",
            )
        return lock

    def claim(self, run: str) -> FileLock | None:
        """The lock of a run that is to go; None while somebody owns it. Raises OSError."""
        lock = FileLock(self._path(run))
        return lock if lock.try_acquire() else None

    def is_owned(self, run: str) -> bool:
        """Whether some process, this one included, owns the run now. Creates nothing."""
        return _is_held(self._path(run))

    def any_owned(self) -> bool:
        """Whether any run has an owner now."""
        return any(_is_held(path) for path in self.files())

    def files(self) -> list[Path]:
        """The files of owners, dead ones included."""
        return sorted(self.folder.glob("*.lock"))

    @contextmanager
    def pruning(self) -> Iterator[None]:
        """Be the one who prunes: until the end, no file of an owner goes. Raises StorageError E-PRUNE-BUSY, OSError."""
        self.sweep()
        lock = FileLock(self.folder / PRUNING)
        if not _acquired(lock):
            raise StorageError(
                "E-PRUNE-BUSY",
                "Another process is pruning this journal.",
                why="One at a time: each has to know all that is still needed.",
                fix="Wait for it to end.",
            )
        try:
            yield
        finally:
            lock.release(remove=True)
            self.sweep()

    def sweep(self) -> None:
        """Remove the files that dead owners left."""
        for path in self.files():
            lock = OwnerLock(path)
            if lock.try_acquire():
                lock.release(remove=True)

    def _path(self, run: str) -> Path:
        # An id read from a database that was tampered with must not lead elsewhere.
        if "/" in run:
            run = run.encode().hex()
        return self.folder / f"{run}.lock"


class Turnstile:
    """Lets one process at a time write the database.

    SQLite's own waiting is a poll that backs off to 100 ms and knows no order; the kernel wakes who waits here at once.
    Keeping writes and checkpoints of different processes apart also avoids SQLite's WAL-reset bug (before 3.51.3).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and hold it."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _acquired(lock: FileLock) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while not lock.try_acquire():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def _is_held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _is_at(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
