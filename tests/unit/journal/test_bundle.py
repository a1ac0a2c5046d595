"""A run in one file: what goes in comes out, and the same run is the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.core.canonical import digest, digest_bytes, encode
from agentcli.core.messages import Message
from agentcli.errors import StorageError
from agentcli.journal import bundle
from agentcli.journal.bundle_lines import line_of
from agentcli.journal.bundle_reading import read_bundle
from tests.fakes.bundles import Members, file, members, members_of, packed
from tests.fakes.told import Told, eventful, two_turns

__all__ = ["file", "members"]


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
    assert sorted(name.removeprefix("contents/") for name in list(members)[2:]) == header["contents"]
    assert header["events"].items() >= {"count": 12, "sha256": digest_bytes(members["events.jsonl"])}.items()
    assert json.loads(members["events.jsonl"].splitlines()[0])["type"] == "run.started"
    assert all(digest_bytes(data) == name[9:] for name, data in members.items() if name.startswith("contents/"))


def test_each_event_has_a_mark_over_all_lines_up_to_its_own(members: Members) -> None:
    marks = json.loads(members["bundle.json"])["events"]["marks"]
    lines = members["events.jsonl"].splitlines(keepends=True)
    wanted = [digest_bytes(b"".join(lines[: seq + 1]))[:8] for seq in range(len(lines))]
    assert [marks[at : at + 8] for at in range(0, len(marks), 8)] == wanted


def test_contents_stand_in_the_order_in_which_the_events_name_them(members: Members) -> None:
    told = two_turns()
    names = [name.removeprefix("contents/") for name in list(members)[2:]]
    first = [min(event.seq for event in told.events if name.encode() in line_of(event)) for name in names]
    assert first == sorted(first)
    assert names != sorted(names)


def test_what_a_conversation_goes_on_with_stands_right_behind_its_plan() -> None:
    told = Told()
    before = told.put(encode({"role": "user", "content": "Before."}))
    told.begin(history=[before])
    told.ask(1, Message("user", "Which port?"))
    assert list(members_of(packed(told)))[3] == f"contents/{before}"


def test_a_run_with_more_marks_than_a_header_holds_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_HEADER", 1_000)
    with pytest.raises(StorageError) as caught:
        packed(two_turns())
    assert caught.value.code == "E-BUNDLE-TOO-LARGE"


def test_a_run_that_is_too_large_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1_000)
    with pytest.raises(StorageError) as caught:
        packed(two_turns())
    assert caught.value.code == "E-BUNDLE-TOO-LARGE"


def test_the_id_is_the_hash_of_the_rest(members: Members) -> None:
    header = json.loads(members["bundle.json"])
    assert header["id"] == digest({name: value for name, value in header.items() if name != "id"})
