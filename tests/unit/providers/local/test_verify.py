from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.errors import ModelError
from agentcli.providers.local import open_local, pulled
from agentcli.providers.local.catalog import MODELS, EmbeddedModel
from agentcli.providers.local.verify import check_gguf, find, verified

CONTENT = b"GGUF" + bytes(range(256)) * 40
MODEL = replace(MODELS["coder-0.5b"], size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "m.gguf"
    file.write_bytes(CONTENT)
    return file


def code(path: Path, model: EmbeddedModel = MODEL) -> str:
    with pytest.raises(ModelError) as caught:
        verified(path, model)
    assert caught.value.info.fix == "agentcli models pull coder-0.5b --force"
    return caught.value.code


def test_the_right_bytes_are_hashed_once_and_then_known(path: Path) -> None:
    assert verified(path, MODEL) == path
    path.chmod(0)  # who is not root could not hash it again; a stamp needs no reading
    assert verified(path, MODEL) == path or os.geteuid() == 0


def test_one_changed_byte_is_found(path: Path) -> None:
    verified(path, MODEL)
    changed = bytearray(CONTENT)
    changed[1000] ^= 1
    path.write_bytes(changed)
    assert code(path) == "E-MODEL-HASH"


def test_a_changed_byte_is_found_though_the_time_was_put_back(path: Path) -> None:
    verified(path, MODEL)
    before = path.stat()
    changed = bytearray(CONTENT)
    changed[1000] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert code(path) == "E-MODEL-HASH"


def test_a_truncated_file_is_found(path: Path) -> None:
    path.write_bytes(CONTENT[:-1])
    assert code(path) == "E-MODEL-HASH"


def test_a_stamp_of_another_hash_or_no_stamp_at_all_counts_for_nothing(path: Path) -> None:
    verified(path, MODEL)
    assert code(path, replace(MODEL, sha256="0" * 64)) == "E-MODEL-HASH"
    path.with_name("m.gguf.verified").write_text("{nonsense")
    assert verified(path, MODEL) == path


def test_names_and_paths_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as missing:
        find("coder-0.5b", tmp_path)
    assert (missing.value.code, missing.value.info.fix) == ("E-MODEL-MISSING", "agentcli models pull coder-0.5b")
    with pytest.raises(ModelError) as unknown:
        open_local("coder-0.5", tmp_path)
    assert (unknown.value.code, unknown.value.info.fix) == ("E-MODEL-UNKNOWN", "Did you mean `local:coder-0.5b`?")
    with pytest.raises(ModelError) as far:
        find("zzz", tmp_path)
    assert far.value.info.fix == "Use `local:coder-1.5b`."
    assert find("some/where.gguf", tmp_path) == (Path("some/where.gguf").absolute(), None)


def test_what_is_no_gguf_is_not_handed_to_native_code(tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("hello")
    for place, expected in (
        (text, "E-MODEL-GGUF"),
        (tmp_path / "none.gguf", "E-MODEL-MISSING"),
        (tmp_path, "E-MODEL-MISSING"),
    ):
        with pytest.raises(ModelError) as caught:
            check_gguf(place)
        assert caught.value.code == expected


def test_pulled_lists_whole_files_best_first(tmp_path: Path) -> None:
    assert list(pulled(tmp_path)) == []
    for model in reversed(MODELS.values()):
        with model.path(tmp_path).open("wb") as file:
            file.truncate(model.size)
    assert list(pulled(tmp_path)) == ["coder-1.5b", "coder-0.5b"]
    MODELS["coder-1.5b"].path(tmp_path).write_bytes(b"GGUF")
    assert list(pulled(tmp_path)) == ["coder-0.5b"]
