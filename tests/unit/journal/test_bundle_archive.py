"""The archive of a bundle: no name, no size and no count in it is believed."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.errors import StorageError, UsageError
from agentcli.journal import bundle_archive, bundle_reading
from agentcli.journal.bundle_reading import read_bundle
from tests.fakes.bundles import Members, file, members, packed, refusal, zipped
from tests.fakes.told import two_turns

__all__ = ["file", "members"]


@pytest.mark.parametrize("name", ["missing.agentcli", "nul\0"])
def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_bundle(tmp_path / name)
    assert caught.value.code == "E-USAGE-FILE"


def test_a_folder_and_a_pipe_are_no_bundles(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(StorageError) as caught:
            read_bundle(path)
        assert (caught.value.code, caught.value.info.why) == ("E-BUNDLE-DAMAGED", "It is no regular file.")


def test_a_file_larger_than_any_bundle_is_not_even_looked_at(file: Path) -> None:
    with file.open("wb") as out:
        out.truncate(bundle_archive.MAX_FILE + 1)
    with pytest.raises(StorageError) as caught:
        read_bundle(file)
    assert caught.value.info.why == "It is larger than a bundle."


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all, but long enough to be one", b"\x00" * 500])
def test_what_is_no_archive_is_no_bundle(file: Path, data: bytes) -> None:
    assert refusal(file, data)[0] == "E-BUNDLE-DAMAGED"


def test_a_file_cut_short_anywhere_is_damaged(file: Path) -> None:
    whole = packed(two_turns())
    for length in (*range(1, len(whole), 97), len(whole) - 1):
        assert refusal(file, whole[:length])[0] == "E-BUNDLE-DAMAGED", length


def test_a_changed_byte_never_goes_unseen(file: Path) -> None:
    """Whatever byte it is: either the bundle is refused, or what comes out is what went in."""
    told = two_turns()
    whole = packed(told)
    for at in range(0, len(whole), 41):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = read_bundle(file)
        except StorageError:
            continue
        assert list(found.events) == told.events


END = struct.Struct("<4s4H2LH")


def with_end(data: bytes, **changes: int) -> bytes:
    names = ("signature", "disk", "first", "here", "total", "length", "place", "comment")
    fields = dict(zip(names, END.unpack(data[-22:]), strict=True))
    return data[:-22] + END.pack(*{**fields, **changes}.values())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"comment": 1}, "cut short"),
        ({"disk": 1}, "larger than a bundle's"),
        ({"here": 3}, "larger than a bundle's"),
        ({"here": 65_001, "total": 65_001}, "larger than a bundle's"),
        ({"length": 17 * 1024 * 1024}, "larger than a bundle's"),
        ({"place": 0}, "not where it says"),
    ],
)
def test_a_directory_that_lies_about_itself_is_refused(file: Path, changes: dict[str, int], why: str) -> None:
    code, reason = refusal(file, with_end(packed(two_turns()), **changes))
    assert code == "E-BUNDLE-DAMAGED"
    assert why in reason


def test_extensions_of_the_archive_are_refused(file: Path, members: Members) -> None:
    data = zipped(members)
    end = data[-22:]
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    changed = with_end(data[:-22] + locator + end, length=END.unpack(end)[5] + len(locator))
    assert "extensions" in refusal(file, changed)[1]


# -- members ---------------------------------------------------------------------------------------------------------

FOREIGN = [
    "../x",
    "/etc/passwd",
    "contents/../../x",
    "contents/" + "g" * 64,
    "contents/" + "0" * 63,
    "contents",
    "C:\\x",
    "x\0y",
    "evil\x1b[31m",
    "Bundle.json",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_no_other_member_is_suffered(file: Path, members: Members, name: str) -> None:
    data = zipped(
        {**members, "placeholder" + "_" * max(len(name) - 11, 0): b"x"} if "\0" in name else {**members, name: b"x"}
    )
    if "\0" in name:
        data = data.replace(b"placeholder", name.encode().ljust(11, b"y"))
    code, why = refusal(file, data)
    assert code == "E-BUNDLE-DAMAGED"
    assert why.startswith("Its member ")
    assert "is none that a bundle has" in why
    assert "\x1b" not in why
    assert {path.name for path in file.parent.rglob("*")} == {file.name, "home", "work"}


def test_a_name_stands_once(file: Path, members: Members) -> None:
    data = zipped({**members, "events.jsonX": b""}).replace(b"events.jsonX", b"events.jsonl")
    assert "the same name" in refusal(file, data)[1]


@pytest.mark.parametrize("name", ["bundle.json", "events.jsonl"])
def test_both_must_be_there(file: Path, members: Members, name: str) -> None:
    del members[name]
    assert refusal(file, zipped(members)) == ("E-BUNDLE-DAMAGED", f"`{name}` is missing.")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"external_attr": 0o120777 << 16}, "is no file"),
        ({"compress_type": zipfile.ZIP_LZMA}, "packed in a way"),
    ],
)
def test_a_member_is_a_plain_file(file: Path, members: Members, changes: dict[str, Any], why: str) -> None:
    members = {"bundle.json": members.pop("bundle.json"), **members}
    assert why in refusal(file, zipped(members, **changes))[1]


def test_an_encrypted_member_is_refused(file: Path, members: Members) -> None:
    header = members.pop("bundle.json")
    data = bytearray(zipped({"bundle.json": header, **members}))
    last = data.rindex(b"PK\x01\x02")
    data[last + 8] |= 1
    assert "packed in a way" in refusal(file, bytes(data))[1]


def test_a_member_that_is_packed_wrongly_is_named(file: Path, members: Members) -> None:
    data = zipped(members)
    at = data.index(b"events.jsonl") + 12 + 5
    broken = data[:at] + bytes(20) + data[at + 20 :]
    assert refusal(file, broken)[1].startswith("`events.jsonl` cannot be unpacked: ")


def test_a_bomb_is_refused_by_what_it_calls_itself(
    file: Path, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_archive, "MAX_CONTENT", 100_000)
    bomb = bytes(200_000)
    assert "larger than a content" in refusal(file, zipped({**members, f"contents/{digest_bytes(bomb)}": bomb}))[1]
    monkeypatch.setattr(bundle_archive, "MAX_UNPACKED", 150_000)
    small = {f"contents/{digest_bytes(bytes(size))}": bytes(size) for size in (80_000, 80_001)}
    assert "unpack to more" in refusal(file, zipped({**members, **small}))[1]
    monkeypatch.setattr(bundle_reading, "MAX_HEADER", 100)
    assert refusal(file, zipped(members))[1] == "`bundle.json` is larger than it may be."


@pytest.mark.parametrize("told", [10, 1_000_000])
def test_a_bomb_that_lies_about_its_size_is_refused_too(file: Path, members: Members, told: int) -> None:
    bomb = bytes(500_000)
    name = f"contents/{digest_bytes(bomb)}"
    data = bytearray(zipped({**members, name: bomb}))
    struct.pack_into("<L", data, data.rindex(b"PK\x01\x02") + 24, told)
    assert refusal(file, bytes(data))[0] == "E-BUNDLE-DAMAGED"
