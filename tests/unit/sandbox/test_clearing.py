"""Whatever stands in a folder, it can be removed."""

from __future__ import annotations

import os
from pathlib import Path

from agentcli.sandbox.clearing import clear, remove


def test_a_folder_is_emptied_of_whatever_it_holds_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").write_text("x")
    folder = tmp_path / "folder"
    (folder / "a/b/c").mkdir(parents=True)
    (folder / "a/file").write_text("x")
    (folder / "a/link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "a/b/pipe")
    (folder / "no-\udcff-text").mkdir()
    (folder / "a/b").chmod(0)
    opened = os.open(folder, os.O_RDONLY)
    clear(opened)
    assert list(folder.iterdir()) == []
    os.close(opened)
    assert (tmp_path / "outside/kept").read_text() == "x"


def test_no_depth_is_too_deep(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    remove(tmp_path / "d")
    assert list(tmp_path.glob("d")) == []


def test_removing_takes_files_and_links_and_minds_nothing_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    for name in ("link", "file", "never", "no/way"):
        remove(tmp_path / name)
    assert not (tmp_path / "file").exists()
