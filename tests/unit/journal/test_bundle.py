"""A run in one file: what goes in comes out, the same run is the same bytes, and nothing else is taken for a bundle."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest, digest_bytes, encode
from agentcli.errors import StorageError, UsageError
from agentcli.journal import bundle, bundle_archive, bundle_reading
from agentcli.journal.bundle import id_of, pack
from agentcli.journal.bundle_reading import read_bundle
from agentcli.journal.named import contents_of
from tests.fakes.told import Told, eventful, two_turns

Members = dict[str, bytes]


def packed(told: Told) -> bytes:
    start = told.start()
    named = contents_of(start, told.events, lambda digest: json.loads(told.read(digest)))
    contents = sorted({digest: told.read(digest) for digest, _ in named}.items())
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
        "events": {"count": lines.count(b"\n"), "sha256": digest_bytes(lines)},
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
    return tmp_path / "run.agentcli"


@pytest.fixture
def members() -> Members:
    return members_of(packed(two_turns()))


def refusal(file: Path, data: bytes) -> tuple[str, str]:
    """The code and the reason that a file is refused for."""
    file.write_bytes(data)
    with pytest.raises(StorageError) as caught:
        read_bundle(file)
    return caught.value.code, caught.value.info.why


@pytest.mark.parametrize("make", [two_turns, eventful])
def test_what_goes_in_comes_out(file: Path, make: Callable[[], Told]) -> None:
    told = make()
    file.write_bytes(packed(told))
    found = read_bundle(file)
    assert list(found.events) == told.events
    assert (found.header.run, found.header.end, found.header.tags) == (told.start(), told.end(), told.tags)
    assert found.contents.items() <= told.contents.items()


def test_a_run_without_an_end_is_one_too(file: Path) -> None:
    told = two_turns()
    told.events.pop()
    file.write_bytes(packed(told))
    assert read_bundle(file).header.end is None


def test_a_run_of_which_nothing_is_on_record_is_one_too(file: Path) -> None:
    file.write_bytes(packed(Told()))
    assert read_bundle(file).events == ()


def test_the_conversation_that_goes_on_comes_along(file: Path) -> None:
    told = two_turns()
    told.events[0] = replace(told.events[0], body=replace(told.events[0].body, manifest=""))
    said = told.put(encode({"role": "user", "content": "Before."}))
    told.manifest["history"] = [said]
    told.events[0] = replace(
        told.events[0], body=replace(told.events[0].body, manifest=told.put(encode(told.manifest)))
    )
    file.write_bytes(packed(told))
    assert read_bundle(file).contents[said] == b'{"content":"Before.","role":"user"}'


def test_the_same_run_is_the_same_bytes() -> None:
    assert packed(eventful()) == packed(eventful())


def test_other_tags_are_another_bundle() -> None:
    told = two_turns()
    first = json.loads(members_of(packed(told))["bundle.json"])
    told.tags = ("other",)
    assert first["id"] != json.loads(members_of(packed(told))["bundle.json"])["id"]


def test_any_program_can_look_into_it(members: Members) -> None:
    header = json.loads(members["bundle.json"])
    assert list(members)[:2] == ["bundle.json", "events.jsonl"]
    assert [name.removeprefix("contents/") for name in list(members)[2:]] == header["contents"]
    assert header["events"] == {"count": 12, "sha256": digest_bytes(members["events.jsonl"])}
    assert json.loads(members["events.jsonl"].splitlines()[0])["type"] == "run.started"
    assert all(digest_bytes(data) == name[9:] for name, data in members.items() if name.startswith("contents/"))


def test_a_run_that_is_too_large_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1_000)
    with pytest.raises(StorageError) as caught:
        packed(two_turns())
    assert caught.value.code == "E-BUNDLE-TOO-LARGE"


# -- the file --------------------------------------------------------------------------------------------------------


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


# -- bundle.json -----------------------------------------------------------------------------------------------------


def test_a_newer_bundle_says_so_before_anything_else_is_judged(file: Path, members: Members) -> None:
    header = {**json.loads(members["bundle.json"]), "version": 2, "agentcli": "9.0\x1b[31m", "zodiac": "lion"}
    code, why = refusal(file, zipped({"bundle.json": json.dumps(header).encode(), "further.bin": b"x"}))
    assert code == "E-BUNDLE-NEWER"
    assert why == "Its format is version 2 (agentcli 9.0); this one reads 1."


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda header: [],
    "another format": lambda header: {**header, "format": "zip"},
    "a version that is none": lambda header: {**header, "version": True},
    "no version": lambda header: {name: value for name, value in header.items() if name != "version"},
    "a field too many": lambda header: {**header, "zodiac": "lion"},
    "a field too few": lambda header: {name: value for name, value in header.items() if name != "tags"},
    "an id of another": lambda header: {**header, "id": "0" * 64},
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_is_none_is_refused(file: Path, members: Members, change: Callable[[Any], Any]) -> None:
    header = encode(change(json.loads(members["bundle.json"])))
    assert refusal(file, zipped({**members, "bundle.json": header}))[0] == "E-BUNDLE-DAMAGED"


def test_a_header_is_written_in_one_way(file: Path, members: Members) -> None:
    loose = json.dumps(json.loads(members["bundle.json"])).encode()
    assert "not written as a bundle's" in refusal(file, zipped({**members, "bundle.json": loose}))[1]
    deep = b'{"format":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert refusal(file, zipped({**members, "bundle.json": deep}))[0] == "E-BUNDLE-DAMAGED"


RUNS: list[dict[str, Any]] = [
    {"id": "../../x"},
    {"id": "\x1b]0;title\x07"},
    {"kind": "boss"},
    {"relation": "boss"},
    {"parent": "-x"},
    {"started": -1.0},
    {"started": 1e300},
    {"manifest": "0"},
    {"name": "n" * 1001},
    {"task": "t" * 1001},
    {"model": "m" * 1001},
    {"model": 5},
    {"cut": -1},
    {"cut": 2**60},
]


@pytest.mark.parametrize("change", RUNS, ids=str)
def test_a_row_that_no_run_has_is_refused(file: Path, members: Members, change: dict[str, Any]) -> None:
    run = {**json.loads(members["bundle.json"])["run"], **change}
    assert refusal(file, zipped(sealed(members, run=run)))[0] == "E-BUNDLE-DAMAGED"


ENDS: list[dict[str, Any]] = [
    {"status": "running"},
    {"status": "interrupted"},
    {"status": "hacked"},
    {"exit_code": 256},
    {"exit_code": -1},
    {"ended": 1e300},
    {"turns": -1},
    {"turns": 2**60},
    {"duration_s": -1.0},
    {"cost_usd": -1.0},
    {"usage": {"input": -1, "output": 0, "cached": 0, "reasoning": 0}},
    {"usage": {"input": 2**60, "output": 0, "cached": 0, "reasoning": 0}},
]


@pytest.mark.parametrize("change", ENDS, ids=str)
def test_an_end_that_no_run_has_is_refused(file: Path, members: Members, change: dict[str, Any]) -> None:
    end = {**json.loads(members["bundle.json"])["end"], **change}
    assert refusal(file, zipped(sealed(members, end=end)))[0] == "E-BUNDLE-DAMAGED"


@pytest.mark.parametrize("tags", [["\x1b[31m"], ["a b"], ["x" * 65], [5]])
def test_a_tag_that_is_none_is_refused(file: Path, members: Members, tags: list[Any]) -> None:
    assert refusal(file, zipped(sealed(members, tags=tags)))[0] == "E-BUNDLE-DAMAGED"


# -- events and contents ---------------------------------------------------------------------------------------------


def test_events_that_are_not_what_their_hash_says_are_refused(file: Path, members: Members) -> None:
    members["events.jsonl"] = members["events.jsonl"].replace(b"Port 8080.", b"Port 8081.")
    code, why = refusal(file, zipped(members))
    assert (code, why) == ("E-BUNDLE-DAMAGED", "`events.jsonl` is not what its hash says.")


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + b"\n", lambda text: text + b"x"])
def test_lines_end_and_are_counted(file: Path, members: Members, change: Callable[[bytes], bytes]) -> None:
    old = json.loads(members["bundle.json"])["events"]
    members["events.jsonl"] = change(members["events.jsonl"])
    events = {**old, "sha256": digest_bytes(members["events.jsonl"])}
    assert refusal(file, zipped(sealed(members, events=events)))[0] == "E-BUNDLE-DAMAGED"


def test_the_event_that_is_wrong_is_named(file: Path, members: Members) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[3]["body"]["duration_s"] = "long"

    code, why = refusal(file, zipped(with_events(members, change)))
    assert code == "E-BUNDLE-DAMAGED"
    assert why.startswith("Event 4 cannot be read: `duration_s`: ")


def test_an_event_that_says_more_than_we_know_is_newer(file: Path, members: Members) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[1]["body"]["mood"] = "good"

    code, why = refusal(file, zipped(with_events(members, change)))
    assert code == "E-BUNDLE-NEWER"
    assert why == "Event 2: it says more of `turn.started` than this version understands."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: lines.__delitem__(0), "Event 1 cannot be read: it calls itself event 2."),
        (lambda lines: lines.__delitem__(-1), "The run has ended, but its last event does not say so."),
        (
            lambda lines: lines[0].update(type="warning", body={"code": "W", "what": "w", "fix": "f"}),
            "not the run's start",
        ),
    ],
)
def test_the_story_must_be_whole(file: Path, members: Members, change: Callable[[Any], Any], why: str) -> None:
    assert why in refusal(file, zipped(with_events(members, change)))[1]


def test_every_content_is_what_its_name_says(file: Path, members: Members) -> None:
    name = next(name for name in members if name.startswith("contents/"))
    assert refusal(file, zipped({**members, name: b"other"}))[1] == (
        f"The content {name[9:]} is not what its hash says."
    )


def test_no_content_is_missing(file: Path, members: Members) -> None:
    name = next(name for name in members if name.startswith("contents/"))
    del members[name]
    assert refusal(file, zipped(members))[1] == f"Its contents are not those that it lists: {name[9:]}."
    assert refusal(file, zipped(sealed(members)))[1] == f"The content {name[9:]} is missing."


def test_nothing_is_smuggled_in(file: Path, members: Members) -> None:
    members[f"contents/{digest_bytes(b'more')}"] = b"more"
    assert refusal(file, zipped(members))[1].startswith("Its contents are not those that it lists: ")
    assert refusal(file, zipped(sealed(members)))[1] == f"The content {digest_bytes(b'more')} is named by nothing."


def test_contents_are_listed_in_order(file: Path, members: Members) -> None:
    header = json.loads(members["bundle.json"])
    assert "not in order" in refusal(file, zipped(sealed(members, contents=header["contents"][::-1])))[1]


@pytest.mark.parametrize(
    ("role", "data"),
    [
        *((role, data) for role in ("message", "head", "manifest") for data in (b"[]", b"not json")),
        ("message", b'{"role": "boss", "content": ""}'),
        ("manifest", b'{"history": ["x"]}'),
        ("manifest", b'{"history": 5}'),
    ],
)
def test_a_content_is_what_it_is_named_as(file: Path, role: str, data: bytes) -> None:
    told = two_turns()
    body = told.events[2].body if role != "manifest" else told.events[0].body
    wrong = told.put(data)
    if role == "manifest":
        told.events[0] = replace(told.events[0], body=replace(body, manifest=wrong))
    else:
        delta = body.request
        delta = replace(delta, added=(wrong,)) if role == "message" else replace(delta, head=wrong)
        told.events[2] = replace(told.events[2], body=replace(body, request=delta))
    start = told.start()
    named = contents_of(start, told.events, lambda digest: {})
    contents = sorted({digest: told.read(digest) for digest, _ in named}.items())
    assert refusal(file, pack(start, told.events, told.end(), contents))[0] == "E-BUNDLE-DAMAGED"


def test_the_id_is_the_hash_of_the_rest(members: Members) -> None:
    header = json.loads(members["bundle.json"])
    assert header["id"] == digest({name: value for name, value in header.items() if name != "id"})
