"""A damaged bundle that anybody made: what is refused whole is refused in parts, and no size of it is believed."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest

from agentcli.core.canonical import encode
from agentcli.core.messages import Message
from agentcli.journal import bundle_remains, bundle_salvage
from agentcli.journal.bundle import id_of
from tests.fakes.bundles import DIRECTORY, Members, broken, file, lost, members, packed, without_directory, zipped
from tests.fakes.told import Told, two_turns

__all__ = ["file", "members"]

FOREIGN = ["../x", "/etc/passwd", "contents/../../x", "contents/" + "g" * 64, "evil\x1b[31m", "Bundle.json", "ä"]


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("name", FOREIGN)
def test_an_archive_with_a_foreign_member_stays_refused(file: Path, members: Members, name: str, cut: bool) -> None:
    data = zipped({**members, name: b"x"})
    why = lost(file, without_directory(data) if cut else data)
    assert why.startswith("Its member ")
    assert "is none that a bundle has" in why
    assert "\x1b" not in why
    assert {path.name for path in file.parent.rglob("*")} == {file.name, "home", "work"}


@pytest.mark.parametrize("cut", [False, True])
def test_a_name_stands_once(file: Path, members: Members, cut: bool) -> None:
    data = zipped({**members, "events.jsonX": b""}).replace(b"events.jsonX", b"events.jsonl")
    assert lost(file, without_directory(data) if cut else data) == "Two of its members have the same name."


def test_a_method_or_a_flag_that_no_bundle_has_is_refused(file: Path, members: Members) -> None:
    assert "packed in a way" in lost(file, without_directory(zipped(members, compress_type=zipfile.ZIP_LZMA)))
    for flag in (1, 8):
        data = bytearray(without_directory(packed(two_turns())))
        data[6] |= flag
        assert "packed in a way" in lost(file, bytes(data))


def test_a_bomb_is_refused_by_what_it_calls_itself(
    file: Path, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = without_directory(zipped(members))
    monkeypatch.setattr(bundle_remains, "MAX_UNPACKED", 1_000)
    assert lost(file, whole) == "It would unpack to more than a bundle has."
    monkeypatch.undo()
    monkeypatch.setattr(bundle_remains, "MAX_MEMBERS", 3)
    assert lost(file, whole) == "It would unpack to more than a bundle has."
    monkeypatch.undo()
    monkeypatch.setattr(bundle_salvage, "MAX_HEADER", 100)
    assert lost(file, whole) == "`bundle.json` is not there, or larger than it may be."


def test_a_bomb_that_lies_about_its_size_is_unpacked_no_further(file: Path) -> None:
    told = Told()
    told.begin()
    told.ask(1, Message("user", "x" * 500_000))
    data = bytearray(without_directory(packed(told)))
    message = told.events[-1].body.request.added[0]
    struct.pack_into("<L", data, data.index(f"contents/{message}".encode()) - 30 + 22, 10)
    assert broken(file, bytes(data)) == (3, f"The content {message} is damaged.")


def test_a_directory_that_points_anywhere_gives_nothing_else(file: Path, members: Members) -> None:
    data = bytearray(zipped(members))
    at = data.index(DIRECTORY)
    struct.pack_into("<L", data, at + 42, 5)
    assert "`bundle.json` is damaged" in lost(file, bytes(data))


def test_a_mark_is_as_good_as_its_header(file: Path, members: Members) -> None:
    """Marks tell what was damaged; whoever knows the format can make others, and a header that fits them."""
    header = json.loads(members["bundle.json"])
    header["events"]["marks"] = "0" * 8 + header["events"]["marks"][8:]
    data = zipped({**members, "bundle.json": encode({**header, "id": id_of(header)})})
    assert "event 1 is not what was written" in lost(file, data)
