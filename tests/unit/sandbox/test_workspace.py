from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agentcli.core.globs import PathGlob
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError, UsageError
from agentcli.sandbox.opening import Opener
from agentcli.sandbox.paths import Workspace


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def code_of(error: type[ToolError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    return caught.value.code


def test_a_file_is_read_by_any_spelling_of_its_path(workspace: Workspace, root: Path) -> None:
    (root / "a").mkdir()
    (root / "a" / "b.txt").write_bytes(b"data")
    assert workspace.read_bytes("a/b.txt") == b"data"
    assert workspace.read_bytes("./x/..//a/./b.txt") == b"data"
    assert workspace.check("./x/..//a/./b.txt") == "a/b.txt"
    with workspace.open_read("a/b.txt") as file:
        assert file.read() == b"data"


def test_names_of_every_script_work(workspace: Workspace, root: Path) -> None:
    for name in ("ünïcödé.txt", "日本語.txt", "e\u0301.txt", "👩\u200d💻.txt", " leading", "trailing. ", "-rf", "a\\b"):
        workspace.write_atomic(name, name.encode())
        assert workspace.read_bytes(name) == name.encode()
        assert (root / name).exists()


@pytest.mark.parametrize("path", ["", ".", "a/", "a/..", "a/.", "./"])
def test_what_names_no_file_is_refused(workspace: Workspace, path: str) -> None:
    assert code_of(ToolArgumentsError, lambda: workspace.read_bytes(path)) == "E-PATH-INVALID"


def test_a_file_past_the_cap_is_named_with_its_size(workspace: Workspace, root: Path) -> None:
    (root / "big").write_bytes(b"x" * 1001)
    with pytest.raises(ToolError, match=r"1,001 bytes; the most is 1,000") as caught:
        workspace.read_bytes("big", cap=1000)
    assert caught.value.code == "E-TOOL-TOO-LARGE"
    assert workspace.read_bytes("big", cap=1001) == b"x" * 1001


def test_a_file_that_is_not_there_is_told_with_the_nearest_one(workspace: Workspace, root: Path) -> None:
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "app.py").write_text("")
    (root / "src" / "deep" / "Notes.md").write_text("")

    def fix(path: str) -> str:
        with pytest.raises(ToolError) as caught:
            workspace.read_bytes(path)
        assert caught.value.code == "E-FILE-UNKNOWN"
        return caught.value.info.fix

    assert fix("ws/src/app.py") == "Did you mean `src/app.py`?"
    assert fix("home/me/ws/src/app.py") == "Did you mean `src/app.py`?"
    assert fix("src\\app.py") == "Did you mean `src/app.py`?"
    assert fix("notes.md") == "Did you mean `src/deep/Notes.md`?"
    assert fix("src/aap.py") == "Did you mean `src/app.py`?"
    assert fix("lib/other/aapp.py") == "Did you mean `src/app.py`?"
    assert fix("zzzzz") == "List what there is with list_files."
    assert fix("..\\..\\secret.txt") == "List what there is with list_files."
    assert fix("..\\..") == "List what there is with list_files."
    assert fix("ws/src") == "List what there is with list_files."


def test_hidden_files_are_never_suggested(workspace: Workspace, root: Path) -> None:
    (root / ".env").write_text("KEY=1")
    (root / "sub").mkdir()
    (root / "sub" / ".environment").write_text("KEY=1")
    for path in ("sub/.anvironment", "x/nv", "env", "environment"):
        with pytest.raises(ToolError) as caught:
            workspace.read_bytes(path)
        assert "Did you mean" not in caught.value.info.fix


def test_a_path_that_is_hidden_by_its_folder_is_never_suggested(root: Path, opener: Callable[[int], Opener]) -> None:
    (root / "private").mkdir()
    (root / "private" / "a.txt").write_text("")
    workspace = Workspace(root, hidden=["private/*"], opener=opener)
    with pytest.raises(ToolError) as caught:
        workspace.read_bytes("ws/private/a.txt")
    assert "Did you mean" not in caught.value.info.fix


def test_a_suggestion_costs_nothing_but_itself(root: Path) -> None:
    class Failing:
        def open(self, directory: int, names: object, flags: int) -> int:
            raise OSError(errno.ENOENT if names else errno.EACCES, "no")

    workspace = Workspace(root, opener=lambda _directory: Failing())
    assert code_of(ToolError, lambda: workspace.read_bytes("a")) == "E-FILE-UNKNOWN"
    assert code_of(ToolError, lambda: workspace.walk([PathGlob.parse("**")])) == "E-FILE-ACCESS"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, "E-FILE-ACCESS"),
        (errno.EROFS, "E-FILE-ACCESS"),
        (errno.EIO, "E-FILE-ACCESS"),
        (errno.ENOSPC, "E-DISK-FULL"),
        (errno.EDQUOT, "E-DISK-FULL"),
        (errno.EXDEV, "E-PATH-OUTSIDE"),
        (errno.ELOOP, "E-PATH-SYMLINK"),
        (errno.ENAMETOOLONG, "E-PATH-INVALID"),
        (errno.ENOTDIR, "E-FILE-KIND"),
        (errno.EISDIR, "E-FILE-KIND"),
        (errno.ENXIO, "E-FILE-KIND"),
    ],
)
def test_what_the_system_says_becomes_what_a_model_is_told(root: Path, number: int, code: str) -> None:
    class Failing:
        def open(self, directory: int, names: object, flags: int) -> int:
            raise OSError(number, os.strerror(number))

    workspace = Workspace(root, opener=lambda _directory: Failing())
    with pytest.raises(ToolError) as caught:
        workspace.read_bytes("a")
    assert caught.value.code == code
    assert isinstance(caught.value.__cause__, OSError)


def test_writing_makes_the_folders_on_the_way(workspace: Workspace, root: Path) -> None:
    (root / "a").mkdir()
    workspace.write_atomic("a/b/c/d.txt", b"x")
    assert (root / "a" / "b" / "c" / "d.txt").read_bytes() == b"x"


def test_a_folder_that_appears_meanwhile_is_used(root: Path, opener: Callable[[int], Opener]) -> None:
    class Racing:
        """Another process makes the folder between the look and the making."""

        def __init__(self, directory: int) -> None:
            self._real = opener(directory)

        def open(self, directory: int, names: tuple[str, ...], flags: int) -> int:
            if names == ("a", "b"):
                (root / "a").mkdir()
                raise FileNotFoundError(errno.ENOENT, "no")
            return self._real.open(directory, names, flags)

    Workspace(root, opener=Racing).write_atomic("a/b/c.txt", b"x")
    assert (root / "a" / "b" / "c.txt").read_bytes() == b"x"


def test_a_link_that_appears_on_the_way_is_not_passed(root: Path, opener: Callable[[int], Opener]) -> None:
    class Racing:
        def __init__(self, directory: int) -> None:
            self._real = opener(directory)

        def open(self, directory: int, names: tuple[str, ...], flags: int) -> int:
            if names == ("a", "b"):
                (root / "a").symlink_to(root.parent)
                raise FileNotFoundError(errno.ENOENT, "no")
            return self._real.open(directory, names, flags)

    workspace = Workspace(root, opener=Racing)
    assert code_of(ToolRefusedError, lambda: workspace.write_atomic("a/b/c.txt", b"x")) == "E-PATH-SYMLINK"
    assert not (root.parent / "b").exists()


def test_replacing_keeps_the_mode_and_leaves_other_links_alone(workspace: Workspace, root: Path) -> None:
    (root / "tool.sh").write_text("old")
    (root / "tool.sh").chmod(0o755)
    (root.parent / "outside").hardlink_to(root / "tool.sh")
    workspace.write_atomic("tool.sh", b"new")
    assert (root / "tool.sh").read_text() == "new"
    assert stat.S_IMODE((root / "tool.sh").stat().st_mode) == 0o755
    assert (root.parent / "outside").read_text() == "old"


def test_what_is_changed_tells_the_permissions_it_had(workspace: Workspace, root: Path) -> None:
    assert workspace.write_atomic("new", b"x") is None
    (root / "new").chmod(0o6755)
    assert workspace.mode_of("new") == 0o755
    assert workspace.write_atomic("new", b"y") == 0o755
    assert workspace.delete("new") == 0o755
    assert code_of(ToolError, lambda: workspace.mode_of("new")) == "E-FILE-UNKNOWN"
    (root / "folder").mkdir()
    assert code_of(ToolError, lambda: workspace.mode_of("folder")) == "E-FILE-KIND"


def test_what_is_written_gets_the_permissions_that_are_asked_for_and_no_special_ones(
    workspace: Workspace, root: Path
) -> None:
    for there in (False, True):
        assert workspace.write_atomic("a", b"x", mode=0o7750) == (0o750 if there else None)
        assert stat.S_IMODE((root / "a").stat().st_mode) == 0o750


def test_without_replace_an_existing_file_is_an_error(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("old")
    assert code_of(ToolError, lambda: workspace.write_atomic("a", b"new", replace=False)) == "E-FILE-EXISTS"
    assert (root / "a").read_text() == "old"


def test_too_much_to_write_is_refused_before_anything_happens(workspace: Workspace, root: Path) -> None:
    data = bytes(16 * 1024 * 1024 + 1)
    assert code_of(ToolError, lambda: workspace.write_atomic("sub/a", data)) == "E-TOOL-TOO-LARGE"
    assert not (root / "sub").exists()


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(workspace: Workspace, root: Path) -> None:
    (root / "a").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        code = code_of(ToolError, lambda: workspace.write_atomic("a", b"x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == "E-DISK-FULL"
    assert (root / "a").read_bytes() == b"old"
    assert names_in(root) == ["a"]


def test_only_regular_files_are_deleted(workspace: Workspace, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "a").write_text("")
    os.mkfifo(root / "fifo")
    (root / "link").symlink_to("sub/a")
    assert code_of(ToolError, lambda: workspace.delete("sub")) == "E-FILE-KIND"
    assert code_of(ToolError, lambda: workspace.delete("fifo")) == "E-FILE-KIND"
    assert code_of(ToolRefusedError, lambda: workspace.delete("link")) == "E-PATH-SYMLINK"
    assert code_of(ToolError, lambda: workspace.delete("nothing/here")) == "E-FILE-UNKNOWN"
    workspace.delete("sub/a")
    assert names_in(root) == ["fifo", "link", "sub"]
    assert names_in(root / "sub") == []


def test_reading_what_may_not_be_there_gives_none(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("x")
    assert workspace.read_if_there("a") == b"x"
    assert workspace.read_if_there("b") is None
    assert workspace.read_if_there("b/c") is None


def test_a_workspace_that_is_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(UsageError) as caught:
            Workspace(path)
        assert caught.value.code == "E-WORKSPACE"
        assert "--workspace" in caught.value.info.fix


def test_a_closed_workspace_opens_nothing(root: Path) -> None:
    (root / "a").write_text("")
    workspace = Workspace(root)
    workspace.close()
    workspace.close()
    with pytest.raises(ValueError, match="closed"):
        workspace.read_bytes("a")


def test_a_workspace_that_is_moved_is_still_the_same_folder(workspace: Workspace, root: Path) -> None:
    root.rename(root.parent / "moved")
    root.mkdir()
    workspace.write_atomic("a", b"x")
    assert (root.parent / "moved" / "a").exists()


def test_a_workspace_named_by_a_link_is_the_folder_behind_it(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    Workspace(root.parent / "link").write_atomic("a", b"x")
    assert (root / "a").exists()
