"""Folders and files that turn into links while they are used: nothing outside is ever read or changed."""

from __future__ import annotations

import ctypes
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentcli.core.globs import PathGlob
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace

SECRET = b"OUTSIDE"
SWAPS = 4_000

Exchange = Callable[[Path, Path], None]


def by_renames(folder: Path, link: Path) -> None:
    """Put the link in the folder's place and back; for a moment there is neither."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    link.rename(folder)
    folder.rename(link)
    aside.rename(folder)


def at_once(folder: Path, link: Path) -> None:
    """Exchange the two names in one step and back, so that the path always leads somewhere."""
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    for _ in range(2):
        assert libc.renameat2(here, os.fsencode(folder), here, os.fsencode(link), exchange) == 0


libc = ctypes.CDLL(None)


@contextmanager
def swapping(folder: Path, link: Path, exchange: Exchange) -> Iterator[None]:
    """A thread that exchanges a folder and a link to the outside, again and again, until the block ends.

    Then the folder is where it was.
    """
    stop, begun = threading.Event(), threading.Event()

    def swap() -> None:
        while not stop.is_set():
            exchange(folder, link)
            begun.set()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(params=[by_renames, at_once])
def exchange(request: pytest.FixtureRequest) -> Exchange:
    if request.param is at_once and not hasattr(libc, "renameat2"):
        pytest.skip("no exchange in one step here")
    chosen: Exchange = request.param
    return chosen


@pytest.fixture
def swappable(root: Path) -> tuple[Path, Path, Path]:
    """The folder that is swapped, the link it is swapped for, and the folder outside that the link leads to."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "file.txt").write_bytes(SECRET)
    (root / "dir").mkdir()
    (root / "dir" / "file.txt").write_bytes(b"inside")
    (root / "link").symlink_to(outside)
    return root / "dir", root / "link", outside


REFUSALS = {"E-PATH-SYMLINK", "E-FILE-UNKNOWN", "E-FILE-KIND", "E-FILE-ACCESS"}


def result_of(call: Callable[[], bytes | None]) -> bytes | str | None:
    """What the call gives, or the code of its refusal."""
    try:
        return call()
    except ToolError as error:
        return error.code


def test_swapping_a_folder_for_a_link_leaks_nothing(
    workspace: Workspace, swappable: tuple[Path, Path, Path], exchange: Exchange
) -> None:
    seen: Counter[bytes | str | None] = Counter()
    with swapping(*swappable[:2], exchange):
        for _ in range(SWAPS):
            seen[result_of(lambda: workspace.read_if_there("dir/file.txt"))] += 1
    assert set(seen) <= {b"inside", None, *REFUSALS}
    assert workspace.read_if_there("dir/file.txt") == b"inside"


def test_swapping_a_file_for_a_link_leaks_nothing(workspace: Workspace, root: Path, exchange: Exchange) -> None:
    (root / "file.txt").write_bytes(b"inside")
    (root / "link").symlink_to(root.parent / "secret.txt")
    seen: Counter[bytes | str | None] = Counter()
    with swapping(root / "file.txt", root / "link", exchange):
        for _ in range(SWAPS):
            seen[result_of(lambda: workspace.read_if_there("file.txt"))] += 1
    assert set(seen) <= {b"inside", None, *REFUSALS}
    assert workspace.read_if_there("file.txt") == b"inside"


def test_swapping_a_folder_for_a_link_lets_nothing_be_changed_outside(
    workspace: Workspace, swappable: tuple[Path, Path, Path]
) -> None:
    if not hasattr(libc, "renameat2"):
        pytest.skip("no exchange in one step here")
    outside = swappable[2]
    with swapping(*swappable[:2], at_once):
        for number in range(300):
            for call in (
                lambda: workspace.write_atomic("dir/file.txt", b"inside") and None,
                lambda number=number: workspace.write_atomic(f"dir/new/{number}.txt", b"x") and None,
                lambda: workspace.delete("dir/file.txt") and None,
                lambda number=number: workspace.write_atomic(f"from{number}", b"x") and None,
                lambda number=number: workspace.move(f"from{number}", "dir/file.txt", replace=True) and None,
                lambda number=number: workspace.move("dir/file.txt", f"to{number}") and None,
                lambda: workspace.walk([PathGlob.parse("**")]) and None,
            ):
                assert result_of(call) in {None, *REFUSALS}
    assert [path.name for path in outside.iterdir()] == ["file.txt"]
    assert (outside / "file.txt").read_bytes() == SECRET
