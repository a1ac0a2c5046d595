from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentcli.core.tools import FileChange
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.create_file import CreateFileArguments, CreateFileOptions, build
from tests.unit.tools.conftest import Call, Fail


def test_a_file_is_created_with_its_folders(call: Call, root: Path) -> None:
    result = call("create_file", path="docs/new/a.md", content="# ä\n")
    assert result.content == "created docs/new/a.md (5 bytes)"
    assert (root / "docs/new/a.md").read_text() == "# ä\n"
    assert result.files == (FileChange("docs/new/a.md", None, "# ä\n".encode(), changed=True),)


def test_the_same_content_again_is_fine(call: Call, root: Path) -> None:
    call("create_file", path="a", content="x")
    result = call("create_file", path="a", content="x")
    assert result.content == "unchanged a (1 bytes)"
    assert result.files == (FileChange("a", b"x", b"x", changed=False),)


class Raced:
    """A workspace in which another call makes the file between the look and the writing."""

    def __init__(self, workspace: Workspace, made: bytes) -> None:
        self._workspace = workspace
        self._made = made

    def check(self, path: str, *, write: bool) -> str:
        return self._workspace.check(path, write=write)

    def read_if_there(self, path: str) -> bytes | None:
        return self._workspace.read_if_there(path)

    def write_atomic(self, path: str, data: bytes, *, replace: bool) -> int | None:
        self._workspace.write_atomic(path, self._made)
        return self._workspace.write_atomic(path, data, replace=replace)


def test_a_file_that_another_call_makes_meanwhile_is_not_replaced(root: Path) -> None:
    raced: Any = Raced(Workspace(root), b"theirs")
    with pytest.raises(ToolError, match="already exists"):
        build(ToolContext(raced), CreateFileOptions()).work(CreateFileArguments(path="a", content="ours"))
    assert (root / "a").read_bytes() == b"theirs"


def test_a_file_that_another_call_makes_with_the_same_content_is_fine(root: Path) -> None:
    raced: Any = Raced(Workspace(root), b"same")
    result = build(ToolContext(raced), CreateFileOptions()).work(CreateFileArguments(path="a", content="same"))
    assert result.content == "unchanged a (4 bytes)"


def test_other_content_needs_overwrite(call: Call, fail: Fail, root: Path) -> None:
    (root / "a").write_text("old")
    error = fail("create_file", path="a", content="new")
    assert error.code == "E-FILE-EXISTS"
    assert "overwrite" in error.info.fix
    assert (root / "a").read_text() == "old"
    result = call("create_file", path="a", content="new", overwrite="true")
    assert result.content == "replaced a (3 bytes)"
    mode = (root / "a").stat().st_mode & 0o777
    assert result.files == (FileChange("a", b"old", b"new", changed=True, mode=mode),)


def test_the_permissions_of_what_was_replaced_are_told(call: Call, root: Path) -> None:
    (root / "run.sh").write_text("old")
    (root / "run.sh").chmod(0o4751)
    (change,) = call("create_file", path="run.sh", content="new", overwrite=True).files
    assert change.mode == 0o751
    assert call("create_file", path="run.sh", content="new").files[0].mode is None


def test_an_empty_file_can_be_created(call: Call, root: Path) -> None:
    call("create_file", path="empty", content="")
    assert (root / "empty").read_bytes() == b""


def test_line_ends_stay_as_they_are_given(call: Call, root: Path) -> None:
    call("create_file", path="dos", content="a\r\nb\r\n")
    assert (root / "dos").read_bytes() == b"a\r\nb\r\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"path": "a"}, "E-TOOL-ARGUMENTS"),
        ({"path": "a", "content": None}, "E-TOOL-ARGUMENTS"),
        ({"path": "a", "content": 7}, "E-TOOL-ARGUMENTS"),
        ({"path": "a", "content": "x\ud800"}, "E-TOOL-ARGUMENTS"),
        ({"path": "a", "content": "x", "overwrite": "perhaps"}, "E-TOOL-ARGUMENTS"),
        ({"path": "a", "content": "x", "overwrit": True}, "E-TOOL-ARGUMENTS"),
        ({"path": "", "content": "x"}, "E-PATH-INVALID"),
        ({"path": "a/", "content": "x"}, "E-PATH-INVALID"),
        ({"path": "/etc/a", "content": "x"}, "E-PATH-OUTSIDE"),
        ({"path": "../a", "content": "x"}, "E-PATH-OUTSIDE"),
        ({"path": ".env", "content": "x"}, "E-PATH-HIDDEN"),
        ({"path": ".agentcli/x", "content": "x"}, "E-PATH-HIDDEN"),
        ({"path": ".git/hooks/post-commit", "content": "x"}, "E-PATH-PROTECTED"),
        ({"path": "file/below", "content": "x"}, "E-FILE-KIND"),
        ({"path": "folder", "content": "x"}, "E-FILE-KIND"),
        ({"path": "folder", "content": "x", "overwrite": True}, "E-FILE-KIND"),
        ({"path": "link", "content": "x", "overwrite": True}, "E-PATH-SYMLINK"),
        ({"path": "up/x", "content": "x"}, "E-PATH-SYMLINK"),
    ],
)
def test_what_cannot_be_created_is_refused_and_changes_nothing(
    fail: Fail, root: Path, arguments: dict[str, Any], code: str
) -> None:
    (root / "file").write_text("")
    (root / "folder").mkdir()
    (root / "link").symlink_to("file")
    (root / "up").symlink_to("..")
    before = sorted(root.parent.rglob("*"))
    error = fail("create_file", **arguments)
    assert error.code == code
    assert error.tool == "create_file"
    assert sorted(root.parent.rglob("*")) == before


def test_too_much_content_is_refused_with_both_sizes(fail: Fail) -> None:
    error = fail("create_file", {"max_bytes": 10}, path="a", content="ä" * 6)
    assert error.code == "E-TOOL-TOO-LARGE"
    assert "12 bytes; the most is 10" in error.info.what


def test_a_misspelt_argument_is_told_the_right_one(fail: Fail) -> None:
    error = fail("create_file", path="a", content="x", overwrit=True, zzz=1)
    assert "`overwrit` is no argument: did you mean `overwrite`?" in error.info.what
    assert "`zzz` is no argument: the arguments are path, content, overwrite" in error.info.what
