"""Moving files of a workspace, and reading large ones."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from tests.unit.sandbox.test_workspace import code_of, names_in


def test_a_file_is_moved_with_its_rights_and_folders_are_made(workspace: Workspace, root: Path) -> None:
    (root / "a").write_bytes(b"data")
    (root / "a").chmod(0o750)
    workspace.move("./a", "new/deep/b")
    assert (root / "new" / "deep" / "b").read_bytes() == b"data"
    assert stat.S_IMODE((root / "new" / "deep" / "b").stat().st_mode) == 0o750
    assert names_in(root) == ["new"]
    assert code_of(ToolError, lambda: workspace.move("a", "c")) == "E-FILE-UNKNOWN"
    assert code_of(ToolError, lambda: workspace.move("new", "c")) == "E-FILE-KIND"


def test_a_move_replaces_a_file_only_if_it_may_and_nothing_else_ever(workspace: Workspace, root: Path) -> None:
    (root / "a").write_bytes(b"a")
    (root / "b").write_bytes(b"b")
    (root / "folder").mkdir()
    assert code_of(ToolError, lambda: workspace.move("a", "b")) == "E-FILE-EXISTS"
    assert code_of(ToolError, lambda: workspace.move("a", "folder", replace=True)) == "E-FILE-KIND"
    assert (root / "b").read_bytes() == b"b"
    workspace.move("a", "b", replace=True)
    assert (root / "b").read_bytes() == b"a"


def test_a_file_has_one_name_after_a_move_or_the_move_is_refused(workspace: Workspace, root: Path) -> None:
    (root / "a").write_bytes(b"a")
    (root / "b").hardlink_to(root / "a")
    assert code_of(ToolError, lambda: workspace.move("a", "b", replace=True)) == "E-FILE-EXISTS"
    workspace.move("a", "c")
    assert names_in(root) == ["b", "c"]


def test_a_file_of_any_size_is_read_in_pieces_and_has_a_digest(workspace: Workspace, root: Path) -> None:
    with (root / "big").open("wb") as file:
        file.truncate(20 << 20)
    with workspace.reading("big") as opened:
        assert opened.read(3) == b"\0\0\0"
    assert workspace.digest("big") == hashlib.sha256(bytes(20 << 20)).hexdigest()
    assert code_of(ToolError, lambda: workspace.digest("none")) == "E-FILE-UNKNOWN"


def test_what_the_system_says_while_a_file_is_read_is_told(workspace: Workspace, root: Path) -> None:
    (root / "a").write_bytes(b"a")

    def fails() -> None:
        with workspace.reading("a"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    assert code_of(ToolError, fails) == "E-FILE-ACCESS"
