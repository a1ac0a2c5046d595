from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentcli.core.tools import FileChange
from tests.unit.tools.conftest import Call, Fail


def test_a_file_is_moved_and_both_names_are_on_record(call: Call, root: Path) -> None:
    (root / "a.txt").write_text("text")
    result = call("move_file", **{"from": "a.txt", "to": "new/deep/b.txt"})
    assert result.content == "moved a.txt to new/deep/b.txt (4 bytes)"
    assert not (root / "a.txt").exists()
    assert (root / "new" / "deep" / "b.txt").read_text() == "text"
    assert result.files == (
        FileChange("a.txt", before=b"text", changed=True, mode=0o644),
        FileChange("new/deep/b.txt", after=b"text", changed=True, mode=0o644),
    )


def test_a_file_that_is_there_is_replaced_only_if_asked(call: Call, fail: Fail, root: Path) -> None:
    (root / "a").write_text("new")
    (root / "b").write_text("old")
    assert fail("move_file", **{"from": "a", "to": "b"}).code == "E-FILE-EXISTS"
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("new", "old")
    result = call("move_file", **{"from": "a", "to": "b", "overwrite": True})
    assert result.content == "moved a to b (3 bytes), replacing what was there"
    assert result.files[1] == FileChange("b", before=b"old", after=b"new", changed=True)
    assert [path.name for path in root.iterdir()] == ["b"]


def test_a_file_that_was_moved_before_is_told_with_the_one_that_is_there(call: Call, fail: Fail, root: Path) -> None:
    (root / "a").write_text("x")
    call("move_file", **{"from": "a", "to": "b"})
    error = fail("move_file", **{"from": "a", "to": "b"})
    assert (error.code, error.info.what) == ("E-FILE-UNKNOWN", "There is no file `a`, and there is one at `b`.")
    assert fail("move_file", **{"from": "c", "to": "d"}).info.what == "There is no file `c`."


def test_one_path_given_twice_is_no_move(fail: Fail, root: Path) -> None:
    (root / "a").write_text("x")
    assert fail("move_file", **{"from": "a", "to": "./a"}).code == "E-TOOL-ARGUMENTS"


def test_two_names_of_one_file_are_told_apart(fail: Fail, root: Path) -> None:
    (root / "a").write_text("x")
    (root / "b").hardlink_to(root / "a")
    error = fail("move_file", **{"from": "a", "to": "b", "overwrite": True})
    assert (error.code, error.info.what) == ("E-FILE-EXISTS", "`a` and `b` are two names of one file.")
    assert sorted(path.name for path in root.iterdir()) == ["a", "b"]


BAD = [
    ("folder", "E-FILE-KIND"),
    ("link", "E-PATH-SYMLINK"),
    ("link/x", "E-PATH-SYMLINK"),
    ("fifo", "E-FILE-KIND"),
    (".env", "E-PATH-HIDDEN"),
    (".git/HEAD", "E-PATH-PROTECTED"),
    ("agentcli.yaml", "E-PATH-PROTECTED"),
    ("../secret", "E-PATH-OUTSIDE"),
    ("/etc/passwd", "E-PATH-OUTSIDE"),
]


@pytest.mark.parametrize(("path", "code"), BAD)
def test_neither_side_may_be_what_tools_may_not_change(fail: Fail, root: Path, path: str, code: str) -> None:
    (root / "file").write_text("x")
    (root / "folder").mkdir()
    (root / "link").symlink_to("folder")
    os.mkfifo(root / "fifo")
    (root / ".git").mkdir()
    for name in (".env", ".git/HEAD", "agentcli.yaml", "../secret"):
        (root / name).write_text("x")
    before = sorted(str(one) for one in root.parent.rglob("*"))
    assert fail("move_file", **{"from": path, "to": "new"}).code == code
    assert fail("move_file", **{"from": "file", "to": path, "overwrite": True}).code == code
    assert sorted(str(one) for one in root.parent.rglob("*")) == before
