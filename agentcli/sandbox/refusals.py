"""What a tool says when a file cannot be had: system errors in the words of a workspace."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from agentcli.core.paths import outside, shown
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def told(error: OSError, path: str) -> ToolError:
    """The error for what the system said about `path`. ENOENT is not handled here: it deserves a suggestion."""
    if error.errno == errno.ELOOP:
        return symbolic_link(path)
    if error.errno == errno.EXDEV:
        return outside(path, why="The way to it leads out of the workspace.")
    if error.errno in _FULL:
        return ToolError(
            "E-DISK-FULL",
            f"`{shown(path)}` could not be written: {os.strerror(error.errno)}.",
            why="The disk, the quota or the file size limit is used up; nothing was changed.",
            fix="Tell the user that there is no room; do not try again.",
        )
    if error.errno == errno.ENAMETOOLONG:
        return ToolArgumentsError("E-PATH-INVALID", f"`{shown(path)}` is too long a path.", fix="Use a shorter path.")
    if error.errno in (errno.EISDIR, errno.ENXIO, errno.ENODEV):
        return wrong_kind(path, "a folder" if error.errno == errno.EISDIR else "a socket or a device")
    if error.errno == errno.ENOTDIR:
        return ToolError(
            "E-FILE-KIND",
            f"`{shown(path)}` passes a file as if it were a folder.",
            fix="Check the path with list_files.",
        )
    return ToolError(
        "E-FILE-ACCESS",
        f"`{shown(path)}` cannot be used: {os.strerror(error.errno or errno.EIO)}.",
        why="The system does not permit it or failed.",
        fix="Use another file, or tell the user.",
    )


def symbolic_link(path: str) -> ToolRefusedError:
    """The refusal of a symbolic link, wherever on the path it is."""
    return ToolRefusedError(
        "E-PATH-SYMLINK",
        f"`{shown(path)}` is or passes a symbolic link.",
        why="Links are never followed: they may lead anywhere.",
        fix="Use the path of the file itself; list_files shows files and no links.",
    )


def hidden(path: str) -> ToolRefusedError:
    """The refusal of a path that tools cannot see."""
    return ToolRefusedError(
        "E-PATH-HIDDEN",
        f"`{shown(path)}` is hidden from tools.",
        why="Files with secrets (.env*) and agentcli's own records are never shown or changed.",
        fix="Do without it; ask the user for what you need to know.",
    )


def protected(path: str) -> ToolRefusedError:
    """The refusal to change what may only be read."""
    return ToolRefusedError(
        "E-PATH-PROTECTED",
        f"`{shown(path)}` may be read but not changed.",
        why="What is in .git is git's own, and agentcli.yaml says what tools may do.",
        fix="Leave it as it is.",
    )


def kind_of(mode: int) -> str:
    """What a file of this mode is, in a word or two, for one that is not a regular file."""
    return next((word for holds, word in _KINDS if holds(mode)), "not a regular file")


def wrong_kind(path: str, kind: str) -> ToolError:
    """The error for something that is no regular file."""
    if kind == "a symbolic link":
        return symbolic_link(path)
    fix = "Use the path of a regular file."
    if kind == "a folder":
        fix = f'List its files with list_files {{"glob": "{shown(path).rstrip("/")}/**/*"}}.'
    return ToolError("E-FILE-KIND", f"`{shown(path)}` is {kind}, not a file.", fix=fix)


def too_large(path: str, size: int, cap: int) -> ToolError:
    """The error for content past a cap; both in bytes."""
    return ToolError(
        "E-TOOL-TOO-LARGE",
        f"`{shown(path)}` has {size:,} bytes; the most is {cap:,}.",
        fix="Use a smaller file.",
    )


def unknown(path: str, nearest: str | None) -> ToolError:
    """The error for a path that is not there, with the nearest one that is."""
    return ToolError(
        "E-FILE-UNKNOWN",
        f"There is no file `{shown(path)}`.",
        fix=f"Did you mean `{nearest}`?" if nearest else "List what there is with list_files.",
    )


def exists(path: str) -> ToolError:
    """The error for a file that would have to be replaced."""
    return ToolError(
        "E-FILE-EXISTS",
        f"`{shown(path)}` already exists with other content.",
        fix='Choose another path, or pass "overwrite": true to replace all of it.',
    )


def same_file(path: str, other: str) -> ToolError:
    """The error for two names of one file where two files are needed."""
    return ToolError(
        "E-FILE-EXISTS",
        f"`{shown(path)}` and `{shown(other)}` are two names of one file.",
        fix="Delete the one that is not needed with delete_file.",
    )
