from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.sandbox.copying import Cap, Copied, Copier, Kind
from agentcli.sandbox.opening import Walk
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.visibility import View, Visibility

Copy = Callable[..., Copied]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    return folder


@pytest.fixture
def copy(workspace: Workspace, into: Path) -> Iterator[Copy]:
    """Copies the workspace into the empty folder beside it."""
    target = os.open(into, os.O_RDONLY | os.O_DIRECTORY)

    def everything(_names: tuple[str, ...], _kind: Kind) -> bool:
        return True

    def run(keep: Any = everything, **cap: int) -> Copied:
        return workspace.copy_to(target, keep, Cap(**cap))

    yield run
    os.close(target)


def fill(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tree(folder: Path) -> dict[str, str | None]:
    """Every file by its content, every folder by None."""
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in folder.rglob("*")}


def test_files_and_folders_are_as_they_were(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one", sub__deep__b="two", empty="")
    (root / "bare").mkdir()
    copied = copy()
    assert tree(into) == tree(root)
    assert (copied.files, copied.bytes, copied.left_out, copied.cut) == (3, 6, [], "")


def test_times_and_permissions_of_files_are_kept_but_not_what_runs_as_somebody_else(
    copy: Copy, root: Path, into: Path
) -> None:
    fill(root, script="#!/bin/sh", locked="x")
    (root / "script").chmod(0o4755)
    (root / "locked").chmod(0o444)
    os.utime(root / "script", ns=(1_000_000_007, 2_000_000_009))
    copy()
    assert [oct((into / name).stat().st_mode & 0o7777) for name in ("script", "locked")] == ["0o755", "0o444"]
    assert (into / "script").stat().st_mtime_ns == 2_000_000_009


def test_folders_of_a_copy_are_the_owners_alone(copy: Copy, root: Path, into: Path) -> None:
    fill(root, sub__a="x")
    (root / "sub").chmod(0o777)
    copy()
    assert (into / "sub").stat().st_mode & 0o777 == 0o700


def test_a_copy_is_independent_of_the_original(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one")
    copy()
    (into / "a").write_text("two")
    assert (root / "a").read_text() == "one"


def test_secrets_and_own_records_are_never_copied(copy: Copy, root: Path, into: Path) -> None:
    for hidden in (".env", "sub/.env.local", "sub/.ENV", ".agentcli/journal.db", "sub/.AgentCLI/x"):
        (root / hidden).parent.mkdir(parents=True, exist_ok=True)
        (root / hidden).write_text("secret")
    copied = copy()
    assert (tree(into), copied.left_out) == ({"sub": None}, [])


def test_what_is_no_file_is_left_out(copy: Copy, root: Path, into: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root)  # the path of a socket is short
        server.bind("socket")
        os.chdir(here)
        copied = copy()
    assert (tree(into), sorted(copied.left_out)) == ({}, ["pipe", "socket"])


@pytest.mark.parametrize("leads_to", ["sub/a", "./sub//a", "sub/none", "self", "sub"])
def test_links_that_stay_inside_are_kept(copy: Copy, root: Path, into: Path, leads_to: str) -> None:
    fill(root, sub__a="one")
    (root / "self").symlink_to(leads_to)
    copied = copy()
    assert ((into / "self").readlink(), copied.files, copied.left_out) == (Path(leads_to), 1, [])


@pytest.mark.parametrize("leads_to", ["/etc/passwd", "../../secret.txt", "../a/../../x", "b/..", "../b/.."])
def test_links_that_may_lead_outside_are_left_out(copy: Copy, root: Path, into: Path, leads_to: str) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "link").symlink_to(leads_to)
    assert copy().left_out == ["sub/link"]
    assert tree(into) == {"sub": None}


def test_a_link_may_climb_as_far_as_the_first_folder(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one", sub__deep__b="two")
    (root / "sub/deep/up").symlink_to("../../a")
    assert copy().left_out == []
    assert (into / "sub/deep/up").read_text() == "one"


def test_what_is_not_to_be_kept_is_not_copied_nor_looked_into(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one", b="two", sub__c="three")
    (root / "link").symlink_to("a")
    asked: list[tuple[str, str]] = []

    def keep(names: tuple[str, ...], kind: Kind) -> bool:
        asked.append(("/".join(names), kind))
        return names == ("a",)

    copied = copy(keep)
    assert tree(into) == {"a": "one"}
    assert sorted(asked) == [("a", "file"), ("b", "file"), ("link", "link"), ("sub", "folder")]
    assert (copied.files, copied.left_out) == (1, [])


@pytest.mark.parametrize(
    ("cap", "why"),
    [
        ({"bytes": 5}, "Its files have more than 5 bytes together."),
        ({"files": 2}, "It has more than 2 files."),
        ({"depth": 1}, "It has folders deeper than 1."),
    ],
)
def test_what_is_too_much_is_known_before_anything_is_copied(
    copy: Copy, root: Path, into: Path, cap: dict[str, int], why: str
) -> None:
    fill(root, a="one", b__c__d="two")
    assert copy(**cap).cut == why
    assert tree(into) == {}


def test_what_just_fits_is_copied(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one", b__c__d="two")
    assert copy(bytes=6, files=4, depth=2).cut == ""
    assert tree(into) == tree(root)


def test_a_file_that_grows_beyond_the_cap_ends_the_copy(copy: Copy, root: Path, into: Path) -> None:
    fill(root, a="one", sub__b="two")

    def growing(names: tuple[str, ...], _kind: Kind) -> bool:
        if names == ("sub", "b"):
            (root / "a").write_text("x" * 100)
        return True

    assert copy(growing, bytes=50).cut == "Its files grow while they are copied."
    assert tree(into) == {"a": "x" * 51, "sub": None}


def test_what_goes_away_or_changes_its_kind_meanwhile_is_left_out(copy: Copy, root: Path, into: Path) -> None:
    fill(root, gone="x", linked="x", folder__a="x", z="x")

    def meddling(names: tuple[str, ...], kind: Kind) -> bool:
        if kind == "file" and names[-1] != "z":
            (root / Path(*names)).unlink()
        if names == ("linked",):
            (root / "linked").symlink_to("/etc/passwd")
        if names == ("folder", "a"):
            (root / "folder").rmdir()
        return True

    copied = copy(meddling)
    assert set(copied.left_out) == {"gone", "linked", "folder/a"}
    assert tree(into) == {"z": "x", "folder": None}


def test_a_folder_that_is_moved_away_and_a_file_that_becomes_a_pipe_are_left_out(
    copy: Copy, root: Path, into: Path
) -> None:
    fill(root, outer__a="x", outer__inner__b="x", pipe="x")

    def meddling(names: tuple[str, ...], _kind: Kind) -> bool:
        if names == ("outer", "inner", "b"):
            (root / "outer").rename(root.parent / "elsewhere")
            (root / "pipe").unlink()
            os.mkfifo(root / "pipe")
        return True

    assert set(copy(meddling).left_out) == {"outer", "outer/inner", "pipe"}
    assert tree(into) == {"outer": None, "outer/inner": None}


def test_a_folder_that_goes_away_before_it_is_looked_into_is_left_out(copy: Copy, root: Path, into: Path) -> None:
    (root / "gone").mkdir()

    def meddling(names: tuple[str, ...], _kind: Kind) -> bool:
        (root / Path(*names)).rmdir()
        return True

    assert copy(meddling).left_out == ["gone"]
    assert tree(into) == {"gone": None}


def test_a_folder_that_may_not_be_read_is_left_out(copy: Copy, root: Path, into: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("only for ordinary users")
    fill(root, closed__a="x")
    (root / "closed").chmod(0)
    assert copy().left_out == ["closed"]
    (root / "closed").chmod(0o700)
    assert tree(into) == {"closed": None}


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_the_kernel_does_not_copy_it_is_done_here(
    copy: Copy, root: Path, into: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def unable(*_arguments: int) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "copy_file_range", unable, raising=False)
    fill(root, a="one" * 1_000_000)
    assert copy().bytes == 3_000_000
    assert tree(into) == tree(root)


def test_systems_without_such_a_call_copy_too(
    copy: Copy, root: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    fill(root, a="one")
    copy()
    assert tree(into) == tree(root)


def test_a_full_disk_is_told(copy: Copy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full, raising=False)
    fill(root, a="one")
    with pytest.raises(OSError, match="space"):
        copy()


def test_a_workspace_that_cannot_be_read_is_told(root: Path) -> None:
    view = View(os.open(root.parent / "secret.txt", os.O_RDONLY), Walk(), Visibility(root))
    try:
        with pytest.raises(OSError, match="Not a directory"):
            Copier(view, lambda _names, _kind: True, Cap()).run(-1)
    finally:
        os.close(view.directory)
