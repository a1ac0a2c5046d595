"""Which folders may be workspaces, and opening one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from agentcli.errors import UsageError
from agentcli.sandbox.visibility import STATE


def is_copy(root: Path, copies: Path) -> bool:
    """Whether `root` stands right in `copies`, and neither of the two is a link: it may have come with a project."""
    return root.resolve() == copies.parent.resolve() / copies.name / root.name


def refuse_private(root: Path, private: Iterable[Path]) -> None:
    """What is hidden inside a workspace is not shown by making it one. Raises UsageError E-WORKSPACE."""
    if STATE in root.parts or any(root.is_relative_to(path) for path in private):
        raise no_workspace(root)


def no_workspace(root: Path) -> UsageError:
    """The error for a folder of agentcli's own."""
    return UsageError(
        "E-WORKSPACE",
        f"{root} cannot be a workspace.",
        why="It holds agentcli's own records and keys.",
        fix="Name another folder with --workspace.",
    )


def open_root(root: Path) -> int:
    """A handle on the folder. Raises UsageError E-WORKSPACE."""
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        why = "It is not a folder." if error.errno == errno.ENOTDIR else f"{os.strerror(error.errno or 0)}."
        fix = "Name an existing folder with --workspace."
        raise UsageError("E-WORKSPACE", f"The workspace {root} cannot be opened.", why=why, fix=fix) from error
