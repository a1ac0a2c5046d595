"""Paths of the workspace as text: one reading for the permission rules and for the code that opens files.

Nothing here touches a disk. What the rules compare is therefore exactly what is opened: `./a/../secret.db` is
`secret.db` for both.
"""

from __future__ import annotations

import unicodedata

from agentcli.errors import ToolArgumentsError, ToolRefusedError

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4000
"""Below the kernel's 4096, so that the name of a temporary file beside it always fits."""


def relative_parts(path: str) -> tuple[str, ...]:
    """The names that lead from the workspace to `path`; `.` and `..` are resolved lexically, `.` itself gives ().

    Raises ToolArgumentsError (E-PATH-INVALID) for what cannot be a path, ToolRefusedError (E-PATH-OUTSIDE) for an
    absolute path and for one that climbs out.
    """
    _check_text(path)
    if path.startswith("/"):
        raise outside(path, why="It is absolute; paths here start at the workspace.")
    parts: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if not parts:
                raise outside(path, why="Its `..` climb above the workspace.")
            parts.pop()
        elif name not in ("", "."):
            parts.append(name)
    if any(len(name.encode()) > MAX_NAME_BYTES for name in parts):
        raise _invalid(path, f"A name in it is longer than {MAX_NAME_BYTES} bytes.", "Use shorter names.")
    return tuple(parts)


def fold(name: str) -> str:
    """The name as the least exact file system compares it.

    Case, compatibility forms and characters without a shape do not count, nor do trailing dots and spaces: a name that
    some file system takes for another must not dodge a rule about that other.
    """
    if name.isascii():
        return name.lower().rstrip(". ")  # nothing else of what follows concerns these
    plain = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", visible).rstrip(". ")


def shown(path: str) -> str:
    """The path for a message: short, and without what would break its line."""
    text = path if len(path) <= 80 else f"{path[:60]}…{path[-16:]}"
    return "".join(char if char.isprintable() else "�" for char in text)


def outside(path: str, why: str) -> ToolRefusedError:
    """The refusal of a path that is not in the workspace, with a path that might be meant."""
    last = path.rstrip("/").rpartition("/")[2]
    example = shown(last) if last not in ("", ".", "..") else "src/app.py"
    return ToolRefusedError(
        "E-PATH-OUTSIDE",
        f"`{shown(path)}` is outside the workspace.",
        why=why,
        fix=f"Give a path relative to the workspace, such as `{example}`; list_files shows what there is.",
    )


def _check_text(path: str) -> None:
    if not path.strip():
        raise _invalid(path, "It is empty.", "Give a path such as `src/app.py`; list_files shows what there is.")
    if not path.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in path):
        raise _invalid(path, "It holds a control character or half a character.", "Write the path as plain text.")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise _invalid(path, f"It is longer than {MAX_PATH_BYTES} bytes.", "Use a shorter path.")


def _invalid(path: str, why: str, fix: str) -> ToolArgumentsError:
    return ToolArgumentsError("E-PATH-INVALID", f"`{shown(path)}` cannot be a path.", why=why, fix=fix)
