from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from agentcli.core.globs import PathGlob
from agentcli.sandbox.opening import Opener, Walk
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.visibility import View, Visibility
from agentcli.sandbox.walking import Bounds, Found, Walker


def fill(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def walk(workspace: Workspace, *globs: str, bounds: Bounds | None = None) -> Found:
    return workspace.walk([PathGlob.parse(glob) for glob in globs], bounds)


def test_files_come_in_the_order_of_the_tree(workspace: Workspace, root: Path) -> None:
    fill(root, "b.txt", "a/z.txt", "a/b/c.txt", "c/d.py")
    assert walk(workspace, "**/*").files == ["a/b/c.txt", "a/z.txt", "b.txt", "c/d.py"]
    assert walk(workspace, "**/*.txt").files == ["a/b/c.txt", "a/z.txt", "b.txt"]
    assert walk(workspace, "*").files == ["b.txt"]
    assert walk(workspace, "c/*", "*.txt").files == ["b.txt", "c/d.py"]


def test_hidden_files_links_and_what_is_no_file_are_left_out(workspace: Workspace, root: Path) -> None:
    fill(root, "a.txt", ".env", ".agentcli/journal.db", "sub/.ENV.local")
    (root / "link").symlink_to("a.txt")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "fifo")
    assert walk(workspace, "**").files == ["a.txt"]


def test_folders_of_tools_are_passed_over_unless_they_are_named(workspace: Workspace, root: Path) -> None:
    fill(root, "a.js", "node_modules/x/y.js", ".git/HEAD", "sub/__pycache__/z.pyc")
    found = walk(workspace, "**/*")
    assert found.files == ["a.js"]
    assert found.skipped == {"node_modules", ".git", "__pycache__"}
    assert walk(workspace, "node_modules/**").files == ["node_modules/x/y.js"]
    assert walk(workspace, ".git/*").files == [".git/HEAD"]


def test_only_folders_that_can_hold_a_match_are_opened(root: Path) -> None:
    opened: list[tuple[str, ...]] = []

    class Watching(Walk):
        def open(self, directory: int, names: Sequence[str], flags: int) -> int:
            opened.append(tuple(names))
            return super().open(directory, names, flags)

    fill(root, "src/a/b.py", "lib/c/d.py")
    assert walk(Workspace(root, opener=lambda _directory: Watching()), "src/*/b.py").files == ["src/a/b.py"]
    assert opened == [(), ("src",), ("a",)]


def test_the_number_of_files_is_bounded(workspace: Workspace, root: Path) -> None:
    fill(root, *(f"{number:02}.txt" for number in range(20)), "sub/x.txt")
    found = walk(workspace, "**", bounds=Bounds(files=5))
    assert found.files == ["00.txt", "01.txt", "02.txt", "03.txt", "04.txt"]
    assert found.cut == "only the first 5 files are listed"
    assert walk(workspace, "*", bounds=Bounds(files=20)).cut == ""


def test_the_number_of_names_is_bounded_and_what_was_seen_counts(workspace: Workspace, root: Path) -> None:
    fill(root, *(f"{number:02}.txt" for number in range(20)), "sub/x.txt")
    found = walk(workspace, "**", bounds=Bounds(names=10))
    assert 8 <= len(found.files) <= 10
    assert found.cut == "the search ended after 10 names"


def test_the_depth_is_bounded_and_the_rest_is_still_listed(workspace: Workspace, root: Path) -> None:
    fill(root, "a/b/c/d/e.txt", "z.txt")
    found = walk(workspace, "**", bounds=Bounds(depth=2))
    assert found.files == ["z.txt"]
    assert found.cut == "folders deeper than 2 were left out"


def test_the_time_is_bounded(root: Path) -> None:
    fill(root, "a.txt", "b.txt", "c/d.txt")
    ticks = iter([0.0, 1.0, 2.0, 9.0])
    directory = os.open(root, os.O_RDONLY)
    view = View(directory, Walk(), Visibility(root))
    found = Walker(view, [PathGlob.parse("**")], Bounds(seconds=5), clock=lambda: next(ticks)).run()
    os.close(directory)
    assert found.cut == "the search ended after 5 s"
    assert len(found.files) <= 2


def test_a_tree_deeper_than_the_bound_ends_well(workspace: Workspace, root: Path) -> None:
    at = os.open(root, os.O_RDONLY)
    for _ in range(500):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    assert "deeper than 40" in walk(workspace, "**").cut


def test_what_cannot_be_read_is_counted(root: Path, opener: Callable[[int], Opener]) -> None:
    class Closed:
        def __init__(self, directory: int) -> None:
            self._real = opener(directory)

        def open(self, directory: int, names: Sequence[str], flags: int) -> int:
            if tuple(names) == ("locked",):
                raise PermissionError(errno.EACCES, "no")
            return self._real.open(directory, names, flags)

    fill(root, "locked/a.txt", "b.txt")
    (Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.txt"))).write_text("")
    found = walk(Workspace(root, opener=Closed), "**")
    assert found.files == ["b.txt"]
    assert found.unreadable == 2


def test_what_the_caller_passes_over_is_counted_and_not_entered(workspace: Workspace, root: Path) -> None:
    (root / "out" / "deep").mkdir(parents=True)
    for name in ("out/deep/a", "b", "c"):
        (root / name).write_text("")
    asked: list[tuple[tuple[str, ...], bool]] = []

    def ignored(names: tuple[str, ...], is_folder: bool) -> bool:
        asked.append((names, is_folder))
        return names in (("out",), ("b",))

    found = workspace.walk([PathGlob.parse("**")], ignored=ignored)
    assert (found.files, found.ignored) == (["c"], 2)
    assert asked == [(("b",), False), (("c",), False), (("out",), True)]
