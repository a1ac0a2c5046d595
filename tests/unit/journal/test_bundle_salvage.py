"""A damaged bundle: what is intact is had, where it breaks is named, and nothing else ever comes out."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from agentcli.core.canonical import digest_bytes, encode
from agentcli.errors import StorageError, UsageError
from agentcli.journal.bundle_reading import read_bundle
from agentcli.journal.bundle_salvage import salvage_bundle
from agentcli.journal.named import contents_of
from tests.fakes.bundles import (
    DIRECTORY,
    Members,
    broken,
    file,
    lost,
    members,
    members_of,
    packed,
    salvaged,
    sealed,
    with_events,
    without_directory,
    zipped,
)
from tests.fakes.told import Told, eventful, two_turns
from tests.recordings.record import HERE

__all__ = ["file", "members"]

OLD = HERE / "bundle-1" / "20261121-144234-xdtdm3.agentcli"


def place_of(data: bytes, name: str) -> tuple[int, int]:
    """Where the packed bytes of a member begin and end."""
    at = data.index(name.encode())
    return at + len(name), at + len(name) + struct.unpack_from("<L", data, at - 30 + 18)[0]


# -- whatever happened to it -----------------------------------------------------------------------------------------


def check_true(file: Path, told: Told, data: bytes) -> int:
    """What comes out is the run or its beginning, with all that it names and no more. Gives how many events."""
    try:
        found = salvaged(file, data)
    except StorageError as error:
        if error.code != "E-BUNDLE-LOST":
            raise
        return 0
    bundle, count = found.bundle, len(found.bundle.events)
    assert list(bundle.events) == told.events[:count]
    named = contents_of(told.start(), bundle.events, lambda digest: json.loads(told.read(digest)))
    assert bundle.contents == {digest: told.read(digest) for digest, _ in sorted(named)}
    assert bundle.header.run == told.start()
    assert bundle.header.end == (None if found.broken else told.end())
    assert (found.broken is None) == (count == len(told.events))
    return count


TOLD = {"two turns": two_turns(), "eventful": eventful()}
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@MANY
@given(some.sampled_from(sorted(TOLD)), some.data())
def test_a_bundle_that_is_cut_anywhere_gives_the_run_or_its_beginning(
    file: Path, name: str, some_data: some.DataObject
) -> None:
    whole = packed(TOLD[name])
    check_true(file, TOLD[name], whole[: some_data.draw(some.integers(0, len(whole)))])


@MANY
@given(some.sampled_from(sorted(TOLD)), some.data(), some.integers(1, 255))
def test_a_changed_byte_gives_the_run_or_its_beginning(
    file: Path, name: str, some_data: some.DataObject, change: int
) -> None:
    data = bytearray(packed(TOLD[name]))
    data[some_data.draw(some.integers(0, len(data) - 1))] ^= change
    check_true(file, TOLD[name], bytes(data))


@MANY
@given(some.sampled_from(sorted(TOLD)), some.data(), some.binary(max_size=40))
def test_a_piece_that_was_overwritten_or_lost_gives_the_run_or_its_beginning(
    file: Path, name: str, some_data: some.DataObject, piece: bytes
) -> None:
    data = packed(TOLD[name])
    at, end = sorted(some_data.draw(some.tuples(*[some.integers(0, len(data))] * 2)))
    check_true(file, TOLD[name], data[:at] + piece + data[end:])


def test_the_later_it_is_cut_the_more_is_had(file: Path) -> None:
    told = two_turns()
    whole = packed(told)
    counts = [check_true(file, told, whole[:end]) for end in range(0, len(whole), 29)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 4
    assert {0, len(told.events)} < set(counts)


# -- what is intact --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [two_turns, eventful])
def test_what_is_not_damaged_comes_out_as_ever(file: Path, make: Callable[[], Told]) -> None:
    found = salvaged(file, packed(make()))
    assert (found.bundle, found.broken) == (read_bundle(file), None)


def test_where_the_directory_alone_is_lost_the_run_is_whole(file: Path) -> None:
    told = two_turns()
    found = salvaged(file, without_directory(packed(told)))
    assert (found.broken, found.bundle.header.end) == (None, told.end())
    assert list(found.bundle.events) == told.events


@pytest.mark.parametrize("with_directory", [True, False])
def test_where_a_content_is_damaged_the_event_that_names_it_is_the_break(file: Path, with_directory: bool) -> None:
    told = two_turns()
    snapshot = digest_bytes(b"port = 8080\nhost = ''\n")
    data = packed(told)
    begin, end = place_of(data, f"contents/{snapshot}")
    data = data[:begin] + b"\xff" * (end - begin) + data[end:]
    at, why = broken(file, data if with_directory else without_directory(data))
    assert why == f"The content {snapshot} is damaged."
    assert told.events[at - 1].body.type == "tool.completed"


def test_where_contents_are_cut_off_the_first_event_that_names_one_is_the_break(file: Path) -> None:
    data = packed(two_turns())
    last = data.rindex(b"contents/", 0, data.index(DIRECTORY))
    name = data[last + 9 : last + 73].decode()
    assert broken(file, data[: last - 30]) == (10, f"The content {name} is missing.")


def test_an_event_that_was_changed_is_named(file: Path, members: Members) -> None:
    lines = members["events.jsonl"].splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if b"changed a.py" in line)
    lines[at] = lines[at].replace(b"changed a.py", b"changed b.py")
    changed = zipped({**members, "events.jsonl": b"".join(lines)})
    assert broken(file, changed) == (at + 1, f"Event {at + 1} is not what was written.")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda lines: lines[:8], (9, "`events.jsonl` ends before it.")),
        (lambda lines: [*lines[:8], lines[8][:-9]], (9, "`events.jsonl` ends before it.")),
        (lambda lines: [*lines[:3], *lines[4:]], (4, "Event 4 is not what was written.")),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], (4, "Event 4 is not what was written.")),
        (lambda lines: [lines[1], lines[0], *lines[2:]], None),
    ],
)
def test_lines_that_are_missing_or_out_of_order_are_named(
    file: Path, members: Members, change: Callable[[list[bytes]], list[bytes]], place: tuple[int, str] | None
) -> None:
    lines = change(members["events.jsonl"].splitlines(keepends=True))
    data = zipped({**members, "events.jsonl": b"".join(lines)})
    if place is None:
        assert lost(file, data) == "Not even its first event is intact: event 1 is not what was written."
    else:
        assert broken(file, data) == place


def test_lines_behind_the_last_one_are_nothing(file: Path, members: Members) -> None:
    data = zipped({**members, "events.jsonl": members["events.jsonl"] + b"more\n"})
    assert salvaged(file, data).broken is None


def test_a_packed_stream_that_is_damaged_gives_the_events_before_that(file: Path) -> None:
    told = two_turns()
    data = bytearray(packed(told))
    end = place_of(bytes(data), "events.jsonl")[1]
    data[end - 8 : end] = b"\xff" * 8
    at, why = broken(file, bytes(data))
    assert at > 5
    assert why in ("`events.jsonl` ends before it.", f"Event {at} is not what was written.")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_member_is_read_as_it_is_packed(file: Path, members: Members, method: int) -> None:
    data = zipped(members, compress_type=method)
    assert salvaged(file, without_directory(data)).broken is None


def test_a_large_member_is_read_piece_by_piece(file: Path) -> None:
    told = Told()
    told.begin(inputs={"noise": "".join(digest_bytes(b"%d" % number) for number in range(8_000))})
    assert salvaged(file, without_directory(packed(told))).broken is None


# -- bundles of version 1 --------------------------------------------------------------------------------------------


def test_an_old_bundle_whose_events_are_whole_gives_what_has_its_contents(file: Path) -> None:
    data, whole = OLD.read_bytes(), read_bundle(OLD)
    assert salvaged(file, data).bundle == whole
    found = salvaged(file, without_directory(data))
    assert (found.bundle.events, found.bundle.header.end, found.broken) == (whole.events, whole.header.end, None)
    large = max(whole.contents.items(), key=lambda item: len(item[1]))[0]
    begin, end = place_of(data, f"contents/{large}")
    at, why = broken(file, data[:begin] + bytes(end - begin) + data[end:])
    assert why == f"The content {large} is damaged."
    assert salvage_bundle(file).bundle.events == whole.events[: at - 1]


def test_of_an_old_bundle_it_is_not_known_which_event_was_changed(file: Path) -> None:
    members = members_of(OLD.read_bytes())
    members["events.jsonl"] = members["events.jsonl"].replace(b"four", b"five", 1)
    assert "a bundle of version 1 does not tell where" in lost(file, zipped(members))


# -- what gives nothing ----------------------------------------------------------------------------------------------


def test_without_its_header_nothing_is_had(file: Path, members: Members) -> None:
    data = packed(two_turns())
    begin, _ = place_of(data, "bundle.json")
    for changed in (data[: begin + 40], data[:begin] + b"\xff" + data[begin + 1 :]):
        assert lost(file, changed).startswith("`bundle.json` is damaged, which says what belongs to the run: ")
    del members["bundle.json"]
    assert lost(file, zipped(members)) == "`bundle.json` is not there, or larger than it may be."


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all, but long enough to be one", b"PK\x03\x04" * 20])
def test_what_is_no_archive_gives_nothing(file: Path, data: bytes) -> None:
    lost(file, data)


def test_a_folder_gives_nothing_and_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        salvage_bundle(tmp_path)
    assert (caught.value.code, caught.value.info.why) == ("E-BUNDLE-LOST", "It is no regular file.")
    with pytest.raises(UsageError):
        salvage_bundle(tmp_path / "missing")


def test_a_newer_bundle_is_not_cut_down_to_what_is_understood(file: Path, members: Members) -> None:
    header = {**json.loads(members["bundle.json"]), "version": 3}
    newer_format = zipped({**members, "bundle.json": encode(header)})
    newer_event = zipped(with_events(members, lambda lines: lines[3]["body"].update(zodiac="lion")))
    for data in (newer_format, without_directory(newer_format), newer_event, without_directory(newer_event)):
        with pytest.raises(StorageError) as caught:
            salvaged(file, data)
        assert caught.value.code == "E-BUNDLE-NEWER"


# -- whoever made it lied --------------------------------------------------------------------------------------------


def test_a_header_that_fits_events_of_no_run_gives_what_comes_before_them(file: Path, members: Members) -> None:
    def wrong(lines: list[dict[str, Any]]) -> None:
        lines[3]["body"]["duration_s"] = "long"

    at, why = broken(file, zipped(with_events(members, wrong)))
    assert at == 4
    assert why.startswith("Event 4 cannot be read: `duration_s`: ")


def test_a_run_begins_with_its_start_and_ends_with_its_end(file: Path, members: Members) -> None:
    def no_start(lines: list[dict[str, Any]]) -> None:
        lines[0].update(type="warning", body={"code": "W", "what": "w", "fix": "f"})

    assert "the first event is not the run's start" in lost(file, zipped(with_events(members, no_start)))
    at, why = broken(file, zipped(with_events(members, lambda lines: lines.__delitem__(-1))))
    assert (at, why) == (12, "The run has ended, but its last event does not say so.")


def test_a_content_of_another_form_is_none(file: Path) -> None:
    told = two_turns()
    body: Any = told.events[2].body
    wrong = told.put(b"[]")
    told.events[2] = replace(told.events[2], body=replace(body, request=replace(body.request, added=(wrong,))))
    assert broken(file, packed(told)) == (3, f"The content {wrong} is no message.")


def test_the_run_and_its_first_event_may_name_two_plans(file: Path, members: Members) -> None:
    """The row's is looked for too: it is what a listing goes by."""
    run = {**json.loads(members["bundle.json"])["run"], "manifest": "0" * 64}
    assert f"the content {'0' * 64} is missing" in lost(file, zipped(sealed(members, run=run)))
