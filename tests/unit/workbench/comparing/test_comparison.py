"""Two runs, compared: what happened, and what it came to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import ApprovalResolved, ModelStarted, Warned
from agentcli.core.tools import FileTouch
from agentcli.workbench.comparing.alignment import Pair
from agentcli.workbench.comparing.comparison import Comparison, compare_runs
from agentcli.workbench.comparing.records import read_run
from tests.fakes.compared import Told, comparison, simple
from tests.fakes.journal import InMemoryJournal


def states(found: Comparison) -> list[str]:
    return [f"{step.state} {step.pair.step.name}" for step in found.steps]


def parts(found: Comparison) -> list[str]:
    return [f"{one.aspect} {one.path}" for step in found.steps for one in step.differences]


async def test_two_runs_that_did_the_same_are_the_same() -> None:
    journal = InMemoryJournal()
    found = comparison(await simple(journal, 1), await simple(journal, 2))
    assert not found.differs
    assert states(found) == ["same model", "same read_lines", "same model"]
    assert (found.cause, found.first, found.asked, found.lineage, found.missing) == ((), None, None, None, ())


async def test_times_ids_and_attempts_are_no_difference() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    b = Told(journal, 2)
    b.add(Warned("W-X", "x", "y"))  # moves every seq and duration
    b.looks("read_lines", "1: port = 8080", path="notes.txt")
    b.turn_of("It is 8080.")
    found = comparison(a, await b.ends())
    assert states(found) == ["added warning", "same model", "same read_lines", "same model"]
    assert found.asked is None


async def test_a_call_that_was_put_in_moves_nothing_after_it() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    b.looks("grep_file", "2: port", path="notes.txt", pattern="port")
    for told in (a, b):
        for name in ("one", "two", "three"):
            told.looks("read_lines", f"1: {name}", path=name)
        told.turn_of("Done.")
    found = comparison(a, b)
    assert states(found) == ["added model", "added grep_file", *["same model", "same read_lines"] * 3, "same model"]


async def test_a_call_with_another_result_is_the_same_call() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    a.looks("read_lines", "1: port = 8080\n2: host = x", path="notes.txt")
    b.looks("read_lines", "1: port = 9090\n2: host = x", path="notes.txt")
    found = comparison(a, b)
    assert parts(found) == ["result $"]
    text = found.steps[1].differences[0].text
    assert text is not None
    assert text.to_json()[:3] == [["=", "1: port = "], ["-", "8080"], ["+", "9090"]]


async def test_arguments_are_compared_by_path() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    a.looks("grep_file", "x", path="a", options={"max": 1})
    b.looks("grep_file", "x", path="a", options={"max": 2})
    found = comparison(a, b)
    assert parts(found) == ["calls $[0]['arguments']['options']['max']", "arguments $['options']['max']"]


async def test_data_is_told_where_the_result_does_not_say_it() -> None:
    journal = InMemoryJournal()
    a, b, c = (Told(journal, number) for number in (1, 2, 3))
    for told, text, data in ((a, "x", {"n": 1}), (b, "x", {"n": 2}), (c, "y", {"n": 2})):
        [call] = told.turn_of("", ("list_files", {}))
        told.result(call, text, data=data)
    assert parts(comparison(a, b)) == ["data $['n']"]
    assert parts(comparison(a, c)) == ["result $"]


async def test_what_a_call_left_in_a_file_is_compared_by_its_content() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, data in ((a, b"one\n"), (b, b"two\n")):
        touch = FileTouch("out.txt", None, told.keep(data), True)
        told.looks("create_file", "done", touch, path="out.txt")
    found = comparison(a, b)
    assert parts(found) == ["files $['out.txt']"]
    assert found.steps[1].differences[0].text is not None


async def test_final_answers_are_one_step_however_many_turns_lie_before() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), Told(journal, 2)
    b.looks("read_lines", "1: port = 8080", path="notes.txt")
    b.looks("grep_file", "x", path="more.txt")
    b.turn_of("It is 9090.")
    found = comparison(a, b)
    assert states(found)[2:] == ["added model", "added grep_file", "changed model"]


async def test_steps_of_different_threads_are_not_mixed() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, order in ((a, ("one", "two")), (b, ("two", "one"))):
        for thread in order:
            told.add(Warned("W-X", thread, ""), thread)
    assert states(comparison(a, b)) == ["same warning", "same warning"]


# -- the first difference --------------------------------------------------------------------------------------


async def test_a_model_that_was_asked_something_else() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    found = comparison(a, await simple(journal, 2, "It is 9090.", instructions="You answer questions.\nBe kind."))
    assert found.asked is not None
    assert (found.asked.path, found.asked.parts) == ("$['messages'][0]['content']", ("messages",))
    assert (found.asked.a.asked, found.asked.b.asked) == (3, 3)
    assert found.first is not None
    assert (found.first.step.turn, found.first.origin) == (2, "request")


async def test_a_model_that_answered_the_same_request_otherwise() -> None:
    journal = InMemoryJournal()
    found = comparison(await simple(journal, 1), await simple(journal, 2, "It is 9090."))
    assert found.asked is None
    assert found.first is not None
    assert found.first.origin == "model"
    assert found.first.to_json()["a"] == {"seq": 9, "lane": "turn.2", "turn": 2}


async def test_an_answer_beside_one_of_another_kind_is_told_by_its_place() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), Told(journal, 2)
    b.looks("read_lines", "1: port = 8080", path="notes.txt")
    b.looks("grep_file", "x", path="more.txt")
    b.turn_of("It is 8080.")
    found = comparison(a, await b.ends())
    assert states(found)[2] == "added model"
    assert found.first is not None
    assert (found.first.a and found.first.a.seq, found.first.b and found.first.b.seq) == (9, 9)
    assert found.first.origin == "model"
    back = comparison(b, a).first
    assert back is not None
    assert (back.a and back.a.seq, back.b and back.b.seq) == (9, 9)


async def test_another_model_is_another_request() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    found = comparison(a, await simple(journal, 2, models=["fake:large"]))
    assert found.asked is not None
    assert (found.asked.path, found.asked.left, found.asked.right) == ("$['models'][0]", "fake:model", "fake:large")
    assert found.first is None  # it answered the same
    assert found.differs


@pytest.mark.parametrize("changed", [True, False])
async def test_a_call_that_gave_something_else(changed: bool) -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, text in ((a, "one"), (b, "two" if changed else "one")):
        touch = FileTouch("notes.txt", digest_bytes(text.encode()), None, False)
        told.looks("read_lines", f"1: {told.id}", touch, path="notes.txt")
    first = comparison(a, b).first
    assert first is not None
    assert first.origin == ("files" if changed else "tool")


async def test_an_approval_that_was_answered_otherwise() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, decision in ((a, "once"), (b, "always")):
        [call] = told.turn_of("", ("create_file", {"path": "x"}))
        answer: Any = ApprovalResolved("create_file", call.id, decision, "user")
        told.add(answer, "turn.1/call.1", turn=1)
        told.result(call, "done")
    found = comparison(a, b)
    assert parts(found) == ["approval $['decision']"]
    assert found.first is not None
    assert found.first.origin == "approval"


async def test_a_run_that_stopped_earlier() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), Told(journal, 2)
    b.turn_of("", ("read_lines", {"path": "notes.txt"}))
    found = comparison(a, b)
    assert found.first is not None
    assert (found.first.step.name, found.first.b, found.first.origin) == ("read_lines", None, "run")
    assert [one.aspect for one in found.totals.differences] == ["status", "exit_code", "output"]


async def test_arguments_that_a_tool_reads_otherwise() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, start in ((a, 1), (b, 0)):
        [call] = told.turn_of("", ("read_lines", {"path": "x"}))
        told.result(replace(call, arguments={"path": "x", "start": start}), "1: x")
    first = comparison(a, b).first
    assert first is not None
    assert first.origin == "run"


# -- requests ---------------------------------------------------------------------------------------------------


async def test_a_request_whose_contents_are_gone_is_still_another_one() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), await simple(journal, 2, instructions="Other.")
    head = next(event.body.request.head for event in b.log.events if isinstance(event.body, ModelStarted))
    kept = journal.blobs.pop(head)
    gone = comparison(a, b).asked
    assert gone is not None
    assert gone.path is None
    assert gone.to_json()["path"] is None
    journal.blobs[head] = kept
    del journal.blobs[b.conversation.digests[0]]
    assert (found := comparison(a, b).asked) is not None
    assert found.path is None


async def test_a_request_that_grows_from_one_that_is_not_there_is_not_put_together() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), await simple(journal, 2, "It is 8080.", instructions="Other.")
    events = [event for event in b.log.events if event.seq != 3]
    record = replace(read_run(journal, journal.find(b.id)), events=events)
    asked = compare_runs(journal, read_run(journal, journal.find(a.id)), record).asked
    assert asked is not None
    assert asked.path is None


# -- as JSON ----------------------------------------------------------------------------------------------------


async def test_the_whole_comparison_is_json() -> None:
    journal = InMemoryJournal()
    found = comparison(await simple(journal, 1), await simple(journal, 2, "It is 9090."))
    value = json.loads(json.dumps(found.to_json()))
    assert list(value) == ["same", "a", "b", "lineage", "cause", "effect", "totals", "missing"]
    assert value["same"] is False
    assert value["a"] == {
        "id": found.a.id,
        "kind": "agent",
        "name": "reader",
        "status": "completed",
        "started": "2026-11-18T11:07:40.000Z",
        "task": "What is it?",
        "model": "fake:model",
        "parent": None,
        "resumed": [],
    }
    assert value["effect"]["first_request"] is None
    assert value["effect"]["steps"][2] == {
        "state": "changed",
        "kind": "model",
        "name": "model",
        "a": {"seq": 9, "lane": "turn.2", "turn": 2},
        "b": {"seq": 9, "lane": "turn.2", "turn": 2},
        "differences": [
            {
                "aspect": "answer",
                "path": "$",
                "name": "",
                "change": "changed",
                "a": "It is 8080.",
                "b": "It is 9090.",
                "text": [["=", "It is "], ["-", "8080"], ["+", "9090"], ["=", "."]],
            }
        ],
    }


async def test_requests_with_text_are_json_too() -> None:
    journal = InMemoryJournal()
    found = comparison(await simple(journal, 1), await simple(journal, 2, instructions="You answer questions."))
    asked = found.to_json()["effect"]["first_request"]
    assert asked["path"] == "$['messages'][0]['content']"
    assert asked["a"]["request"] != asked["b"]["request"]
    assert asked["text"] == [["=", "You answer questions."], ["-", "\nBe brief."]]


def test_nothing_has_no_step() -> None:
    with pytest.raises(ValueError, match="a pair of nothing"):
        _ = Pair(None, None).step
