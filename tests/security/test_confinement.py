"""What hostile paths and folders get: the abuse table of the file tools, on both ways to open beneath a handle."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agentcli.core.globs import PathGlob
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError
from agentcli.sandbox.opening import Opener
from agentcli.sandbox.paths import Workspace

SECRET = b"OUTSIDE"


@pytest.fixture
def hostile(root: Path) -> Path:
    """A workspace with every kind of trap in it."""
    (root / "dir").mkdir()
    (root / "dir" / "file.txt").write_text("inside")
    (root / "to_file").symlink_to(root.parent / "secret.txt")
    (root / "to_dir").symlink_to(root.parent)
    (root / "to_inside").symlink_to("dir")
    (root / "dir" / "up").symlink_to("../..")
    (root / "absolute").symlink_to("/")
    (root / "loop_a").symlink_to("loop_b")
    (root / "loop_b").symlink_to("loop_a")
    (root / "self").symlink_to(".")
    (root / "magic").symlink_to("/proc/self/root")
    (root / "cwd").symlink_to("/proc/self/cwd")
    (root / "fd").symlink_to("/dev/fd")
    (root / "dangling").symlink_to("nothing")
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "dir" / "fifo")
    return root


LINKS = [
    "to_file",
    "to_dir",
    "to_dir/secret.txt",
    "to_inside/file.txt",
    "dir/up/secret.txt",
    "dir/up/ws/dir/file.txt",
    "absolute/etc/passwd",
    "loop_a",
    "loop_a/x",
    "self/dir/file.txt",
    "self/self/self/to_file",
    "magic/etc/passwd",
    "cwd/x",
    "fd/0",
    "dangling",
]

OUTSIDE = [
    "..",
    "../secret.txt",
    "dir/../../secret.txt",
    "./../secret.txt",
    "dir/./.././../secret.txt",
    "nothing/../../secret.txt",
    "../ws/dir/file.txt",
    "/etc/passwd",
    "/proc/self/environ",
    "//etc/passwd",
    "/dev/stdin",
    "/../secret.txt",
    "to_dir/../../secret.txt",
]

INVALID = [
    "",
    " ",
    "dir/file.txt\0",
    "\0",
    "dir/file.txt\0/../../../secret.txt",
    "dir/",
    "dir/file.txt/",
    ".",
    "n" * 256,
    "dir/" + "n" * 300,
    "d/" * 2100 + "f",
    "\ud800",
    "a\nb",
    "\x1b]0;x\x07",
]


def every_call(workspace: Workspace, path: str) -> list[Callable[[], object]]:
    return [
        lambda: workspace.read_bytes(path),
        lambda: workspace.read_if_there(path),
        lambda: workspace.open_read(path),
        lambda: workspace.write_atomic(path, b"x"),
        lambda: workspace.write_atomic(path, b"x", replace=False),
        lambda: workspace.delete(path),
        lambda: workspace.digest(path),
        lambda: workspace.move(path, "moved"),
        lambda: workspace.move("dir/file.txt", path, replace=True),
    ]


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder: names, kinds, contents, link targets."""
    found: dict[str, object] = {}
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(at, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                found[str(path)] = path.readlink()
            else:
                found[str(path)] = path.read_bytes() if stat.S_ISREG(mode) else stat.S_IFMT(mode)
    return found


@pytest.mark.parametrize("path", LINKS)
def test_no_symbolic_link_leads_anywhere(workspace: Workspace, hostile: Path, path: str) -> None:
    before = snapshot(hostile.parent)
    for call in every_call(workspace, path):
        with pytest.raises(ToolRefusedError) as caught:
            call()
        assert caught.value.code == "E-PATH-SYMLINK"
    assert snapshot(hostile.parent) == before


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_reached(workspace: Workspace, hostile: Path, path: str) -> None:
    before = snapshot(hostile.parent)
    for call in every_call(workspace, path):
        with pytest.raises(ToolRefusedError) as caught:
            call()
        assert caught.value.code == "E-PATH-OUTSIDE"
    assert snapshot(hostile.parent) == before


@pytest.mark.parametrize("path", INVALID)
def test_what_is_no_path_is_refused(workspace: Workspace, hostile: Path, path: str) -> None:
    before = snapshot(hostile.parent)
    for call in every_call(workspace, path):
        with pytest.raises(ToolArgumentsError) as caught:
            call()
        assert caught.value.code == "E-PATH-INVALID"
        assert caught.value.info.what.isprintable()
    assert snapshot(hostile.parent) == before


@pytest.mark.parametrize("path", ["fifo", "dir/fifo"])
def test_a_named_pipe_is_refused_and_nobody_waits_for_its_other_end(
    workspace: Workspace, hostile: Path, path: str
) -> None:
    for call in every_call(workspace, path):
        with pytest.raises(ToolError) as caught:
            call()
        assert caught.value.code == "E-FILE-KIND"
        assert "named pipe" in caught.value.info.what
    assert stat.S_ISFIFO((hostile / path).lstat().st_mode)


def test_a_folder_is_refused_with_the_way_to_list_it(workspace: Workspace, hostile: Path) -> None:
    for call in every_call(workspace, "dir"):
        with pytest.raises(ToolError) as caught:
            call()
        assert caught.value.code == "E-FILE-KIND"
        assert "dir/**/*" in caught.value.info.fix


def test_a_socket_is_refused(workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.write_atomic("dir/file.txt", b"inside")
    monkeypatch.chdir(root)  # a socket's path may be 107 bytes long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
    for call in every_call(workspace, "sock"):
        with pytest.raises(ToolError) as caught:
            call()
        assert caught.value.code == "E-FILE-KIND"


@pytest.mark.parametrize("name", ["null", "zero", "full", "tty"])
def test_a_device_is_refused_and_not_read(opener: Callable[[int], Opener], name: str) -> None:
    if not Path("/dev", name).exists():
        pytest.skip("no such device here")
    workspace = Workspace(Path("/dev"), opener=opener)
    with pytest.raises(ToolError) as caught:
        workspace.read_bytes(name)
    assert caught.value.code in ("E-FILE-KIND", "E-FILE-ACCESS")
    for call in (
        lambda: workspace.digest(name),
        lambda: workspace.delete(name),
        lambda: workspace.move(name, "moved"),
    ):
        with pytest.raises(ToolError):
            call()
    assert Path("/dev", name).exists()


@pytest.mark.parametrize("path", ["self/root/etc/passwd", "self/cwd/x", "self/exe", "thread-self/root/etc/passwd"])
def test_magic_links_are_not_followed_even_in_a_workspace_of_them(opener: Callable[[int], Opener], path: str) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    workspace = Workspace(Path("/proc"), opener=opener)
    with pytest.raises(ToolRefusedError) as caught:
        workspace.read_bytes(path)
    assert caught.value.code == "E-PATH-SYMLINK"


def test_a_magic_link_at_the_end_is_not_followed(opener: Callable[[int], Opener]) -> None:
    process = Path("/proc", str(os.getpid()))
    if not process.exists():
        pytest.skip("no /proc here")
    workspace = Workspace(process, opener=opener)
    for path in ("exe", "cwd/x", "root/etc/passwd", "fd/0"):
        with pytest.raises(ToolRefusedError) as caught:
            workspace.read_bytes(path)
        assert caught.value.code == "E-PATH-SYMLINK"


def test_a_file_without_a_true_size_is_read_up_to_the_cap(opener: Callable[[int], Opener]) -> None:
    process = Path("/proc", str(os.getpid()))
    if not process.exists():
        pytest.skip("no /proc here")
    workspace = Workspace(process, opener=opener)
    assert b"\0" in workspace.read_bytes("cmdline")
    with pytest.raises(ToolError) as caught:
        workspace.read_bytes("maps", cap=10)
    assert caught.value.code == "E-TOOL-TOO-LARGE"


@pytest.mark.parametrize("size", [17 << 20, 3 << 30, 1 << 40])
def test_a_huge_sparse_file_is_refused_without_reading_it(workspace: Workspace, root: Path, size: int) -> None:
    with (root / "sparse").open("wb") as file:
        try:
            file.truncate(size)
        except OSError:
            pytest.skip("the file system has no such files")
    for call in (lambda: workspace.read_bytes("sparse"), lambda: workspace.read_if_there("sparse")):
        with pytest.raises(ToolError, match="bytes; the most is") as caught:
            call()
        assert caught.value.code == "E-TOOL-TOO-LARGE"


def test_a_file_that_grows_while_it_is_read_does_not_pass_the_cap(workspace: Workspace, root: Path) -> None:
    (root / "log").write_bytes(b"x")
    stop = threading.Event()

    def grow() -> None:
        with (root / "log").open("ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < 50_000_000:
                file.write(b"x" * 1000)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(200):
            try:
                assert len(workspace.read_bytes("log", cap=5000)) <= 5000
            except ToolError as error:
                assert error.code == "E-TOOL-TOO-LARGE"  # noqa: PT017
                break
    finally:
        stop.set()
        writer.join()


def test_writing_to_a_hard_link_changes_no_file_outside(workspace: Workspace, root: Path) -> None:
    (root / "hard").hardlink_to(root.parent / "secret.txt")
    assert workspace.read_bytes("hard") == SECRET
    workspace.write_atomic("hard", b"changed")
    assert (root.parent / "secret.txt").read_bytes() == SECRET
    workspace.delete("hard")
    assert (root.parent / "secret.txt").read_bytes() == SECRET


def test_moving_to_and_from_a_hard_link_changes_no_file_outside(workspace: Workspace, root: Path) -> None:
    (root / "hard").hardlink_to(root.parent / "secret.txt")
    (root / "a").write_bytes(b"mine")
    workspace.move("a", "hard", replace=True)
    assert ((root / "hard").read_bytes(), (root.parent / "secret.txt").read_bytes()) == (b"mine", SECRET)
    (root / "other").hardlink_to(root.parent / "secret.txt")
    workspace.move("other", "b")
    assert (root.parent / "secret.txt").read_bytes() == SECRET


def test_a_deep_tree_is_walked_and_read_within_bounds(workspace: Workspace, root: Path) -> None:
    workspace.write_atomic("d/" * 100 + "f", b"deep")
    assert workspace.read_bytes("d/" * 100 + "f") == b"deep"
    assert "deeper" in workspace.walk([PathGlob.parse("**/f")]).cut


def test_listing_shows_nothing_outside(workspace: Workspace, hostile: Path) -> None:
    assert workspace.walk([PathGlob.parse("**")]).files == ["dir/file.txt"]
    assert workspace.walk([PathGlob.parse("{to_dir,absolute,self,magic}/**")]).files == []
