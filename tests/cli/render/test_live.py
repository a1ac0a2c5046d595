"""The live view, as a terminal would hold it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from agentcli.cli.render.live import LiveSink
from agentcli.cli.render.printer import ASCII, UNICODE, Glyphs, Printer
from agentcli.core.events import ModelDelta
from tests.cli.events import READ, answered, events

ENVIRON = {"COLUMNS": "60", "LINES": "20", "TERM": "xterm-256color"}


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def view(*, color: bool = False, glyphs: Glyphs = UNICODE, columns: int = 60) -> tuple[LiveSink, io.StringIO]:
    stream = io.StringIO()
    err = Printer(stream, terminal=True, color=color, width=columns, glyphs=glyphs)
    return LiveSink(err, environ={**ENVIRON, "COLUMNS": str(columns)}, now=Clock()), stream


def region(live: LiveSink) -> list[str]:
    """What the next frame would show."""
    console: Any = live._console
    with console.capture() as capture:
        console.print(live)
    return re.sub(r"\x1b\[[0-9;]*m", "", capture.get()).splitlines()


FRAMES = [
    ("run.started", ["⠋ 0 ms · starting · openai:gpt-5-mini"]),
    ("turn.started", ["⠋ 0 ms · starting · turn 1 · openai:gpt-5-mini"]),
    ("model.started", ["⠋ 0 ms · waiting for the model · turn 1 · openai:gpt-5-mini"]),
    ("model.retried", ["⠋ 0 ms · waiting for the model · turn 1 · openai:gpt-5-mini"]),
    ("model.completed", ["⠋ 0 ms · working · turn 1 · 120 tokens · $0.0001 · openai:g…"]),
    (
        "tool.started",
        [
            '⠋ read_lines(path="server.py", start=1, end=20)',
            "⠋ 0 ms · working · turn 1 · 120 tokens · $0.0001 · openai:g…",
        ],
    ),
    (
        "tool.started",
        [
            '⠋ read_lines(path="server.py", start=1, end=20)',
            '⠋ grep_file(path="nope.py", pattern="port")',
            "⠋ 0 ms · working · turn 1 · 120 tokens · $0.0001 · openai:g…",
        ],
    ),
    (
        "tool.completed",
        [
            '⠋ read_lines(path="server.py", start=1, end=20)',
            "⠋ 0 ms · working · turn 1 · 120 tokens · $0.0001 · openai:g…",
        ],
    ),
    ("tool.completed", ["⠋ 0 ms · working · turn 1 · 120 tokens · $0.0001 · openai:g…"]),
    ("turn.started", ["⠋ 0 ms · working · turn 2 · 120 tokens · $0.0001 · openai:g…"]),
    ("model.started", ["⠋ 0 ms · waiting for the model · turn 2 · 120 tokens · $0.0…"]),
    ("model.delta", ["Port ", "⠋ 0 ms · writing · turn 2 · 120 tokens · $0.0001 · openai:g…"]),
    ("model.delta", ["Port 8080.", "⠋ 0 ms · writing · turn 2 · 120 tokens · $0.0001 · openai:g…"]),
    ("model.completed", ["Port 8080.", "⠋ 0 ms · writing · turn 2 · 240 tokens · $0.0002 · openai:g…"]),
    ("run.completed", ["Port 8080.", "⠋ 0 ms · writing · turn 2 · 240 tokens · $0.0002 · openai:g…"]),
]
"""The region after each event of the story."""


def test_the_region_follows_the_run() -> None:
    live, _ = view()
    seen = []
    for event in events():
        live.handle(event)
        seen.append((event.body.type, region(live)))
    assert seen == FRAMES


def test_time_moves_the_spinner() -> None:
    live, _ = view(glyphs=ASCII)
    clock: Any = live._look.now
    clock.seconds = 12.34
    assert region(live) == ["\\ 12 s - starting"]


def test_a_terminal_without_unicode_gets_no_character_that_would_be_escaped() -> None:
    live, _ = view(glyphs=ASCII, columns=30)
    for event in events()[:5]:
        live.handle(event)
    live.handle(events([(ModelDelta("caf\u00e9 \u4e2d\u2026", 0), 1, "")])[0])
    assert region(live) == ["caf? ?~", "| 0 ms - writing - turn 1 - 1~"]


def test_only_the_end_of_a_long_answer_is_shown() -> None:
    live, _ = view()
    for number in range(500):
        live.handle(events([(ModelDelta(f"word{number} ", number), 1, "")])[0])
    shown = region(live)
    assert len(shown) == 11
    assert shown[-2].endswith("word499 ")
    assert max(len(line) for line in shown) <= 60


def test_text_of_a_model_is_neither_markup_nor_a_command() -> None:
    live, stream = view()
    live.handle(events([(ModelDelta("\x1b[2J[bold]x[/bold] :smile: \u202e", 0), 1, "")])[0])
    assert region(live)[0] == "[bold]x[/bold] :smile: \\u202e"
    live.handle(events([(answered("\x1b]0;t\x07[red]y", READ), 1, "")])[0])
    assert stream.getvalue() == "[red]y\n"


def test_what_is_over_stays_and_the_region_goes() -> None:
    live, stream = view()
    with live:
        for event in events():
            live.handle(event)
    text = stream.getvalue()
    assert text.count('✓ read_lines(path="server.py", start=1, end=20)  12 ms\n') == 1
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K") or text.rstrip().endswith("\x1b[2K")


def test_a_question_is_asked_on_a_still_screen() -> None:
    live, stream = view()
    with live:
        with live.paused():
            before = stream.getvalue()
            assert before.count("\x1b[?25h") == 1
        assert stream.getvalue().count("\x1b[?25l") == 2


@pytest.mark.parametrize("color", [True, False])
def test_colour_is_used_where_it_is_on(color: bool) -> None:
    live, stream = view(color=color)
    live.handle(events()[0])
    assert ("\x1b[1m" in stream.getvalue()) or not color


def test_an_unknown_price_is_said() -> None:
    live, _ = view(columns=100)
    live.handle(events([(answered("x", cost_usd=None), 1, "")])[0])
    assert region(live) == ["⠋ 0 ms · working · 120 tokens · price unknown · openai:gpt-5-mini"]
