from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agentcli.sandbox.opening import Openat2, Opener, Walk, best_opener, raw_openat2

Open = Callable[..., int]


@pytest.fixture
def directory(root: Path) -> Iterator[int]:
    opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)


@pytest.fixture
def opened(directory: int, opener: Callable[[int], Opener]) -> Open:
    chosen = opener(directory)

    def call(names: Sequence[str], flags: int = os.O_RDONLY) -> int:
        return chosen.open(directory, names, flags)

    return call


def fails(opened: Open, names: Sequence[str], flags: int = os.O_RDONLY) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        opened(names, flags)
    return caught.value.errno


def test_a_file_beneath_is_opened_and_does_not_pass_into_children(opened: Open, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "c").write_text("x")
    found = opened(["a", "b", "c"])
    assert os.read(found, 9) == b"x"
    assert not os.get_inheritable(found)
    os.close(found)


def test_no_names_mean_the_directory_itself(opened: Open, root: Path) -> None:
    found = opened([], os.O_RDONLY | os.O_DIRECTORY)
    assert os.path.samestat(os.fstat(found), root.stat())
    os.close(found)


@pytest.mark.parametrize("names", [["link"], ["link", "x"], ["folder", "link"], ["loop"], ["up", "secret.txt"]])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY])
def test_no_symbolic_link_is_followed(opened: Open, root: Path, names: list[str], flags: int) -> None:
    (root / "folder").mkdir()
    (root / "folder" / "link").symlink_to("..")
    (root / "link").symlink_to("folder")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to("..")
    assert fails(opened, names, flags) == errno.ELOOP


@pytest.mark.parametrize("names", [[".."], ["a", "..", "..", "secret.txt"], ["."], ["", "x"], ["/etc"], ["a/../.."]])
def test_a_name_that_could_lead_elsewhere_is_refused_here_too(opened: Open, names: list[str]) -> None:
    assert fails(opened, names) == errno.EXDEV


def test_errors_are_the_systems(opened: Open, root: Path) -> None:
    (root / "file").write_text("")
    assert fails(opened, ["nothing"]) == errno.ENOENT
    assert fails(opened, ["nothing", "x"]) == errno.ENOENT
    assert fails(opened, ["file", "x"]) == errno.ENOTDIR
    assert fails(opened, ["file", "x", "y"]) == errno.ENOTDIR
    assert fails(opened, ["file"], os.O_RDONLY | os.O_DIRECTORY) == errno.ENOTDIR
    assert fails(opened, ["n" * 300]) == errno.ENAMETOOLONG


def test_no_descriptor_is_left_behind(opened: Open, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "link").symlink_to("b")
    probe = os.open(root, os.O_RDONLY)
    os.close(probe)
    for names in (["a", "b", "c"], ["a", "link", "c"], ["a", "b", "c", "d"]):
        fails(opened, names)
    os.close(opened(["a", "b"]))
    again = os.open(root, os.O_RDONLY)
    os.close(again)
    assert again == probe


@pytest.mark.parametrize("missing", [errno.ENOSYS, errno.EPERM])
def test_without_openat2_the_walk_is_taken(directory: int, missing: int) -> None:
    assert isinstance(best_opener(directory, lambda: lambda *_: -missing), Walk)


def test_on_a_platform_without_the_call_the_walk_is_taken(directory: int) -> None:
    assert raw_openat2("darwin") is None
    assert isinstance(best_opener(directory, lambda: None), Walk)


def test_another_error_of_the_probe_is_not_hidden(directory: int) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        best_opener(directory, lambda: lambda *_: -errno.EIO)


def test_an_interrupted_call_is_made_again(directory: int) -> None:
    answers = iter([-errno.EINTR, -errno.EINTR, 77])
    assert Openat2(lambda *_: next(answers)).open(directory, ["a"], os.O_RDONLY) == 77
