"""The abuse table of the file tools: every tool that names a file or looks for text, on both ways to open one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.tools import ToolResult
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry

SECRET = "OUTSIDE"

CALLS: dict[str, dict[str, Any]] = {
    "read_lines": {"path": "@"},
    "grep_file": {"path": "@", "pattern": "."},
    "create_file": {"path": "@", "content": "x", "overwrite": True},
    "edit_file": {"path": "@", "old": "OUTSIDE", "new": "x"},
    "move_file": {"from": "@", "to": "moved.txt"},
    "move_file to": {"from": "file.txt", "to": "@", "overwrite": True},
    "delete_file": {"path": "@"},
}
"""A call of each tool; `@` is where the hostile path stands."""

REFUSED = {
    "../secret.txt": "E-PATH-OUTSIDE",
    "dir/../../secret.txt": "E-PATH-OUTSIDE",
    "/etc/passwd": "E-PATH-OUTSIDE",
    "to_file": "E-PATH-SYMLINK",
    "to_dir/secret.txt": "E-PATH-SYMLINK",
    "loop": "E-PATH-SYMLINK",
    "magic/etc/passwd": "E-PATH-SYMLINK",
    "fifo": "E-FILE-KIND",
    "dir": "E-FILE-KIND",
    "file.txt\0": "E-PATH-INVALID",
    "a\nb": "E-PATH-INVALID",
    ".env": "E-PATH-HIDDEN",
    ".agentcli/journal.db": "E-PATH-HIDDEN",
}


@pytest.fixture
def hostile(root: Path) -> Path:
    (root / "file.txt").write_text("inside\n")
    (root / "dir").mkdir()
    (root / "to_file").symlink_to(root.parent / "secret.txt")
    (root / "to_dir").symlink_to(root.parent)
    (root / "loop").symlink_to("loop")
    (root / "magic").symlink_to("/proc/self/root")
    os.mkfifo(root / "fifo")
    (root / ".env").write_text(SECRET)
    return root


def call(workspace: Workspace, name: str, arguments: dict[str, Any]) -> ToolResult:
    tool = ToolRegistry(ToolContext(workspace)).select([SimpleNamespace(name=name, options={})]).get(name)
    assert tool is not None
    return asyncio.run(tool.call(tool.parse(arguments)))


def state(folder: Path) -> list[tuple[str, int, bytes]]:
    found = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        found.append((str(path), mode, path.read_bytes() if path.is_file() and not path.is_symlink() else b""))
    return found


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("name", CALLS)
def test_a_hostile_path_is_refused_and_nothing_changes(
    workspace: Workspace, hostile: Path, name: str, path: str
) -> None:
    before = state(hostile.parent)
    arguments = {key: path if value == "@" else value for key, value in CALLS[name].items()}
    with pytest.raises(ToolError) as caught:
        call(workspace, name.split()[0], arguments)
    assert caught.value.code == REFUSED[path]
    info = caught.value.info
    assert SECRET not in f"{info.what} {info.why} {info.fix}"
    assert state(hostile.parent) == before


@pytest.mark.parametrize("name", ["null", "zero", "full"])
@pytest.mark.parametrize("tool", ["read_lines", "grep_file", "edit_file", "delete_file"])
def test_a_device_is_not_touched(opener: Callable[[int], Any], tool: str, name: str) -> None:
    workspace = Workspace(Path("/dev"), opener=opener)
    arguments = {key: name if value == "@" else value for key, value in CALLS[tool].items()}
    with pytest.raises(ToolError) as caught:
        call(workspace, tool, arguments)
    assert caught.value.code in ("E-FILE-KIND", "E-FILE-ACCESS")
    assert Path("/dev", name).exists()


@pytest.mark.parametrize("name", ["create_file", "edit_file", "move_file to", "move_file", "delete_file"])
def test_a_hard_link_hands_no_change_on(workspace: Workspace, hostile: Path, name: str) -> None:
    (hostile / "hard").hardlink_to(hostile.parent / "secret.txt")
    arguments = {key: "hard" if value == "@" else value for key, value in CALLS[name].items()}
    call(workspace, name.split()[0], arguments)
    assert (hostile.parent / "secret.txt").read_text() == SECRET


@pytest.mark.parametrize("ignored", [True, False])
def test_a_search_sees_what_is_inside_alone(workspace: Workspace, hostile: Path, ignored: bool) -> None:
    for glob in ("**", "to_dir/**", "{magic,loop,fifo}", ".env", "**/.agentcli/**"):
        result = call(workspace, "search_files", {"pattern": ".", "glob": glob, "ignored": ignored})
        assert SECRET not in result.content
        assert {change.path for change in result.files} <= {"file.txt"}


def test_an_ignore_file_that_is_a_link_or_a_pipe_is_not_followed(workspace: Workspace, hostile: Path) -> None:
    (hostile.parent / "secret.txt").write_text("file.txt\n")
    (hostile / ".gitignore").symlink_to(hostile.parent / "secret.txt")
    os.mkfifo(hostile / "dir" / ".gitignore")
    (hostile / "dir" / "a").write_text("inside")
    result = call(workspace, "search_files", {"pattern": "inside"})
    assert result.content.startswith("dir/a:1: inside\nfile.txt:1: inside\n[not used: ")


@pytest.fixture
def long_line(root: Path) -> Path:
    (root / "a").write_text("a" * 20_000 + "!")
    return root


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a?){30}a{30}", "([a-z]+)*9", "(a|aa)+$"])
@pytest.mark.parametrize("tool", ["grep_file", "search_files"])
def test_a_hostile_pattern_takes_no_time(workspace: Workspace, long_line: Path, tool: str, pattern: str) -> None:
    arguments = {"pattern": pattern, **({"path": "a"} if tool == "grep_file" else {})}
    call(workspace, tool, arguments)  # what is loaded once does not count
    times = []
    for _ in range(5):
        began = time.process_time()
        call(workspace, tool, arguments)
        times.append(time.process_time() - began)
    assert min(times) < 0.05
