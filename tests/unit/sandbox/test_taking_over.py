"""What a program did to its copy becomes so in the workspace, exactly; the rest is told and stays as it was."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from agentcli.core.tools import FileChange
from agentcli.sandbox.paths import MAX_FILE_BYTES
from agentcli.sandbox.taking_over import take_over
from tests.fakes.mirrored import Copies, copies, seen, write

__all__ = ["copies"]


@pytest.fixture
def here(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(root)
    return root


def sparse(name: str, size: int) -> None:
    Path(name).touch()
    os.truncate(name, size)


def test_files_are_created_changed_and_deleted_and_each_is_told_with_both_contents(copies: Copies, here: Path) -> None:
    write(keep="k", change="old", gone="g", sub__gone="g")

    def program() -> None:
        write(change="new", made="m", deep__er__made="d")
        Path("gone").unlink()
        shutil.rmtree("sub")

    taken = copies.after(program)
    assert taken.files == [
        FileChange("change", b"old", b"new", changed=True),
        FileChange("deep/er/made", None, b"d", changed=True),
        FileChange("gone", b"g", None, changed=True),
        FileChange("made", None, b"m", changed=True),
        FileChange("sub/gone", b"g", None, changed=True),
    ]
    assert (taken.left, taken.cut) == ({}, "")
    assert seen(here) == {"keep": "k", "change": "new", "made": "m", "deep/er/made": "d"}
    assert seen(copies.take().folder) == seen(here)


def test_a_program_that_changes_nothing_changes_nothing(copies: Copies, here: Path) -> None:
    write(a="one", b="two")

    def program() -> None:
        Path("a").write_text("one")
        os.utime("b")
        Path("__pycache__").mkdir()
        Path("__pycache__/x").write_text("")

    before = (here / "a").stat()
    assert copies.after(program).files == []
    assert (here / "a").stat() == before


def test_folders_come_and_go(copies: Copies, here: Path) -> None:
    write(full__x="1", cached__a="1", **{"cached/__pycache__/a": "1"})
    Path("old/deep").mkdir(parents=True)

    def program() -> None:
        shutil.rmtree("old")
        shutil.rmtree("cached")
        Path("new/deep").mkdir(parents=True)

    copies.after(program)
    assert seen(here) == {"full/x": "1", "new/deep": "/", "cached/__pycache__/a": "1"}


def test_a_file_may_become_a_folder_and_a_folder_a_file(copies: Copies, here: Path) -> None:
    write(file="f", folder__x="x")

    def program() -> None:
        Path("file").unlink()
        write(file__inside="i")
        shutil.rmtree("folder")
        write(folder="f")

    assert copies.after(program).left == {}
    assert seen(here) == {"file/inside": "i", "folder": "f"}


def test_whether_a_file_can_be_executed_is_taken_over_and_no_other_permission(copies: Copies, here: Path) -> None:
    write(script="s", tool="t", open_="o")
    (here / "tool").chmod(0o755)
    (here / "script").chmod(0o640)

    def program() -> None:
        Path("script").chmod(0o777)
        Path("tool").chmod(0o600)
        Path("open_").chmod(0o666)
        write(new="n")
        Path("new").chmod(0o6777)

    taken = copies.after(program)
    assert [change.path for change in taken.files] == ["new", "script", "tool"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in here.iterdir()}
    assert modes == {"script": 0o750, "tool": 0o644, "open_": 0o644, "new": 0o755}


def test_links_and_special_files_are_told_and_never_made(copies: Copies, here: Path) -> None:
    write(real__x="x", file="f")
    Path("link").symlink_to("file")
    Path("way").symlink_to("real")

    def program() -> None:
        Path("evil").symlink_to("/etc/passwd")
        os.mkfifo("pipe")
        Path("file").unlink()
        Path("file").symlink_to("/etc/passwd")
        Path("link").unlink()
        Path("way").unlink()
        write(way__x="through")

    taken = copies.after(program)
    assert taken.files == []
    assert taken.left == {
        "evil": "it is a symbolic link",
        "pipe": "it is a named pipe",
        "file": "it is a symbolic link",
        "link": "it was removed, and stays in the workspace",
        "way": "it is a symbolic link in the workspace",
        "way/x": "a symbolic link stands on its way",
    }
    assert seen(here) == {"real/x": "x", "file": "f", "link": "-> file", "way": "-> real"}


def test_a_link_planted_in_the_workspace_meanwhile_leads_nowhere(copies: Copies, here: Path) -> None:
    write(sub__x="1", gone__y="1")
    mirror = copies.take()
    outside = here.parent / "outside"
    outside.mkdir()
    (outside / "y").write_text("kept")
    for name in ("sub", "gone"):
        shutil.rmtree(here / name)
        (here / name).symlink_to(outside)

    def program() -> None:
        write(sub__x="2", sub__new="2")
        shutil.rmtree("gone")

    taken = copies.after(program, mirror)
    assert (taken.files, set(taken.left)) == ([], {"sub/x", "sub/new", "gone/y"})
    assert seen(outside) == {"y": "kept"}


def test_hard_links_are_files_of_their_own(copies: Copies, here: Path) -> None:
    write(a="one")

    def program() -> None:
        os.link("a", "b")
        Path("b").write_text("two")

    copies.after(program)
    assert seen(here) == {"a": "two", "b": "two"}
    assert (here / "a").stat().st_nlink == 1


def test_what_is_hidden_protected_or_no_path_stays_as_it_is(copies: Copies, here: Path) -> None:
    write(**{".env": "secret", "agentcli.yaml": "version: 1", ".git__config": "g"})

    def program() -> None:
        write(**{".env": "mine", "sub__.git__hooks__x": "h", ".agentcli__x": "a", "a\nb": "n"})
        Path("agentcli.yaml").unlink()
        write(**{"agentcli.yaml": "mine"})
        Path(".git").unlink()
        Path("no-\udcff-text").mkdir()

    taken = copies.after(program)
    assert taken.files == []
    assert taken.left == {
        ".env": "it is hidden from tools",
        ".agentcli": "it is hidden from tools",
        ".agentcli/x": "it is hidden from tools",
        "sub/.git": "it may be read only",
        "sub/.git/hooks": "it may be read only",
        "sub/.git/hooks/x": "it may be read only",
        "agentcli.yaml": "it may be read only",
        ".git": "it was removed, and stays in the workspace",
        "a\nb": "its name cannot be a path",
        "no-\udcff-text": "its name cannot be a path",
    }
    assert seen(here) == {".env": "secret", "agentcli.yaml": "version: 1", ".git/config": "g", "sub": "/"}


def test_what_somebody_else_changed_meanwhile_stays_and_is_told(copies: Copies, here: Path) -> None:
    write(changed="1", deleted="1", removed="1", same="1")
    mirror = copies.take()
    write(changed="theirs", deleted="theirs", new="theirs", same="both")
    (here / "removed").unlink()

    def program() -> None:
        write(changed="mine", new="mine", removed="mine", same="both")
        Path("deleted").unlink()

    taken = copies.after(program, mirror)
    assert taken.files == []
    assert taken.left == dict.fromkeys(("changed", "deleted", "new", "removed"), "it was changed meanwhile")
    assert seen(here) == {"changed": "theirs", "deleted": "theirs", "new": "theirs", "same": "both"}


def test_a_folder_in_the_place_of_a_file_is_no_file_to_write(copies: Copies, here: Path) -> None:
    mirror = copies.take()
    write(x__y="theirs")
    taken = copies.after(lambda: write(x="mine"), mirror)
    assert taken.left == {"x": "`x` is a folder, not a file."}


def test_a_file_too_large_for_the_record_is_left_and_told(copies: Copies, here: Path) -> None:
    sparse("big", MAX_FILE_BYTES + 1)

    def program() -> None:
        os.truncate("big", 1)
        sparse("sparse", 10 << 30)

    taken = copies.after(program)
    assert (taken.files, taken.cut) == ([], "")
    assert taken.left == dict.fromkeys(("big", "sparse"), "it has more than 16 MiB")
    assert (here / "big").stat().st_size == MAX_FILE_BYTES + 1


@pytest.mark.parametrize("too_much", ["files", "bytes", "names", "depth"])
def test_past_the_caps_nothing_at_all_is_taken_over(copies: Copies, here: Path, too_much: str) -> None:
    write(a="one")

    def program() -> None:
        write(a="two")
        if too_much == "bytes":
            for number in range(5):
                sparse(f"f{number}", MAX_FILE_BYTES)
        elif too_much == "depth":
            Path("d/" * 101).mkdir(parents=True)
        else:
            for number in range(1001 if too_much == "files" else 21_000):
                os.close(os.open(f"f{number}", os.O_CREAT))

    taken = copies.after(program)
    assert (taken.files, taken.left) == ([], {})
    assert (
        taken.cut
        == {
            "files": "It changed 1,002 files; the most is 1,000.",
            "bytes": "The files that it changed have more than 64 MiB together.",
            "names": "It has more than 20,001 files.",
            "depth": "It has folders deeper than 100.",
        }[too_much]
    )
    assert seen(here) == {"a": "one"}
    assert seen(copies.take().folder) == {"a": "one"}


def test_two_programs_at_once_change_what_each_of_them_changed(copies: Copies, here: Path) -> None:
    write(a="1", b="1", both="1")
    one, two = copies.take(), copies.take()
    copies.after(lambda: write(a="one", both="one"), one)
    taken = copies.after(lambda: write(b="two", both="two"), two)
    assert taken.left == {"both": "it was changed meanwhile"}
    assert seen(here) == {"a": "one", "b": "two", "both": "one"}


def test_what_cannot_be_read_any_more_is_told_and_stays(copies: Copies, here: Path) -> None:
    write(a="1", b="1")
    mirror = copies.take()
    (mirror.folder / "a").write_text("2")
    (mirror.folder / "b").write_text("2")
    changes = mirror.changes()
    (mirror.folder / "a").unlink()
    taken = take_over(copies.workspace, mirror, changes)
    assert taken.left == {"a": "it could not be read: No such file or directory"}
    assert seen(here) == {"a": "1", "b": "2"}


@pytest.mark.skipif(os.geteuid() == 0, reason="only for ordinary users")
def test_what_a_program_closed_to_everybody_is_told_and_stays(copies: Copies, here: Path) -> None:
    write(closed__inside="1", file="1")

    def program() -> None:
        write(file="2", new="2")
        Path("file").chmod(0)
        Path("closed").chmod(0)

    taken = copies.after(program)
    assert taken.left == {"closed": "it could not be read", "file": "it could not be read: Permission denied"}
    assert seen(here) == {"closed/inside": "1", "file": "1", "new": "2"}
    assert seen(copies.take().folder) == seen(here)
