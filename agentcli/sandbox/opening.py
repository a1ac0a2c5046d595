"""Opening what lies beneath a directory handle, without ever following a symbolic link.

Two implementations of one contract. `Openat2` lets the kernel resolve the whole path under its own rules
(RESOLVE_BENEATH, no symbolic links, no magic links). `Walk` opens one name at a time with O_NOFOLLOW, for kernels and
systems without openat2. Both resolve and open in one step per name, so nothing can be swapped in between.

Errors are OSError: ELOOP for a symbolic link anywhere on the way, ENOENT, ENOTDIR, EACCES and so on as the system has
them.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

SAFE: Final = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Added to every open: no leak into children, no waiting for a FIFO's other end, no controlling terminal."""

RawOpen: TypeAlias = Callable[[int, bytes, int, int], int]
"""openat2(directory, path, flags, resolve): a descriptor, or a negative errno."""

_NUMBER: Final = 437
_RESOLVE: Final = 0x02 | 0x04 | 0x08
"""RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH."""

_MISSING: Final = (errno.ENOSYS, errno.EPERM)
"""What an old kernel says of openat2, and what a container's filter says that does not know it."""


class Opener(Protocol):
    """Opens a path given as its names, none of them `.`, `..` or empty, beneath an open directory."""

    def open(self, directory: int, names: Sequence[str], flags: int) -> int:
        """A new descriptor, for the caller to close; no names means the directory itself. Raises OSError."""


class Openat2:
    """The kernel resolves the path, and refuses to leave the directory. Linux 5.6 and later."""

    def __init__(self, call: RawOpen) -> None:
        self._call = call

    def open(self, directory: int, names: Sequence[str], flags: int) -> int:
        """A new descriptor. Raises OSError."""
        _check(names)
        path = "/".join(names) or "."
        while True:
            found = self._call(directory, os.fsencode(path), flags | SAFE, _RESOLVE)
            if found >= 0:
                return found
            if found != -errno.EINTR:
                raise OSError(-found, os.strerror(-found), path)


class Walk:
    """One name at a time, never through a symbolic link. Works wherever there is openat."""

    def open(self, directory: int, names: Sequence[str], flags: int) -> int:
        """A new descriptor. Raises OSError."""
        _check(names)
        if not names:
            return os.open(".", flags | SAFE, dir_fd=directory)
        at = directory
        try:
            for name in names[:-1]:
                entered = self._step(at, name, _ENTER)
                if at != directory:
                    os.close(at)
                at = entered
            return self._step(at, names[-1], flags)
        finally:
            if at != directory:
                os.close(at)

    def _step(self, directory: int, name: str, flags: int) -> int:
        try:
            return os.open(name, flags | os.O_NOFOLLOW | SAFE, dir_fd=directory)
        except NotADirectoryError as error:
            # A symbolic link met with O_DIRECTORY says ENOTDIR; what it is only words the message.
            if _is_link(directory, name):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from error
            raise


_ENTER: Final = os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
"""Passing through a folder needs no right to read it, where the system can say so."""


def best_opener(directory: int, raw: Callable[[], RawOpen | None] | None = None) -> Opener:
    """`Openat2` where it works on this directory, else `Walk`. `raw` gives the system call, or None."""
    call = (raw or raw_openat2)()
    if call is None:
        return Walk()
    opener = Openat2(call)
    try:
        os.close(opener.open(directory, (), os.O_RDONLY | os.O_DIRECTORY))
    except OSError as error:
        if error.errno in _MISSING:
            return Walk()
        raise
    return opener


def raw_openat2(platform: str = sys.platform) -> RawOpen | None:
    """The system call, which the C library does not wrap; None on a platform without it."""
    if platform != "linux":
        return None
    import ctypes

    class OpenHow(ctypes.Structure):
        _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long

    def call(directory: int, path: bytes, flags: int, resolve: int) -> int:
        how = OpenHow(flags, 0, resolve)
        found = libc.syscall(
            ctypes.c_long(_NUMBER),
            ctypes.c_int(directory),
            ctypes.c_char_p(path),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        return int(found) if found >= 0 else -ctypes.get_errno()

    return call


def _check(names: Sequence[str]) -> None:
    """Callers take paths apart before they come here; a name that could lead elsewhere must not depend on that."""
    for name in names:
        if name in ("", ".", "..") or "/" in name:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)


def _is_link(directory: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
