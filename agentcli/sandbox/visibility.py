"""What of a workspace the tools may see, and what of that they may change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from agentcli.core.globs import PathGlob
from agentcli.core.paths import fold
from agentcli.core.values import value
from agentcli.sandbox.atomic import TEMPORARY
from agentcli.sandbox.opening import Opener

STATE: Final = ".agentcli"
"""The folder of agentcli's own records in a project."""

HIDDEN: Final = (".env*", STATE, f"{TEMPORARY}*")
"""Names that are hidden wherever they stand, with all that is below: secrets, and agentcli's own records."""

PROTECTED: Final = (".git", "agentcli.yaml", "agentcli.yml")
"""May be read, never changed: a hook of git's is a program that runs later, and the project's settings say what tools
may do and where keys are sent.
"""


class Visibility:
    """Decides by name alone, case and lookalike spellings included, so that it needs no disk.

    `hidden` are further patterns: of a name anywhere, or, with a slash, of a path from the workspace. `private` are
    folders of agentcli's own, hidden where they lie inside `root`.
    """

    def __init__(self, root: Path, hidden: Iterable[str] = (), private: Iterable[Path] = ()) -> None:
        patterns = [*HIDDEN, *hidden]
        inside = [os.path.relpath(path, root) for path in private if _is_inside(path, root)]
        self._names = [PathGlob.parse(text, folded=True) for text in patterns if "/" not in text]
        self._paths = [PathGlob.parse(text, folded=True) for text in patterns if "/" in text]
        self._known = lru_cache(1024)(self._decide)
        self._private = [tuple(fold(name) for name in Path(text).parts) for text in inside]

    def hides(self, names: Sequence[str]) -> bool:
        """Whether the path, or a folder on the way to it, is hidden."""
        return self._known(tuple(names))

    def _decide(self, names: tuple[str, ...]) -> bool:
        if any(glob.matches((name,)) for glob in self._names for name in names):
            return True
        ways = [names[: end + 1] for end in range(len(names))]
        if any(glob.matches(way) for glob in self._paths for way in ways):
            return True
        folded = tuple(fold(name) for name in names)
        return any(folded[: len(place)] == place for place in self._private)

    def protects(self, names: Sequence[str]) -> bool:
        """Whether the path may be read but not changed."""
        return any(fold(name) in PROTECTED for name in names)


@value(frozen=True, slots=True)
class View:
    """A directory held open, how to open what is beneath it, and what of that there is to see."""

    directory: int
    opener: Opener
    visibility: Visibility


def _is_inside(path: Path, root: Path) -> bool:
    return path != root and path.is_relative_to(root)
