"""A copy is as the workspace is, whatever happened to either since, and costs no more than what differs."""

from __future__ import annotations

import gc
import os
import stat
from pathlib import Path

import pytest

from agentcli.sandbox.copying import Cap
from agentcli.sandbox.mirror import MOST_SHARED, Mirror
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.visibility import View
from tests.fakes.mirrored import Copies, copies, seen, write

__all__ = ["copies"]


@pytest.fixture
def here(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(root)
    return root


def test_a_copy_holds_what_tools_may_see(copies: Copies, here: Path) -> None:
    write(a="one", sub__b="two", **{".env": "secret", "sub__.env.local": "s", ".agentcli__journal.db": "j"})
    write(**{"sub/__pycache__/x.pyc": "", ".pytest_cache__v": ""})
    (here / "bare").mkdir()
    Path("inside").symlink_to("a")
    Path("outside").symlink_to("../secret.txt")
    os.mkfifo("pipe")
    (here / "a").chmod(0o4755)
    mirror = copies.take()
    assert seen(mirror.folder) == {"a": "one", "sub/b": "two", "bare": "/", "inside": "-> a"}
    assert stat.S_IMODE((mirror.folder / "a").stat().st_mode) == 0o755
    assert (mirror.folder / "a").stat().st_mtime_ns == (here / "a").stat().st_mtime_ns
    assert mirror.folder.stat().st_mode & 0o777 == 0o700


def test_what_may_only_be_read_and_what_is_large_is_a_link_to_the_real_one(copies: Copies, here: Path) -> None:
    write(**{".git__config": "g", "agentcli.yaml": "version: 1", "sub__node_modules__x": "n", ".venv__bin__python": ""})
    mirror = copies.take(bytes=1)
    real = {".git", "agentcli.yaml", "sub/node_modules", ".venv"}
    assert {name for name, text in seen(mirror.folder).items() if text == f"-> {here / name}"} == real
    assert set(mirror.shared) == {here / name for name in real}


def test_a_link_in_the_place_of_what_is_shared_leads_nowhere_else(copies: Copies, here: Path) -> None:
    Path(".venv").symlink_to("../secret.txt")
    Path(".git").symlink_to("..")
    mirror = copies.take()
    assert (seen(mirror.folder), mirror.shared) == ({}, ())


def test_more_shared_folders_than_can_be_mounted_are_left_out(copies: Copies, here: Path) -> None:
    for number in range(MOST_SHARED + 1):
        write(**{f"p{number}__node_modules__x": ""})
    assert len(copies.take().shared) == MOST_SHARED


def test_only_what_differs_is_copied_again(copies: Copies, here: Path) -> None:
    write(same="1", changed="1", gone="1", folder__x="1", turns__x="1")
    mirror = copies.take()
    before = (mirror.folder / "same").stat().st_ino
    copies.workspace.mirrors.give_back(mirror)
    write(changed="2", new__y="1")
    (here / "gone").unlink()
    (here / "turns/x").unlink()
    (here / "turns").rmdir()
    write(turns="a file now")
    (here / "folder").chmod(0o755)
    again = copies.take()
    assert again is mirror
    assert seen(again.folder) == seen(here)
    assert (again.folder / "same").stat().st_ino == before


def test_a_change_that_keeps_size_and_time_is_seen(copies: Copies, here: Path) -> None:
    write(a="one")
    copies.workspace.mirrors.give_back(copies.take())
    status = (here / "a").stat()
    (here / "a").write_text("two")
    os.utime(here / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert seen(copies.take().folder) == {"a": "two"}


def test_what_nobody_looked_at_after_a_program_is_undone(copies: Copies, here: Path) -> None:
    write(a="one", b__c="two")
    mirror = copies.take()
    (mirror.folder / "a").write_text("other")
    (mirror.folder / "b/c").unlink()
    (mirror.folder / "b").rmdir()
    (mirror.folder / "new/deep/__pycache__").mkdir(parents=True)
    (mirror.folder / "new/deep/__pycache__/x").write_text("")
    (mirror.folder / "__pycache__").mkdir()
    copies.workspace.mirrors.give_back(mirror)
    again = copies.take()
    assert again is mirror
    assert seen(again.folder) == seen(here)


def test_a_copy_beyond_repair_is_made_anew(copies: Copies, here: Path) -> None:
    write(**{f"f{number}": "" for number in range(1500)})
    mirror = copies.take()
    for number in range(1500):
        (mirror.folder / f"f{number}").rename(mirror.folder / f"g{number}")
    copies.workspace.mirrors.give_back(mirror)
    assert seen(copies.take().folder) == seen(here)


def test_a_folder_of_other_permissions_is_made_anew(copies: Copies, here: Path) -> None:
    write(a__b="one")
    mirror = copies.take()
    (mirror.folder / "a").chmod(0o500)
    assert copies.after(lambda: None, mirror).left == {}
    assert (copies.take().folder / "a").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        (Cap(files=2), "It has more than 2 files."),
        (Cap(bytes=5), "Its files have more than 5 bytes together."),
        (Cap(depth=1), "It has folders deeper than 1."),
    ],
)
def test_a_workspace_past_the_cap_is_not_copied_and_the_copy_can_be_used_again(
    copies: Copies, here: Path, cap: Cap, said: str
) -> None:
    write(a="123", b__c__d="456")
    mirror, cut = copies.workspace.mirrors.take(cap)
    assert (cut, seen(mirror.folder)) == (said, {})
    assert copies.take() is mirror


def test_programs_at_the_same_time_have_a_copy_each(copies: Copies, here: Path) -> None:
    one, two = copies.take(), copies.take()
    assert one.folder != two.folder
    copies.workspace.mirrors.give_back(two)
    assert copies.take() is two


def test_copies_end_with_the_workspace(copies: Copies, here: Path) -> None:
    write(a="one")
    folder = copies.take().folder
    (folder / "kept/deep").mkdir(parents=True)
    copies.workspace.close()
    copies.workspace.close()
    assert not folder.parent.exists()


def test_copies_end_with_a_workspace_that_nobody_closes(root: Path) -> None:
    workspace = Workspace(root)
    folder = workspace.mirrors.take(Cap())[0].folder
    del workspace
    gc.collect()
    assert not folder.parent.exists()


def test_closing_without_a_copy_is_fine(workspace: Workspace) -> None:
    assert workspace.mirrors is workspace.mirrors
    workspace.mirrors.close()


class Swapping:
    """An opener that, asked for a file of the workspace, opens what it became meanwhile."""

    def __init__(self, real: View, what: str) -> None:
        self._real, self._what = real, what

    def open(self, directory: int, names: tuple[str, ...], flags: int) -> int:
        swapped = directory == self._real.directory and names == ("a",)
        return self._real.opener.open(directory, (self._what,) if swapped else names, flags)


@pytest.mark.parametrize("became", ["pipe", "link", "missing"])
def test_a_file_that_becomes_something_else_is_left_out(workspace: Workspace, here: Path, became: str) -> None:
    write(a="one", b="two")
    os.mkfifo("pipe")
    Path("link").symlink_to("b")
    view = View(os.open(here, os.O_RDONLY), workspace._view.opener, workspace._view.visibility)
    folder = here.parent / "copy"
    folder.mkdir()
    mirror = Mirror(View(view.directory, Swapping(view, became), view.visibility), here, folder)
    assert mirror.refresh(Cap()) == ""
    assert seen(folder) == {"b": "two", "link": "-> b"}
    mirror.close()
    os.close(view.directory)
