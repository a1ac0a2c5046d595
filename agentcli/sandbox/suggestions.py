"""The path that was probably meant by one that is not there."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Sequence
from typing import Final

from agentcli.core.globs import PathGlob
from agentcli.core.paths import fold
from agentcli.sandbox.visibility import View
from agentcli.sandbox.walking import Bounds, Walker

_BOUNDS: Final = Bounds(files=500, names=3000, depth=8, seconds=0.2)
_MOST_PREFIXES: Final = 8


def nearest_path(view: View, names: Sequence[str]) -> str | None:
    """An existing file near the path given as its names, or None.

    Tried in this order: the path without an invented beginning, a file of the same name elsewhere, a file with a name
    like it. The work is bounded; hidden files are never suggested.
    """
    names = [part for name in names for part in name.split("\\") if part not in ("", ".", "..")]
    if not names:
        return None
    for start in range(min(len(names), _MOST_PREFIXES)):
        if _is_file(view, names[start:]):
            return "/".join(names[start:])
    try:
        files = Walker(view, [PathGlob.parse("**")], _BOUNDS).run().files
    except OSError:
        return None
    return _same_name(files, names) or _like(files, names)


def _is_file(view: View, names: Sequence[str]) -> bool:
    if view.visibility.hides(names):
        return False
    try:
        opened = view.opener.open(view.directory, names, os.O_RDONLY)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(opened).st_mode)
    finally:
        os.close(opened)


def _same_name(files: Sequence[str], names: Sequence[str]) -> str | None:
    last = fold(names[-1])
    return next((path for path in files if fold(path.rpartition("/")[2]) == last), None)


def _like(files: Sequence[str], names: Sequence[str]) -> str | None:
    wanted = "/".join(names)
    close = difflib.get_close_matches(wanted, files, n=1, cutoff=0.7)
    if close:
        return close[0]
    by_name = {path.rpartition("/")[2]: path for path in reversed(files)}
    similar = difflib.get_close_matches(names[-1], by_name, n=1, cutoff=0.7)
    return by_name[similar[0]] if similar else None
