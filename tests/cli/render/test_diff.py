"""The comparison of two runs, as people read it: what the command's own tests do not come upon."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from agentcli.cli.render.diff import print_diff
from agentcli.cli.render.diff_parts import Parts
from agentcli.cli.render.diff_text import print_text
from agentcli.cli.render.printer import ASCII, UNICODE, Printer
from agentcli.core.canonical import encode
from agentcli.core.events import EffectKey, LimitReached, ModelCompleted, ModelStarted, RunResumed, Warned
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, RequestHead, Usage
from agentcli.core.tools import FileTouch
from agentcli.errors import ErrorInfo
from agentcli.workbench.comparing.comparison import Comparison
from agentcli.workbench.comparing.differences import Place
from agentcli.workbench.comparing.texts import TextDiff
from tests.fakes.compared import READ, Told, comparison, simple
from tests.fakes.journal import InMemoryJournal


def printer(width: int | None = None, *, color: bool = False, glyphs: Any = UNICODE) -> Printer:
    return Printer(io.StringIO(), terminal=True, color=color, width=width, glyphs=glyphs)


def printed(out: Printer) -> str:
    assert isinstance(out.stream, io.StringIO)
    return out.stream.getvalue()


def report(found: Comparison, *, full: bool = False, width: int | None = None) -> str:
    out = printer(width)
    print_diff(out, found, full=full)
    return printed(out)


def text(a: str, b: str, *, full: bool = False, width: int | None = None) -> list[str]:
    out = printer(width)
    print_text(out, TextDiff(a, b), 0, full=full)
    return printed(out).splitlines()


# -- texts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "lines"),
    [
        ("one", "two", ["- one", "+ two"]),
        ("", "new\nlines", ["+ new", "+ lines"]),
        ("a\nb\nc\nd\ne", "a\nb\nx\nd\ne", ["… 1 line the same", "  b", "- c", "+ x", "  d", "… 1 line the same"]),
        ("The port.", "The port.\n", ["~ The port.{+\\n+}"]),
        (
            "one two three four\nfive six",
            "one two three four five six",
            ["~ one two three four[-\\n-]", "~ {+ +}five six"],
        ),
        ("a\n\nb", "a\nb", ["  a", "-", "  b"]),
    ],
)
def test_lines_and_words(a: str, b: str, lines: list[str]) -> None:
    assert text(a, b) == lines


def test_long_lines_are_folded_between_words_or_anywhere() -> None:
    assert text("", "words that go on and on until the end", width=22) == [
        "+ words that go on and",
        "  on until the end",
    ]
    assert text("", "x" * 45, width=22) == ["+ " + "x" * 20, "  " + "x" * 20, "  " + "x" * 5]
    assert text("", "日本語" * 8, width=22) == ["+ 日本語日本語日本語日", "  本語日本語日本語日本", "  語日本語"]


def test_what_is_the_same_in_a_long_line_is_cut_unless_all_is_asked_for() -> None:
    same = "word " * 100
    a, b = f"{same}one {same}two {same}", f"{same}1 {same}2 {same}"
    [line] = text(a, b)
    assert len(line) < 450
    assert line.count("…") == 3
    assert "[-one-]{+1+}" in line
    [whole] = text(a, b, full=True)
    assert len(whole) > 1500


def test_long_changes_are_cut_in_their_middles() -> None:
    [old, new] = text("x" * 500, "y" * 500)
    assert old == f"- {'x' * 60} … {'x' * 60}"
    assert len(new) == len(old)


def test_a_lone_line_is_shown_longer() -> None:
    assert text("a\n" + "c " * 80, "b\n" + "c " * 80)[-1] == "  " + ("c " * 80).rstrip()


def test_of_a_long_text_the_first_lines_are_shown() -> None:
    lines = text("", "\n".join(map(str, range(100))))
    assert (len(lines), lines[-1]) == (25, "… 76 more lines: --full shows them")
    assert len(text("", "\n".join(map(str, range(100))), full=True)) == 100


def test_nothing_in_a_text_commands_the_terminal() -> None:
    assert text("\x1b[31mred\x07", "blue") == ["- red\\x07", "+ blue"]


# -- single differences -----------------------------------------------------------------------------------------


def test_signs_and_arrows_are_plain_where_the_stream_is() -> None:
    out = printer(glyphs=ASCII)
    Parts(out).one(Place("limits").at("turns").differs("changed", 1, None), 0)
    assert printed(out) == "~ turns: 1 -> none\n"


def test_values_are_cut_unless_all_is_asked_for() -> None:
    found = Place("settings").at("stop").differs("added", None, ["x" * 100])
    short, full = printer(), printer()
    Parts(short).one(found, 0)
    Parts(full, full=True).one(found, 0)
    assert len(printed(short)) == len("+ stop: ") + 73
    assert printed(full) == f'+ stop: ["{"x" * 100}"]\n'


def test_an_empty_text_is_seen() -> None:
    out = printer()
    Parts(out).one(Place("inputs").at("topic").differs("changed", "", "ports"), 0)
    assert printed(out) == '~ topic: "" → ports\n'


def test_tools_are_told_by_their_description_and_calls_as_they_are_written() -> None:
    tool = Place("tools").at(0, "read_lines").differs("added", None, READ)
    call = Place("calls").at(0).differs("removed", {"name": "read_lines", "arguments": {"path": "a"}}, None)
    out = printer()
    Parts(out).listed([tool, call], 0)
    assert printed(out) == ('tools\n  + read_lines: Read lines of a file.\ncalls\n  - read_lines(path="a")\n')


def test_another_order_is_told_by_names() -> None:
    out = printer()
    order = Place("tools").differs("reordered", ["read_lines", "grep_file"], ["grep_file", "read_lines"])
    Parts(out).listed([Place("tools").at(0, "read_lines").at("version").differs("changed", "1", "2"), order], 0)
    assert printed(out) == (
        "tools\n  ~ read_lines version: 1 → 2\n  ~ order: read_lines, grep_file → grep_file, read_lines\n"
    )


# -- the report -------------------------------------------------------------------------------------------------


def head(found: Comparison) -> str:
    return f"A  {found.a.id}  {found.a.row.status}  reader\nB  {found.b.id}  {found.b.row.status}  reader\n"


async def test_only_what_went_in_differs() -> None:
    journal = InMemoryJournal()
    found = comparison(await simple(journal, 1), await simple(journal, 2, limits={"turns": 5, "tokens": None}))
    assert report(found) == (
        head(found)
        + "\nCause: what went in\n  limits\n    ~ turns: 20 → 5\n"
        + "\nEffect: what happened is the same\n"
        + "\nTotals: what it came to\n"
        + "                    A          B  CHANGE\nstatus      completed  completed\n"
        + "turns               2          2\ntool calls          1          1\ntokens            220        220\n"
        + "  in              200        200\n  out              20         20\n"
        + "cost          $0.5000    $0.5000\ntime            9.0 s      9.0 s\n"
    )


async def test_a_run_that_was_limited_beside_one_that_went_on() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told in (a, b):
        told.looks("read_lines", "1: x", path="a")
    a.add(LimitReached("turns", 1, 1))
    await a.ends(error=ErrorInfo("E-LIMIT-TURNS", "The turns ran out."), status="limited", exit_code=4)
    b.add(RunResumed(b.manifest, {"limits": {"turns": 5}}))
    b.turn_of("It is x.", cost_usd=None)
    found = comparison(a, await b.ends(cost_usd=None))
    shown = report(found)
    assert f'B  {b.id}  completed  reader\n   taken up again at event 7, with limits={{"turns": 5}}\n' in shown
    assert "  The first difference is limit.reached (event 7 in A): only A has it.\n" in shown
    assert "      7         - limit.reached\n" in shown
    assert "            10  + turn 2  answer\n                  + It is x.\n" in shown
    assert re.search(r"\ncost +\$0.5000 +-\n", shown)
    assert "error\n  ~ The turns ran out. (E-LIMIT-TURNS) → none\n" in shown
    assert "output\n  ~ none → It is x.\n" in shown


async def test_a_model_that_failed_gave_no_answer() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), Told(journal, 2)
    b.asks()
    shown = report(comparison(a, b))
    assert "  The first difference is the answer of turn 1 (event 4 in A, 3 in B): " in shown
    assert (
        "~ turn 1  no answer: not finished\n                  outcome\n                    ~ answered → not finished\n"
        in shown
    )


async def test_requests_that_cannot_be_read_are_said_to_differ() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), await simple(journal, 2, instructions="Other.")
    started = next(event.body for event in b.log.events if isinstance(event.body, ModelStarted))
    del journal.blobs[started.request.head]
    del journal.blobs[b.manifest]
    shown = report(comparison(a, b))
    assert "  From turn 1 (event 3 in A, 3 in B) on the requests to the model differ; their contents are not" in shown
    assert shown.endswith(f"\n! The manifest of {b.id} cannot be read: what went into it is not compared.\n")
    assert "\nCause: what went in cannot be compared\n" in shown


async def test_another_value_in_a_request_is_shown_as_it_is() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    a.turn_of("I look.")
    b.looks("read_lines", "1: port = 8080", path="notes.txt", text="I look.")
    for told in (a, b):
        told.turn_of("It is 8080.")
    shown = report(comparison(a, b))
    assert "differ, first at $['messages'][2]['tool_calls']:\n    none → " in shown


async def test_steps_that_differ_are_shown_up_to_a_number_of_them() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for n in range(60):
        a.looks("read_lines", "1: x", path=f"{n}")
        b.looks("read_lines", "1: y", path=f"{n}")
    found = comparison(a, b)
    assert "                  … 10 more steps not the same: --full shows them\n" in report(found)
    assert "more steps" not in report(found, full=True)


async def test_a_child_and_a_conversation_say_where_they_come_from() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    for number, relation, words in (
        (2, "session", "B goes on with the conversation of A"),
        (3, "child", "B is a child of A"),
    ):
        b = Told(journal, number, row={"parent": a.id, "relation": relation})
        assert f"   {words}\n" in report(comparison(a, b))


async def test_a_fork_from_a_bundle_may_not_know_its_cut() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    b = Told(journal, 2, row={"parent": a.id, "relation": "fork"})
    assert "   B is a fork of A\n" in report(comparison(a, b))


async def test_files_that_a_call_left_otherwise() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, data in ((a, b"one\n"), (b, None)):
        touch = FileTouch("out.txt", None if data else told.keep(b"x"), data and told.keep(data), True)
        told.looks("create_file", "done", touch, path="out.txt")
    shown = report(comparison(a, b))
    assert "  files\n    + out.txt\n" in shown
    assert "                  files\n                    - out.txt\n" in shown


async def test_in_full_a_step_of_another_kind_is_listed_by_its_name() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2, task="Other?")
    for told in (a, b):
        told.add(Warned("W-X", "x", "y"), "draft")
    assert "      2      2    warning\n" in report(comparison(a, b), full=True)


async def test_an_answer_outside_of_any_turn() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, text in ((a, "one"), (b, "two")):
        key = EffectKey("classify", "model", "model", 0)
        head = told.keep(encode(RequestHead((f"fake:{text}",)).to_json()))
        started = ModelStarted("fake", text, RequestDelta(None, 0, (), head))
        told.add(started, "classify", key=key, request=head)
        done = ModelCompleted(Message("assistant", text), Usage(), "stop", f"fake:{text}", 0.5, None, 1)
        told.add(done, "classify", key=key, request=head, result="2" * 64)
    shown = report(comparison(a, b))
    assert "  The first difference is an answer of the model (event 3 in A, 3 in B): the model was asked" in shown
    assert "  From event 2 in A, 2 in B on the requests to the model differ, first at $['models'][0]:\n" in shown
    assert "      3      3  ~ answer\n" in shown
