"""What stands below a folder, while others work in it; and what follows from what could not be seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentcli.sandbox.comparing import Pair, compared
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.opening import Walk
from agentcli.sandbox.trees import Entry, EntryKind, Names, Tree, Way, listed


def everything(_names: Names, _kind: EntryKind) -> Way:
    return "enter"


class Closed(Walk):
    """Opens everything but the folder `closed`."""

    def open(self, directory: int, names: Names, flags: int) -> int:  # type: ignore[override]
        if names == ("closed",):
            raise PermissionError(13, "Permission denied")
        return super().open(directory, names, flags)


def test_a_folder_that_cannot_be_read_is_listed_and_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    opened = os.open(tmp_path, os.O_RDONLY)
    tree = listed(opened, Closed(), everything, Cap())
    os.close(opened)
    assert {("closed",), ("open",)} <= set(tree.entries)
    assert tree.closed == {("closed",)}


def test_where_the_root_itself_cannot_be_read_nothing_is_listed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    opened = os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(NotADirectoryError):
        listed(opened, Walk(), everything, Cap())
    os.close(opened)


def test_what_goes_away_while_it_is_listed_is_not_there(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()

    def sort(names: Names, _kind: EntryKind) -> Way:
        for path in tmp_path.glob("[ab]"):
            if path.name != names[0]:
                path.unlink()
        return "enter"

    opened = os.open(tmp_path, os.O_RDONLY)
    assert len([names for names in listed(opened, Walk(), sort, Cap()).entries if names[0] in "ab"]) == 1
    os.close(opened)


def test_nobody_knows_what_is_gone_from_a_folder_that_cannot_be_read() -> None:
    folder, file = Entry("folder", (0,)), Entry("file", (0, 0, 0, 0, 0))
    known = {("a",): Pair(folder, folder, shared=False), ("a", "b"): Pair(file, file, shared=False)}
    changes = compared(known, Tree({("a",): folder}, {("a",)}))
    assert (changes.deleted, changes.odd, changes.damaged) == ([], {("a",): "it could not be read"}, True)
