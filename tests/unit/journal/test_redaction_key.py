"""The key of the placeholders."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from agentcli.errors import StorageError
from agentcli.journal.redaction_key import load_key


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "redaction.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["redaction.key"]


def test_those_who_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    path, keys = tmp_path / "redaction.key", []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        keys.append(load_key(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_damaged_or_unreachable_key_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "short", tmp_path / "file" / "key", tmp_path):
        with pytest.raises(StorageError) as caught:
            load_key(path)
        assert caught.value.code == "E-REDACTION-KEY"
