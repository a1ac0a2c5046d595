"""What of a workspace has to be covered where a program works in it itself: found by a walk, for mounts need names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agentcli.core.values import value
from agentcli.sandbox.comparing import is_cache
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.mirror import SHARED
from agentcli.sandbox.trees import EntryKind, Names, Way, listed
from agentcli.sandbox.visibility import View

MOST: Final = Cap(bytes=1 << 62, files=1_000_000)
"""Names that are looked at; that takes some seconds."""


@value(frozen=True, slots=True)
class Covered:
    """What looks empty to a program, and what it may read and not change. `cut` says why not all of it was found."""

    hidden: tuple[Path, ...]
    protected: tuple[Path, ...]
    cut: str


def covered(view: View, root: Path, cap: Cap = MOST) -> Covered:
    """What there is to cover now. What a program makes later under such a name is its own. Raises OSError."""
    found: dict[Names, bool] = {}

    def sort(names: Names, kind: EntryKind) -> Way:
        hides = view.visibility.hides(names)
        if hides or view.visibility.protects(names):
            found[names] = hides
            return "stop"
        return "stop" if is_cache(names, kind) or (kind == "folder" and names[-1] in SHARED) else "enter"

    tree = listed(view.directory, view.opener, sort, cap)
    hidden = tuple(root.joinpath(*names) for names, hides in found.items() if hides)
    protected = tuple(root.joinpath(*names) for names, hides in found.items() if not hides)
    return Covered(hidden, protected, tree.cut)
