"""File locks: who owns a run, and whose turn it is to write.

A lock is `flock` on a file below `locks/`. The kernel frees it when its holder dies, whatever way it dies; it is not
inherited by programs that are started. A file may be removed while its lock is held: who gets a lock checks that the
file is still the one at its path.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentcli.errors import StorageError

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
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
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


class RunLocks:
    """The owners' locks of a journal's runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def own(self, run: str) -> FileLock:
        """Become the run's owner. Raises StorageError E-RUN-OWNED, OSError."""
        lock = FileLock(self._path(run))
        until = time.monotonic() + _PATIENCE_S
        while not lock.try_acquire():
            if time.monotonic() > until:
                raise StorageError(
                    "E-RUN-OWNED",
                    f"Run {run} is in the hands of another process.",
                    why="A run has one writer at a time.",
                    fix="Wait for it to end, or stop it.",
                )
            time.sleep(0.002)
        return lock

    def is_owned(self, run: str) -> bool:
        """Whether some process, this one included, owns the run now. Creates nothing."""
        try:
            fd = os.open(self._path(run), os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def sweep(self) -> None:
        """Remove the files that dead owners left."""
        for path in self.folder.glob("*.lock"):
            lock = FileLock(path)
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


def _is_at(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
