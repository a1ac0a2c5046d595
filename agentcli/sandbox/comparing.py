"""How a copy that a program worked in differs from what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agentcli.core.values import value
from agentcli.sandbox.refusals import kind_of
from agentcli.sandbox.trees import Entry, EntryKind, Names, Tree, Way

CACHES: Final = frozenset({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Folders that programs make again: not copied, and not taken over."""


@value(frozen=True, slots=True)
class Pair:
    """An entry of the workspace, and what stands for it in the copy. `shared`: a link to the real one does."""

    theirs: Entry
    ours: Entry
    shared: bool


@dataclass(slots=True)
class Changes:
    """How a copy differs from what it was.

    `written` are files that are new or not as they were, `deleted` those that are gone; `made` and `gone` are folders.
    `odd` is what no workspace takes over, with the reason. `there` and `missing` are the names that make up all of it:
    what stands in the copy, and what does so no more. `cut` is the sentence that says why the copy could not be looked
    at; then there is nothing else. `damaged`: the copy cannot be put right by undoing the rest.
    """

    written: dict[Names, Entry] = field(default_factory=dict)
    deleted: list[Names] = field(default_factory=list)
    made: list[Names] = field(default_factory=list)
    gone: list[Names] = field(default_factory=list)
    odd: dict[Names, str] = field(default_factory=dict)
    there: list[Names] = field(default_factory=list)
    missing: list[Names] = field(default_factory=list)
    cut: str = ""
    damaged: bool = False


def compared(known: Mapping[Names, Pair], tree: Tree) -> Changes:
    """The changes from what is known of a copy to what stands in it now."""
    found = Changes(damaged=bool(tree.closed))
    found.odd = dict.fromkeys(tree.closed, "it could not be read")
    for names, entry in tree.entries.items():
        pair = known.get(names)
        if pair is None or pair.ours != entry:
            found.there.append(names)
            if not is_cache(names, entry.kind):
                _note_there(names, entry, pair, found)
    for names, pair in known.items():
        if names not in tree.entries and not _is_below(names, tree):
            found.missing.append(names)
            _note_missing(names, pair, found)
    return found


def is_cache(names: Names, kind: EntryKind) -> bool:
    """Whether it is passed over."""
    return kind == "folder" and names[-1] in CACHES


def within_copy(names: Names, kind: EntryKind) -> Way:
    """What to do with an entry of a copy: all of it is looked at, but what is in caches."""
    return "stop" if is_cache(names, kind) else "enter"


def _note_there(names: Names, entry: Entry, pair: Pair | None, found: Changes) -> None:
    """An entry that is new, or not as it was."""
    before = pair.ours.kind if pair is not None else None
    if pair is not None and pair.shared:
        found.odd[names] = "it may be read only"
    elif before == "link":
        found.odd[names] = "it is a symbolic link in the workspace"
    elif entry.kind == "file":
        found.written[names] = entry
        found.gone += [names] if before == "folder" else []
    elif entry.kind == "folder" and before == "folder":
        found.damaged = True  # other permissions, which a copy has not: the next one is made anew
    elif entry.kind == "folder":
        found.made.append(names)
        found.deleted += [names] if before == "file" else []
    else:
        found.odd[names] = f"it is {kind_of(entry.mode)}"


def _note_missing(names: Names, pair: Pair, found: Changes) -> None:
    if pair.ours.kind == "file":
        found.deleted.append(names)
    elif pair.ours.kind == "folder":
        found.gone.append(names)
    else:
        found.odd[names] = "it was removed, and stays in the workspace"


def _is_below(names: Names, tree: Tree) -> bool:
    """Whether it stands in a folder that could not be read: then nobody knows whether it is gone."""
    return any(names[:end] in tree.closed for end in range(1, len(names)))
