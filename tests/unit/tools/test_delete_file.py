from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.tools import FileChange
from tests.unit.tools.conftest import Build, Call, Fail


def test_a_file_is_deleted_and_what_it_held_is_on_record(call: Call, root: Path) -> None:
    (root / "a.txt").write_text("old")
    (root / "a.txt").chmod(0o2750)
    result = call("delete_file", path="./a.txt")
    assert result.content == "deleted a.txt (3 bytes)"
    assert result.files == (FileChange("a.txt", before=b"old", changed=True, mode=0o750),)
    assert list(root.iterdir()) == []


def test_what_is_too_large_to_record_is_not_deleted(fail: Fail, root: Path) -> None:
    with (root / "big").open("wb") as file:
        file.truncate(17 << 20)
    assert fail("delete_file", path="big").code == "E-TOOL-TOO-LARGE"
    assert (root / "big").exists()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("folder", "E-FILE-KIND"),
        ("link", "E-PATH-SYMLINK"),
        ("nothing", "E-FILE-UNKNOWN"),
        (".env", "E-PATH-HIDDEN"),
        (".git/HEAD", "E-PATH-PROTECTED"),
        ("../secret", "E-PATH-OUTSIDE"),
    ],
)
def test_what_cannot_be_deleted_stays(fail: Fail, root: Path, path: str, code: str) -> None:
    (root / "folder").mkdir()
    (root / "link").symlink_to("folder")
    (root / ".git").mkdir()
    for name in (".env", ".git/HEAD", "../secret"):
        (root / name).write_text("x")
    before = sorted(root.parent.rglob("*"))
    assert fail("delete_file", path=path).code == code
    assert sorted(root.parent.rglob("*")) == before


def test_it_cannot_be_taken_back(build: Build) -> None:
    assert build("delete_file").spec.effects == "irreversible"
