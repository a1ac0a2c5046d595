"""What went into two runs."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.messages import Message
from agentcli.core.tools import FileTouch
from agentcli.workbench.comparing.differences import Difference
from tests.fakes.compared import GREP, PLAN, READ, Told, comparison
from tests.fakes.journal import InMemoryJournal


def compared(**changes: Any) -> list[Difference]:
    journal = InMemoryJournal()
    return list(comparison(Told(journal, 1), Told(journal, 2, **changes)).cause)


def layer(**lists: list[str]) -> dict[str, Any]:
    return {**PLAN["policy"], "layers": [{**PLAN["policy"]["layers"][0], **lists}]}


def test_the_same_plan_has_no_difference() -> None:
    assert compared() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"agent": "other"}, ("template", "name", "changed", "reader", "other")),
        ({"path": "x.yaml"}, ("template", "file", "changed", "agents/reader.yaml", "x.yaml")),
        ({"models": ["fake:large"]}, ("model", "", "changed", "fake:model", "fake:large")),
        ({"models": ["fake:model", "b:c"]}, ("model", "", "added", None, "b:c")),
        ({"model_reason": "chosen with -m"}, ("model", "chosen by", "changed", PLAN["model_reason"], "chosen with -m")),
        ({"policy": layer(deny=["grep_file"])}, ("policy", "agent deny", "added", None, "grep_file")),
        ({"policy": {**PLAN["policy"], "yes": True}}, ("policy", "yes", "changed", False, True)),
        ({"limits": {"turns": 5, "tokens": None}}, ("limits", "turns", "changed", 20, 5)),
        ({"settings": {**PLAN["settings"], "seed": 7}}, ("settings", "seed", "added", None, 7)),
        ({"output_schema": {"type": "object"}}, ("output", "", "changed", None, {"type": "object"})),
        ({"inputs": {"topic": "hosts"}}, ("inputs", "topic", "changed", "ports", "hosts")),
        ({"versions": {**PLAN["versions"], "python": "3.12.1"}}, ("versions", "python", "changed", "3.11.2", "3.12.1")),
        ({"workspace": "/other"}, ("workspace", "", "changed", "/work", "/other")),
        ({"tools": [READ]}, ("tools", "grep_file", "removed", GREP, None)),
        ({"tools": [GREP, READ]}, ("tools", "", "reordered", ["read_lines", "grep_file"], ["grep_file", "read_lines"])),
        ({"tools": [{**READ, "version": "2"}, GREP]}, ("tools", "read_lines version", "changed", "1", "2")),
        (
            {"uses": [{"name": "read_lines", "options": {"max": 5}}]},
            ("tools", "read_lines options max", "added", None, 5),
        ),
        ({"uses": []}, None),
        ({"sampling": {"n": 2}}, ("sampling", "", "changed", None, {"n": 2})),
        ({"history": None}, ("history", "", "changed", [], None)),
        ({"format": 2}, ("format", "", "changed", 1, 2)),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_each_field_is_told(changes: dict[str, Any], expected: tuple[Any, ...] | None) -> None:
    found = [(one.aspect, one.name, one.change, one.a, one.b) for one in compared(**changes)]
    assert found == ([] if expected is None else [expected])


def test_a_schema_is_compared_place_by_place() -> None:
    changed = {**READ, "parameters": {"type": "object", "required": ["path"]}}
    [one] = compared(tools=[changed, GREP])
    assert (one.path, one.name) == ("$['tools'][0]['parameters']['required']", "read_lines parameters required")


def test_the_template_is_compared_by_lines() -> None:
    [one] = compared(source=PLAN["source"].replace("fake:model", "fake:large"))
    assert one.text is not None
    assert one.text.to_json() == [
        ["=", "version: 1\nname: reader\n"],
        ["-", "model: fake:model\n"],
        ["+", "model: fake:large\n"],
    ]


def test_the_instructions_are_compared_by_words() -> None:
    [one] = compared(instructions="You answer questions.\nBe very brief.")
    assert one.text is not None
    assert one.text.to_json() == [["=", "You answer questions.\nBe "], ["+", "very "], ["=", "brief."]]


def test_a_task_is_told_once_and_an_attachment_of_its_own() -> None:
    assert [one.aspect for one in compared(task="Which host?", message="Which host?")] == ["task"]
    assert [one.aspect for one in compared(message="Which port?\n\n<file>x</file>")] == ["message"]


def test_what_was_said_before_is_compared_by_message() -> None:
    journal = InMemoryJournal()
    said = [Message("user", "One?"), Message("assistant", "It is one.", opaque={"x": 1}), Message("user", "Two?")]
    other = [said[0], Message("assistant", "It is two.", opaque={"x": 2}), said[2]]
    runs = []
    for number, messages in enumerate((said, other), start=1):
        datas = [encode(message.to_json()) for message in messages]
        told = Told(journal, number, history=[digest_bytes(data) for data in datas])
        runs.append(told)
        for data in datas:
            told.keep(data)
    [one] = comparison(*runs).cause
    assert (one.aspect, one.path) == ("history", "$['history'][1]['content']")
    assert one.text is not None


def test_a_message_that_is_not_held_is_known_by_its_digest() -> None:
    [one] = compared(history=["0" * 64])
    assert (one.change, one.b) == ("added", {"digest": "0" * 64})


def test_a_field_that_only_a_newer_manifest_has_is_told() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2, instructions="Other.")
    journal.blobs[a.manifest] = encode({name: value for name, value in PLAN.items() if name != "policy"})
    assert [(one.aspect, one.change) for one in comparison(a, b).cause] == [
        ("instructions", "changed"),
        ("policy", "changed"),
    ]


def test_a_manifest_that_is_a_workflow_s_is_compared_by_its_steps() -> None:
    a = {"steps": [{"id": "draft", "prompt": "Write."}, {"id": "check", "prompt": "Check."}]}
    b = {"steps": [{"id": "draft", "prompt": "Write it."}, {"id": "check", "prompt": "Check."}]}
    journal = InMemoryJournal()
    [one] = comparison(Told(journal, 1, **a), Told(journal, 2, **b)).cause
    assert (one.aspect, one.name, one.path) == ("steps", "draft prompt", "$['steps'][0]['prompt']")


def files_of(left: FileTouch, right: FileTouch, *contents: bytes) -> list[Difference]:
    journal = InMemoryJournal()
    runs = [Told(journal, 1), Told(journal, 2)]
    for told, touch in zip(runs, (left, right), strict=True):
        told.looks("read_lines", "1: x", touch, path="notes.txt")
    for data in contents:
        journal.blobs[digest_bytes(data)] = data
    return list(comparison(*runs).cause)


def touch(data: bytes | None, *, path: str = "notes.txt", masked: bool = False) -> FileTouch:
    return FileTouch(path, None if data is None else digest_bytes(data), None, False, masked)


def test_a_file_that_held_the_same_is_no_cause() -> None:
    assert files_of(touch(b"a"), touch(b"a")) == []


def test_a_file_that_only_one_run_touched_is_no_cause() -> None:
    assert files_of(touch(b"a"), touch(b"b", path="other.txt")) == []


def test_contents_that_are_held_are_compared_by_words() -> None:
    [one] = files_of(touch(b"port = 1\n"), touch(b"port = 2\n"), b"port = 1\n", b"port = 2\n")
    assert (one.aspect, one.name, one.change) == ("files", "notes.txt", "changed")
    assert one.text is not None
    assert one.text.to_json() == [["=", "port = "], ["-", "1"], ["+", "2"], ["=", "\n"]]


def test_contents_that_are_not_held_are_known_by_their_digests() -> None:
    [one] = files_of(touch(b"a"), touch(b"b"), b"a")
    assert (one.a, one.b, one.note) == (digest_bytes(b"a"), digest_bytes(b"b"), "Only its digest is on record.")
    assert one.to_json()["note"] == one.note


def test_a_binary_file_is_not_shown() -> None:
    [one] = files_of(touch(b"\xff1"), touch(b"\xff2"), b"\xff1", b"\xff2")
    assert one.note == "Its content is not text."


def test_a_file_with_a_secret_is_not_shown() -> None:
    [one] = files_of(touch(b"a"), touch(b"b", masked=True), b"a", b"b")
    assert one.note == "It holds a secret: its content was not kept."


@pytest.mark.parametrize(("left", "right", "change"), [(None, b"a", "added"), (b"a", None, "removed")])
def test_a_file_that_was_not_there(left: bytes | None, right: bytes | None, change: str) -> None:
    assert [one.change for one in files_of(touch(left), touch(right))] == [change]
