"""Events told as what was done."""

from __future__ import annotations

from agentcli.core.events import ApprovalRequested, Event, ModelCompleted, ToolCompleted
from agentcli.workbench.exports.story import Operation, operations, story
from tests.fakes.told import LOOK, Told, eventful, two_turns


def told(items: list[Operation | Event]) -> list[str]:
    return [
        f"{item.started.seq}-{item.ended.seq if item.ended else ''} {item.started.body.type}"
        if isinstance(item, Operation)
        else f"{item.seq} {item.body.type}"
        for item in items
    ]


def test_requests_and_calls_go_from_their_start_to_their_end() -> None:
    assert told(story(two_turns().events)) == [
        "3-4 model.started",
        "5-6 tool.started",
        "7-8 tool.started",
        "10-11 model.started",
    ]


def test_everything_else_stands_between_them() -> None:
    assert told(story(eventful().events))[4:] == [
        "12 run.forked",
        "13 run.resumed",
        "15-18 model.started",
        "21-22 tool.started",
        "23 approval.requested",
        "24 limit.reached",
        "25 warning",
        "26 moon.risen",
        "28-29 model.started",
    ]


def test_notes_belong_to_what_they_are_about() -> None:
    third = operations(eventful().events)[4:6]
    assert [[note.body.type for note in one.notes] for one in third] == [
        ["model.retried", "model.fallback"],
        ["approval.requested", "approval.resolved"],
    ]


def test_what_has_no_end_is_open() -> None:
    events = two_turns().events[:7]
    last = operations(events)[-1]
    assert (last.ended, last.duration_s) == (None, 0.0)


def test_an_end_without_a_start_stands_for_both() -> None:
    events = [event for event in two_turns().events if isinstance(event.body, ModelCompleted | ToolCompleted)]
    assert [one.started is one.ended for one in operations(events)] == [True] * 4


def test_a_clock_that_steps_back_makes_no_negative_time() -> None:
    story_of = Told()
    story_of.begin()
    story_of.call(1, 1, LOOK)
    story_of.events[1], story_of.events[2] = story_of.events[1:3]
    assert operations(story_of.events)[0].duration_s == 0.5
    events = [event for event in story_of.events if event.seq != 2]
    assert operations([*events])[0].duration_s == 0.0


def test_a_question_that_nobody_answered_stays() -> None:
    (last,) = [item for item in story(eventful().events) if isinstance(item, Event) and item.seq == 23]
    assert isinstance(last.body, ApprovalRequested)
