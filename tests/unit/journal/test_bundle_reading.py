"""What stands in a bundle: a row, events and contents such as a run has, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes, encode
from agentcli.journal.bundle import id_of, marks_of, pack
from agentcli.journal.named import contents_of
from tests.fakes.bundles import Members, file, members, refusal, sealed, with_events, zipped
from tests.fakes.told import two_turns

__all__ = ["file", "members"]


def test_a_newer_bundle_says_so_before_anything_else_is_judged(file: Path, members: Members) -> None:
    header = {**json.loads(members["bundle.json"]), "version": 3, "agentcli": "9.0\x1b[31m", "zodiac": "lion"}
    code, why = refusal(file, zipped({"bundle.json": json.dumps(header).encode(), "further.bin": b"x"}))
    assert code == "E-BUNDLE-NEWER"
    assert why == "Its format is version 3 (agentcli 9.0); this one reads 2."


def sealed_header(header: dict[str, Any]) -> dict[str, Any]:
    return {**header, "id": id_of(header)}


def with_marks(header: dict[str, Any], marks: str | None) -> dict[str, Any]:
    events = {**header["events"], "marks": marks}
    if marks is None:
        del events["marks"]
    return sealed_header({**header, "events": events})


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda header: [],
    "another format": lambda header: {**header, "format": "zip"},
    "a version that is none": lambda header: {**header, "version": True},
    "no version": lambda header: {name: value for name, value in header.items() if name != "version"},
    "a field too many": lambda header: {**header, "zodiac": "lion"},
    "a field too few": lambda header: {name: value for name, value in header.items() if name != "tags"},
    "marks that are not there": lambda header: with_marks(header, None),
    "marks that are none": lambda header: with_marks(header, "x" * 96),
    "a mark too few": lambda header: with_marks(header, header["events"]["marks"][8:]),
    "marks of other events": lambda header: with_marks(header, header["events"]["marks"][::-1]),
    "marks in a version that has none": lambda header: sealed_header({**header, "version": 1}),
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
    lines = members["events.jsonl"].split(b"\n")[:-1]
    events = {**old, "sha256": digest_bytes(members["events.jsonl"]), "marks": "".join(marks_of(lines[: old["count"]]))}
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
