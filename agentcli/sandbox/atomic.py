"""Writing a file whole or not at all, in a directory held open."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable
from typing import Final

TEMPORARY: Final = ".agentcli.tmp-"
"""How names of unfinished files begin; tools never see them."""

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems without hard links say."""


def write_whole(
    directory: int,
    name: str,
    data: bytes,
    *,
    mode: int | None,
    replace: bool,
    executable: bool | None = None,
    link: Callable[..., None] = os.link,
) -> None:
    """Put `data` at `name`: written beside it, flushed to the disk, then moved into place.

    `mode` are the permission bits, None the usual ones for a new file (0644 less the umask); with `executable` set,
    whoever may read it may execute it, or nobody may. Without `replace` an existing name, also one that appeared just
    now, raises FileExistsError. Raises OSError; whatever happens, no unfinished file stays.
    """
    temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        _write(directory, temporary, data, mode, executable)
        if replace:
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        else:
            _place(directory, temporary, directory, name, link)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)
    with contextlib.suppress(OSError):  # some file systems cannot flush a directory; the file itself is whole
        os.fsync(directory)


def move_whole(
    directory: int, name: str, other: int, target: str, *, replace: bool, link: Callable[..., None] = os.link
) -> None:
    """Give the file `name` in `directory` the name `target` in `other`, at once.

    Without `replace` a name that is taken raises FileExistsError. Raises OSError; then everything is as it was, unless
    the file could be linked and not unlinked: then it has both names.
    """
    if replace:
        os.rename(name, target, src_dir_fd=directory, dst_dir_fd=other)
    else:
        _place(directory, name, other, target, link)
    for folder in (directory, other):
        with contextlib.suppress(OSError):
            os.fsync(folder)


def _write(directory: int, temporary: str, data: bytes, mode: int | None, executable: bool | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o644, dir_fd=directory), "wb", buffering=0) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        if executable is not None:
            given = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            os.fchmod(file.fileno(), given | (given & 0o444) >> 2 if executable else given & ~0o111)
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())


def _place(directory: int, old: str, other: int, name: str, link: Callable[..., None]) -> None:
    """Give the file a new name only if nothing has it: a link fails where a rename would replace."""
    try:
        link(old, name, src_dir_fd=directory, dst_dir_fd=other, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if _exists(other, name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
        os.rename(old, name, src_dir_fd=directory, dst_dir_fd=other)
    else:
        os.unlink(old, dir_fd=directory)


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def kept_mode(status: os.stat_result) -> int:
    """The permission bits that a replaced file hands on; never set-user-id and its kin."""
    return stat.S_IMODE(status.st_mode) & 0o777
