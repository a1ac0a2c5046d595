"""Bundles, and what somebody could make of one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes, encode
from agentcli.errors import StorageError
from agentcli.journal.bundle import id_of, marks_of, pack
from agentcli.journal.bundle_reading import read_bundle
from agentcli.journal.bundle_salvage import Salvaged, salvage_bundle
from agentcli.journal.named import contents_of
from tests.fakes.told import Told, two_turns

Members = dict[str, bytes]


def packed(told: Told) -> bytes:
    start = told.start()
    named = contents_of(start, told.events, lambda digest: json.loads(told.read(digest)))
    contents = tuple({digest: told.read(digest) for digest, _ in named}.items())
    return pack(start, told.events, told.end(), contents, told.tags)


def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Members, **changes: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for field, value in changes.items():
                setattr(info, field, value)
            archive.writestr(info, data)
    return out.getvalue()


def sealed(members: Members, **header: Any) -> Members:
    """The members under a header that fits them, but for what is given: somebody tampered who knows the format."""
    old = json.loads(members["bundle.json"])
    lines = members["events.jsonl"]
    fields = {
        **old,
        "events": {
            "count": lines.count(b"\n"),
            "sha256": digest_bytes(lines),
            "marks": "".join(marks_of(lines.split(b"\n")[:-1])),
        },
        "contents": sorted(name.removeprefix("contents/") for name in members if name.startswith("contents/")),
        **header,
    }
    return {**members, "bundle.json": encode({**fields, "id": header.get("id") or id_of(fields)})}


def with_events(members: Members, change: Callable[[list[dict[str, Any]]], Any]) -> Members:
    lines = [json.loads(line) for line in members["events.jsonl"].splitlines()]
    change(lines)
    return sealed({**members, "events.jsonl": b"".join(encode(line) + b"\n" for line in lines)})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a bundle may be."""
    return tmp_path / "run.agentcli"


@pytest.fixture
def members() -> Members:
    """The members of a bundle that is right."""
    return members_of(packed(two_turns()))


def refusal(file: Path, data: bytes) -> tuple[str, str]:
    """The code and the reason that a file is refused for."""
    file.write_bytes(data)
    with pytest.raises(StorageError) as caught:
        read_bundle(file)
    return caught.value.code, caught.value.info.why


DIRECTORY = b"PK\x01\x02"
"""How the directory of an archive begins."""


def salvaged(file: Path, data: bytes) -> Salvaged:
    file.write_bytes(data)
    return salvage_bundle(file)


def lost(file: Path, data: bytes) -> str:
    """The reason for which nothing is had."""
    with pytest.raises(StorageError) as caught:
        salvaged(file, data)
    assert caught.value.code == "E-BUNDLE-LOST"
    return caught.value.info.why


def broken(file: Path, data: bytes) -> tuple[int, str]:
    """Where and why it breaks."""
    found = salvaged(file, data)
    assert found.broken is not None
    assert found.broken.at == len(found.bundle.events) + 1
    assert found.bundle.header.end is None
    return found.broken.at, found.broken.why


def without_directory(data: bytes) -> bytes:
    return data[: data.index(DIRECTORY)]
