"""The parts of a page: steps, differences, the plan, the time line."""

from __future__ import annotations

import pytest

from agentcli.core.events import ApprovalRequested, ApprovalResolved, Body, ToolCompleted, ToolStarted
from agentcli.core.flags import Flag
from agentcli.core.messages import Message
from agentcli.core.tools import FileTouch
from agentcli.workbench.exports import html_diff
from agentcli.workbench.exports.html_diff import ChangedFile, Line, changed_file
from agentcli.workbench.exports.html_plan import sections_of
from agentcli.workbench.exports.html_steps import MOST_TEXT, Step, steps_of
from agentcli.workbench.exports.html_timeline import timeline_of
from tests.fakes.told import EDIT, LOOK, Told, eventful, two_turns


def steps(told: Told) -> list[Step]:
    return steps_of(told.record())


def test_a_long_text_is_cut_and_says_so() -> None:
    told = Told()
    told.begin()
    told.call(1, 1, LOOK, result="x" * (MOST_TEXT + 5))
    (step,) = steps(told)
    assert step.result is not None
    assert (len(step.result.shown), step.result.more) == (MOST_TEXT, 5)


def test_the_conversation_of_before_is_shown_in_the_first_request() -> None:
    told = Told()
    told.begin()
    told.ask(1, Message("user", "Hi."), Message("assistant", "", (EDIT,)), Message("tool", "ok", tool_call_id="c1"))
    (step,) = steps(told)
    assert [(said.role, said.text.shown, said.anchor) for said in step.said] == [
        ("user", "Hi.", None),
        ("assistant", '→ edit(path="a.py", port=8080)', None),
        ("tool", "ok", None),
    ]


def test_a_call_that_was_no_json_is_shown_as_it_came() -> None:
    assert steps(eventful())[6].asks[0].arguments == '{"path": '


def test_results_without_a_call_are_shown_all_the_same() -> None:
    told = two_turns()
    told.events = [event for event in told.events if event.body.type not in ("tool.started", "model.started")]
    assert [step.title for step in steps(told)] == ["openai:gpt-5-mini", "edit", "look", "openai:gpt-5-mini"]


# -- what was asked about --------------------------------------------------------------------------------------------

PREVIEW = "--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n same\n-port = 80\n+port = 8080\n[3 more lines of the diff]"


def asked(preview: str | None, *later: Body, lane: str = "turn.1.call.1") -> Step:
    told = Told()
    told.begin()
    for body in (ApprovalRequested("edit", "c1", {"path": "a.py"}, "edit", preview), *later):
        told.say(body, lane, 1)
    return steps(told)[-1]


def test_a_call_shows_what_was_shown_to_who_allowed_it_beside_what_it_did() -> None:
    told = Told()
    touch = FileTouch("a.py", told.put(b"port = 80\n"), told.put(b"port = 8080\n"), True)
    done = ToolCompleted("edit", "c1", "ok", "changed a.py", None, 0.1, (touch,))
    allowed = ApprovalResolved("edit", "c1", "once", "user")
    told.begin()
    for body in (ApprovalRequested("edit", "c1", {}, "edit", PREVIEW), allowed, ToolStarted("edit", "c1", {}), done):
        told.say(body, "turn.1.call.1", 1)
    (step,) = steps(told)
    shown, did = step.files
    assert (shown.path, shown.done, shown.folded, shown.added, shown.removed) == (
        "edit",
        "asked, and showed this",
        True,
        1,
        1,
    )
    assert [(line.kind, line.text) for line in shown.lines] == [
        ("hunk", "--- a.py"),
        ("hunk", "+++ a.py"),
        ("hunk", "@@ -1,2 +1,2 @@"),
        ("same", "same"),
        ("del", "port = 80"),
        ("add", "port = 8080"),
        ("same", "[3 more lines of the diff]"),
    ]
    assert (did.path, did.folded) == ("a.py", False)


def test_a_question_that_nobody_answered_shows_what_it_was_about() -> None:
    step = asked(PREVIEW)
    assert (step.state, [shown.folded for shown in step.files]) == ("open", [False])
    assert step.data is not None
    assert "preview" not in step.data.shown
    assert asked(None).files == []


def test_a_refused_call_shows_what_it_would_have_done() -> None:
    refused = [
        ApprovalResolved("edit", "c1", "no", "user"),
        ToolStarted("edit", "c1", {}),
        ToolCompleted("edit", "c1", "denied", "The user refused `edit`.", None, 0.0),
    ]
    step = asked(PREVIEW, *refused)
    assert (step.state, [shown.folded for shown in step.files]) == ("denied", [False])


def test_words_in_place_of_a_difference_and_a_long_one_are_shown_within_bounds() -> None:
    (shown,) = asked("logo.png: from 3 bytes to 5 bytes that are no text").files
    assert (shown.added, shown.removed, [line.kind for line in shown.lines]) == (0, 0, ["same"])
    (cut,) = asked("\n".join(["+x"] * (html_diff.MOST_SHOWN + 2))).files
    assert (len(cut.lines), cut.note) == (html_diff.MOST_SHOWN, "2 further lines are not shown.")


# -- differences -----------------------------------------------------------------------------------------------------


def changed(before: bytes | None, after: bytes | None) -> ChangedFile:
    told = Told()
    digests = [None if data is None else told.put(data) for data in (before, after)]
    return changed_file(told.record(), FileTouch("a.txt", digests[0], digests[1], True))


def test_a_difference_has_what_went_and_what_came() -> None:
    file = changed(b"a\nb\nc\n", b"a\nB\nc\n")
    assert (file.done, file.added, file.removed) == ("changed", 1, 1)
    assert file.lines == (
        Line("hunk", "@@ -1,3 +1,3 @@"),
        Line("same", "a"),
        Line("del", "b"),
        Line("add", "B"),
        Line("same", "c"),
    )


def test_lines_that_look_like_a_differences_own_are_lines() -> None:
    file = changed(b"--- a\n", b"+++ b\n@@ c\n")
    assert file.lines[1:] == (Line("del", "--- a"), Line("add", "+++ b"), Line("add", "@@ c"))


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b"])
def test_what_is_no_text_is_not_compared(data: bytes) -> None:
    assert changed(b"a", data).note == f"It is no text: 1 B before, {len(data)} B after."


def test_what_is_too_long_is_not_compared() -> None:
    assert changed(b"", b"x\n" * (html_diff.MOST_LINES + 1)).note == "It is too long to compare: 3,001 lines."


def test_a_long_difference_is_cut() -> None:
    file = changed(None, b"x\n" * 2_000)
    assert len(file.lines) == html_diff.MOST_SHOWN
    assert file.note == "1,001 further lines are not shown."


# -- the plan and the time line --------------------------------------------------------------------------------------


def test_a_manifest_of_anything_is_only_shown() -> None:
    told = Told(
        manifest={"instructions": 5, "tools": [5, {"name": "x"}], "policy": [], "limits": {}, "odd": [1], "list": ["a"]}
    )
    sections = sections_of(told.record())
    assert [section.title for section in sections] == ["Tools", "Further"]
    assert [value.text.shown for value in sections[1].values] == ["a", "[\n  1\n]"]


def test_bars_stand_where_and_as_long_as_things_took() -> None:
    timeline = timeline_of(two_turns().events)
    assert timeline is not None
    assert [(bar.anchor, bar.kind, bar.row) for bar in timeline.bars] == [
        ("e3", "model", 0),
        ("e5", "tool", 0),
        ("e7", "bad", 0),
        ("e10", "model", 0),
    ]
    assert all(bar.x >= 0 and bar.x + bar.width <= 1000.1 for bar in timeline.bars)


def test_what_went_on_at_once_stands_one_below_the_other() -> None:
    told = Told()
    told.begin()
    for number in range(10):
        told.say(ToolStarted("look", f"c{number}", {}), f"turn.1/call.{number}", 1)
    for number in range(9):
        told.say(ToolCompleted("look", f"c{number}", "ok", "", None, 0.1), f"turn.1/call.{number}", 1)
    timeline = timeline_of(told.events)
    assert timeline is not None
    assert [bar.row for bar in timeline.bars] == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]
    assert timeline.rows == 8
    assert (timeline.bars[-1].kind, timeline.bars[-1].title) == ("bad", "look: not finished")


def test_idle_time_is_drawn_shorter() -> None:
    told = two_turns()
    told.time += 86_400
    told.ask(3, Message("user", "a day later"), previous=10)
    timeline = timeline_of(told.events)
    assert timeline is not None
    assert timeline.shortened
    assert timeline.bars[0].width > 50


def test_nothing_done_is_no_time_line() -> None:
    assert timeline_of(Told().events) is None


def test_a_result_that_reads_like_instructions_says_so() -> None:
    told = Told()
    told.begin()
    told.call(1, 1, LOOK, flags=(Flag("override", 3, "ignore <b>it</b>"),))
    (step,) = steps(told)
    assert step.remarks == ["Reads like instructions (override): ignore <b>it</b>"]
