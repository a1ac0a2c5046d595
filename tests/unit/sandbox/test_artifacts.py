"""Copies for people: by content, for this user alone, never through a link, never a reason for a call to fail."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from agentcli.core.processes import Job
from agentcli.errors import DeniedError
from agentcli.sandbox.artifacts import Artifacts
from agentcli.sandbox.missing import NoSandbox


def kept(folder: Path, base: Path) -> Artifacts:
    return Artifacts(folder, base, lambda data: b"secret" in data)


def test_a_path_is_told_from_where_the_user_is_if_it_lies_below(tmp_path: Path) -> None:
    copy = kept(tmp_path / "a" / "b", tmp_path).keep(b"x", ".txt")
    assert copy is not None
    assert (tmp_path / copy.path).read_bytes() == b"x"
    assert not copy.path.startswith("/")
    assert copy.digest == sha256(b"x").hexdigest()
    elsewhere = kept(tmp_path / "a" / "b", tmp_path / "other").keep(b"x", ".txt")
    assert elsewhere == (str(tmp_path / copy.path), copy.digest)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_what_holds_a_secret_is_not_kept(tmp_path: Path) -> None:
    assert kept(tmp_path / "a", tmp_path).keep(b"a secret", ".txt") is None
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert kept(tmp_path / "link", tmp_path).keep(b"x", ".txt") is None
    assert list((tmp_path / "real").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept(tmp_path / "file" / "a", tmp_path).keep(b"x", ".txt") is None


async def test_without_a_sandbox_nothing_is_run() -> None:
    assert NoSandbox().name == "none"
    with pytest.raises(DeniedError) as caught:
        await NoSandbox().run(Job(("/bin/true",)))
    assert caught.value.code == "E-SANDBOX-NONE"
