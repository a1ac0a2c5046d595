"""The live table of a workflow's steps, as a terminal would hold it."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest

from agentcli.cli.render.live import LiveSink
from agentcli.cli.render.printer import ASCII, UNICODE, Glyphs, Printer
from agentcli.core.events import Body, ModelDelta, RunResumed, StepFailed, StepSkipped, StepStarted, Warned
from agentcli.core.outlines import StepOutline
from agentcli.errors import ErrorInfo
from tests.cli.events import DIGEST, run_completed
from tests.cli.steps import NESTED, STEPS, Told, asked, failing, happened, outlined, prompted


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Seen:
    """A live view on a terminal of so many columns and lines."""

    def __init__(self, columns: int = 60, lines: int = 20, glyphs: Glyphs = UNICODE, **options: Any) -> None:
        self.stream = io.StringIO()
        self.clock = Clock()
        environ = {"COLUMNS": str(columns), "LINES": str(lines), "TERM": "xterm-256color"}
        err = Printer(self.stream, terminal=True, color=options.pop("color", False), width=columns, glyphs=glyphs)
        self.live = LiveSink(err, environ=environ, now=self.clock, **options)

    def take(self, told: Sequence[Told]) -> Seen:
        for event in happened(told):
            self.live.handle(event)
        return self

    def frame(self) -> list[str]:
        """What the next frame would show."""
        console: Any = self.live._console
        with console.capture() as capture:
            console.print(self.live)
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", capture.get()).splitlines()]

    @property
    def left(self) -> list[str]:
        """What stays on the screen."""
        return [line.rstrip() for line in self.stream.getvalue().splitlines()]


def test_the_table_has_every_step_with_its_state_and_reason() -> None:
    assert Seen(120).take(STEPS[:-1]).frame() == [
        "✓ List the changes  completed       4.0 s      120 tokens   $0.0001",
        "✓ check             completed  3/3   22 s      240 tokens   $0.0002  1 failed",
        "✗ send              failed          5.0 s                            The call was no success. It is down.",
        "○ tell              skipped                                          It needs `send`, which failed.",
        "○ never             skipped                                          Its `when` is false.",
        "✗ sum               cancelled                                        The workflow was stopped.",
        "",
        "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  6 of 6 steps · 9.4/min",
        "⠋ 32 s · 360 tokens · $0.0003",
    ]


def test_in_sixty_columns_less_is_said_of_each() -> None:
    assert Seen(60).take(STEPS[:24]).frame() == [
        "✓ List the changes  completed       4.0 s",
        "⠋ check             running    3/3   15 s  1 failed",
        "⠋ send              running         0.1 s",
        "· tell              pending",
        "○ never             skipped                Its `when` is fa…",
        "· sum               pending",
        "",
        "━━━━━━━────────  2 of 6 steps · 10/min · 17 s left",
        "⠋ 23 s · 360 tokens · $0.0003",
    ]


def test_no_line_is_longer_than_the_terminal_is_wide() -> None:
    for columns in (20, 40, 60, 61, 90, 100, 200):
        seen = Seen(columns).take(STEPS[:-1])
        assert max(map(len, seen.frame())) <= columns


def test_all_can_be_said_in_ascii() -> None:
    frame = Seen(60, glyphs=ASCII).take(STEPS[:24]).frame()
    assert frame[:2] == [
        "ok List the changes  completed       4.0 s",
        "|  check             running    3/3   15 s  1 failed",
    ]
    assert all(line.isascii() and len(line) <= 60 for line in frame)
    assert frame[4] == "o  never             skipped                Its `when` is f~"
    assert frame[-2:] == [
        "#######........  2 of 6 steps - 10/min - 17 s left",
        "| 23 s - 360 tokens - $0.0003",
    ]


def test_what_a_step_writes_stands_in_one_line_that_stays_with_it() -> None:
    seen = Seen(40).take([(outlined("a", "b"), ""), *asked("step.a/item.2", "The answer\nis ")[:-1]])
    assert seen.frame()[-3] == "a[2]: The answer is"
    for event in happened([(ModelDelta("something else", 0), "step.b/turn.1")]):
        seen.live.handle(event)
    assert seen.frame()[-3] == "a[2]: The answer is"
    for event in happened([(ModelDelta(f"as long as {'word ' * 99}end", 1), "step.a/item.2/turn.1")]):
        seen.live.handle(event)
    assert re.fullmatch(r"a\[2\]: …(\w+ )+end", seen.frame()[-3])
    assert len(seen.frame()[-3]) <= 40
    seen.live.handle(happened(asked("step.a/item.2", "x"))[-1])
    assert seen.frame()[-3] == ""


def test_nested_steps_stand_below_theirs() -> None:
    assert Seen(60).take(NESTED[:-1]).frame() == [
        "⠋ each   running    1/2  13 s",
        "⠋   ask  running    1/2  10 s",
        "· last   pending",
        "each[2].ask: two",
        "━━━────────────  0 of 2 steps",
        "⠋ 14 s · 120 tokens · $0.0001",
    ]


def test_tries_and_rounds_are_told() -> None:
    turn = asked("step.a/round.2", "x")[:2]
    assert Seen().take([(outlined("a"), ""), *turn]).frame()[0] == "⠋ a  running    round 2  1.0 s"
    told = [one for one in STEPS if "send" in one[1]][:5]
    assert "⠋ send  running    try 2  3.0 s  The call was" in Seen(60).take([(outlined("send"), ""), *told]).frame()[0]


def test_what_is_used_stands_against_its_limits() -> None:
    limits = {"turns": 9, "tokens": 5000, "cost_usd": 0.5, "seconds": 60.0}
    seen = Seen(80).take([(outlined("a", limits=limits), ""), *prompted("step.a", "x")])
    assert seen.frame()[-1] == "⠋ 6.0 s of 1 min · 120 of 5,000 tokens · $0.0001 of $0.5000"
    raised = RunResumed(DIGEST, {"limits": {"tokens": 9000}})
    seen = Seen(80).take([(outlined("a", limits=limits), ""), (raised, "")])
    assert seen.frame()[-1] == "⠋ 0 ms · 0 of 9,000 tokens"


def test_time_goes_on_between_events() -> None:
    seen = Seen().take([(outlined("a"), ""), *prompted("step.a", "x")[:2]])
    seen.clock.seconds = 7.25
    assert seen.frame()[0].split() == ["⠹", "a", "running", "7.2", "s"]
    assert seen.frame()[-1] == "⠹ 9.2 s"


def test_what_went_wrong_stays_above_the_table_and_the_table_stays_at_the_end() -> None:
    warned: Body = Warned("W-X", "The answer was cut.", "Raise it.")
    seen = Seen(90).take([*STEPS[:-1], (warned, "step.sum/turn.1"), STEPS[-1]])
    assert seen.left == [
        "notes with openai:gpt-5-mini",
        "✗ check[2]  failed: The call was no success. It is down.",
        "! send  try 1 failed, the next one in 2.0 s: The call was no success. It is down.",
        "✗ send  failed in 5.0 s: The call was no success. It is down.",
        "sum: warning: The answer was cut. Raise it. (W-X)",
        "✓ List the changes  completed       4.0 s      120 tokens",
        "✓ check             completed  3/3   22 s      240 tokens  1 failed",
        "✗ send              failed          5.0 s                  The call was no success. It is…",
        "○ tell              skipped                                It needs `send`, which failed.",
        "○ never             skipped                                Its `when` is false.",
        "✗ sum               cancelled                              The workflow was stopped.",
    ]
    assert seen.frame() == []


def test_with_detail_every_line_stays() -> None:
    left = Seen(90, detail=True).take(STEPS[:10]).left
    assert "✓ list  completed in 4.0 s · 120 tokens · $0.0001" in left
    assert Seen(90).take(STEPS[:10]).left == ["notes with openai:gpt-5-mini"]


def test_what_happens_while_a_question_is_asked_is_told_after_it() -> None:
    seen = Seen()
    with seen.live:
        seen.take(STEPS[:1])
        with seen.live.paused():
            before = seen.stream.getvalue()
            seen.live.handle(happened([failing("step.send")])[0])
            assert seen.stream.getvalue() == before
        assert "✗ send  failed" in seen.stream.getvalue().removeprefix(before)


HOSTILE = "\x1b[2J[bold]\x07\u202enet\nwork"


def test_names_and_texts_are_neither_markup_nor_commands() -> None:
    error = ErrorInfo("E-X", HOSTILE, HOSTILE, "")
    told: list[Told] = [
        (outlined(StepOutline("a", HOSTILE), "b", "c"), ""),
        (StepStarted("prompt"), "step.a"),
        *asked("step.a", HOSTILE)[:-1],
        (StepFailed(error, "continue"), "step.b"),
        (StepSkipped("need", HOSTILE), "step.c"),
        (StepStarted("prompt"), f"step.{HOSTILE}"),
    ]
    seen = Seen(120).take(told)
    text = "\n".join([*seen.left, *seen.frame()])
    assert not set("\x1b\x07\u202e") & set(text)
    assert len(seen.frame()) == 7
    assert len(seen.left) == 2
    assert "· [bold]\\x07\\u202enet work" in text
    assert "a: [bold]\\x07\\u202enet work" in text


# -- more steps than lines -------------------------------------------------------------------------------------------


def large(steps: int) -> list[Told]:
    """Five steps are done, five failed, five are running."""
    names = [f"s{number}" for number in range(steps)]
    told: list[Told] = [(outlined(*names), "")]
    for name in names[:5]:
        told += prompted(f"step.{name}", "x")
    told += [failing(f"step.{name}") for name in names[5:10]]
    told += [one for name in names[10:15] for one in prompted(f"step.{name}", "x")[:2]]
    return told


def test_what_runs_and_what_failed_comes_first_and_the_rest_is_counted() -> None:
    assert [line[:17].rstrip() for line in Seen(60, 24).take(large(2000)).frame()] == [
        *(f"⠋ s{number}  running" for number in range(10, 15)),
        *(f"✗ s{number}   failed" for number in range(9, 4, -1)),
        *(f"✓ s{number}   completed"[:17] for number in range(4, 0, -1)),
        *(f"· s{number}  pending" for number in range(15, 19)),
        "… 1,982 more: 1,9",
        "",
        "───────────────",
        "⠋ 45 s · 600 toke",
    ]
    assert Seen(60, 24).take(large(2000)).frame()[18] == "… 1,982 more: 1,981 pending, 1 completed"


def test_many_that_run_leave_room_for_what_failed() -> None:
    names = [f"s{number}" for number in range(60)]
    told: list[Told] = [(outlined(*names), ""), *(failing(f"step.{name}") for name in names[:9])]
    told += [one for name in names[9:] for one in prompted(f"step.{name}", "x")[:2]]
    states = [line.split()[2] for line in Seen(60, 15).take(told).frame()[:9]]
    assert states == [*["running"] * 6, *["failed"] * 3]


def test_the_last_table_tells_failures_and_counts_the_rest() -> None:
    told = [*large(200), (run_completed(None, None), "")]
    left = Seen(60, 24).take(told).left
    assert left[-6:-1] == [
        f"✗ s{number}   failed            The call was no success. It is dow…" for number in range(9, 4, -1)
    ]
    assert left[-1] == "… 190 more: 185 pending, 5 completed"


@pytest.mark.parametrize("steps", [100, 2000, 10_000])
def test_a_frame_costs_the_rows_that_it_shows(steps: int) -> None:
    seen = Seen(100, 30).take(large(steps))
    seen.frame()
    assert len(seen.frame()) == 28
    assert calls_of(seen) == calls_of(Seen(100, 30).take(large(50)), warm=True)


def calls_of(seen: Seen, *, warm: bool = False) -> int:
    """How many functions a frame calls."""
    if warm:
        seen.frame()
    called = 0

    def count(_frame: FrameType, what: str, _argument: Any) -> None:
        nonlocal called
        called += what == "call"

    sys.setprofile(count)
    try:
        seen.frame()
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize("color", [True, False])
def test_colour_is_used_where_it_is_on(color: bool) -> None:
    text = Seen(60, color=color).take(STEPS).stream.getvalue()
    assert ("\x1b[32m✓ List the changes" in text) is color
    assert ("\x1b" in text) is color
