from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.sandbox.atomic import kept_mode, move_whole, write_whole


@pytest.fixture
def directory(root: Path) -> Iterator[int]:
    opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusing(code: int) -> Any:
    def link(*_arguments: Any, **_options: Any) -> None:
        raise OSError(code, os.strerror(code))

    return link


def test_a_new_file_has_the_usual_mode(directory: int, root: Path) -> None:
    old = os.umask(0o027)
    try:
        write_whole(directory, "a", b"x", mode=None, replace=False)
    finally:
        os.umask(old)
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o640


def test_the_mode_is_kept_without_set_user_id(directory: int, root: Path) -> None:
    (root / "a").write_text("old")
    (root / "a").chmod(0o4750)
    write_whole(directory, "a", b"new", mode=kept_mode((root / "a").stat()), replace=True)
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o750


def test_without_replace_a_name_that_is_taken_stays(directory: int, root: Path) -> None:
    (root / "a").write_text("old")
    with pytest.raises(FileExistsError):
        write_whole(directory, "a", b"new", mode=None, replace=False)
    assert (root / "a").read_text() == "old"
    assert names_in(root) == ["a"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_where_there_are_no_hard_links_a_new_file_is_moved_into_place(directory: int, root: Path, code: int) -> None:
    write_whole(directory, "a", b"new", mode=None, replace=False, link=refusing(code))
    assert (root / "a").read_bytes() == b"new"
    with pytest.raises(FileExistsError):
        write_whole(directory, "a", b"other", mode=None, replace=False, link=refusing(code))
    assert (root / "a").read_bytes() == b"new"
    assert names_in(root) == ["a"]


def test_a_file_is_moved_only_where_nothing_is_unless_it_may_replace_it(directory: int, root: Path) -> None:
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    with pytest.raises(FileExistsError):
        move_whole(directory, "a", directory, "b", replace=False)
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("a", "b")
    move_whole(directory, "a", directory, "b", replace=True)
    assert (names_in(root), (root / "b").read_text()) == (["b"], "a")
    move_whole(directory, "b", directory, "c", replace=False)
    assert (names_in(root), (root / "c").read_text()) == (["c"], "a")


def test_where_there_are_no_hard_links_a_file_is_moved_too(directory: int, root: Path) -> None:
    (root / "a").write_text("a")
    move_whole(directory, "a", directory, "b", replace=False, link=refusing(errno.EPERM))
    assert (names_in(root), (root / "b").read_text()) == (["b"], "a")
    (root / "c").write_text("c")
    with pytest.raises(FileExistsError):
        move_whole(directory, "b", directory, "c", replace=False, link=refusing(errno.EPERM))
    assert (root / "c").read_text() == "c"


def test_any_other_failure_leaves_nothing(directory: int, root: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_whole(directory, "a", b"new", mode=None, replace=False, link=refusing(errno.EIO))
    (root / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(directory, "folder", b"new", mode=None, replace=True)
    assert names_in(root) == ["folder"]
