"""A run in short lines, for pipes and logs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agentcli.cli.render.printer import ASCII, UNICODE, Glyphs, Printer
from agentcli.cli.render.progress_lines import LineSink, summary
from agentcli.core.events import ApprovalResolved, Body, RunForked, RunResumed, StepCancelled, StepFailed, StepStarted
from agentcli.core.models import Usage
from agentcli.errors import ErrorInfo
from tests.cli.events import DIGEST, FLAGS, ONE_OF_EACH, READ, STORY, done, events, run_completed, started
from tests.cli.steps import NESTED, STEPS, Told, happened, outlined, prompted


def printer(*, color: bool = False, width: int | None = None) -> Printer:
    return Printer(io.StringIO(), terminal=False, color=color, width=width, glyphs=UNICODE)


def lines(bodies: list[tuple[Body, int | None, str]], err: Printer, *, detail: bool = False) -> str:
    sink = LineSink(err, detail=detail)
    for event in events(bodies):
        sink.handle(event)
    assert isinstance(err.stream, io.StringIO)
    return err.stream.getvalue()


def test_a_run_is_a_line_for_each_thing_that_is_over() -> None:
    assert lines(list(STORY), printer()) == (
        "reader with openai:gpt-5-mini\n"
        "trying again in 2.0 s: 429 Too Many Requests\n"
        "Let me look.\n"
        '✗ grep_file(path="nope.py", pattern="port")  error, 12 ms\n'
        "    E-FILE-MISSING: nope.py is not there\n"
        '✓ read_lines(path="server.py", start=1, end=20)  12 ms\n'
    )


def test_verbose_adds_the_results() -> None:
    assert lines(list(STORY), printer(), detail=True) == (
        "reader with openai:gpt-5-mini\n"
        "trying again in 2.0 s: 429 Too Many Requests\n"
        "Let me look.\n"
        '✗ grep_file(path="nope.py", pattern="port")  error, 12 ms\n'
        "    E-FILE-MISSING: nope.py is not there\n"
        "    look again\n"
        '✓ read_lines(path="server.py", start=1, end=20)  12 ms\n'
        "    1 port = 8080\n"
        "    2 host = ''\n"
    )


def test_what_else_can_happen() -> None:
    bodies: list[Body] = [
        *(body for body in ONE_OF_EACH if body.type in ("limit.reached", "warning")),
        ApprovalResolved("create_file", "c", "once", "flag"),
    ]
    assert lines([(body, None, "") for body in bodies], printer()) == (
        "limit reached: turns (20 of 20)\n"
        "warning: The answer was cut. Raise it. (W-OUTPUT-CUT)\n"
        "create_file: allowed by a flag\n"
    )


def test_a_fallback_names_the_next_model() -> None:
    fallback = next(body for body in ONE_OF_EACH if body.type == "model.fallback")
    assert lines([(fallback, 1, "")], printer()) == "going on with local:coder-1.5b: 503\n"


def test_calls_and_results_fit_the_terminal() -> None:
    long = done(READ, result="x" * 500)
    text = lines([(started(READ), 1, ""), (long, 1, "")], printer(width=40), detail=True)
    assert text == '✓ read_lines(path="server.py",…  12 ms\n    ' + "x" * 35 + "…\n"


def test_colour_is_used_where_it_is_on() -> None:
    assert lines(list(STORY[:1]), printer(color=True)) == "\x1b[1mreader with openai:gpt-5-mini\x1b[0m\n"


def told(story: Sequence[Told], *, detail: bool = False, glyphs: Glyphs = UNICODE) -> list[str]:
    """The lines of a workflow's run."""
    err = replace(printer(), glyphs=glyphs)
    sink = LineSink(err, detail=detail)
    for event in happened(story):
        sink.handle(event)
    assert isinstance(err.stream, io.StringIO)
    return err.stream.getvalue().splitlines()


def test_a_workflow_is_a_line_for_each_thing_that_becomes_of_a_step() -> None:
    assert told(STEPS) == [
        "notes with openai:gpt-5-mini",
        "· list  running",
        "✓ list  completed in 4.0 s · 120 tokens · $0.0001",
        "○ never  skipped: Its `when` is false.",
        "· check  running: 3 items",
        "✗ check[2]  failed: The call was no success. It is down.",
        "· send  running",
        'send: ✗ read_lines(path="server.py", start=1, end=20)  error, 12 ms',
        "    It is down.",
        "! send  try 1 failed, the next one in 2.0 s: The call was no success. It is down.",
        'send: ✗ read_lines(path="server.py", start=1, end=20)  error, 12 ms',
        "    It is down.",
        "✗ send  failed in 5.0 s: The call was no success. It is down.",
        "○ tell  skipped: It needs `send`, which failed.",
        "✓ check  completed in 22 s · 3 items (1 failed) · 240 tokens · $0.0002",
        "✗ 1 step cancelled before it had begun",
    ]


def test_detail_tells_every_item() -> None:
    lines = told(STEPS, detail=True)
    assert [line for line in lines if "check[" in line] == [
        "✓ check[1]  completed",
        "✗ check[2]  failed: The call was no success. It is down.",
        "○ check[3]  skipped: Its `when` is false.",
    ]


def test_nested_steps_have_their_whole_path() -> None:
    assert told(NESTED) == [
        "notes with openai:gpt-5-mini",
        "· each  running: 2 items",
        "· each.ask  running",
        "✓ each[1].ask  completed in 4.0 s · 120 tokens · $0.0001",
    ]


def test_a_step_that_was_at_work_when_all_was_stopped_says_so_and_the_others_are_counted() -> None:
    stopped = StepCancelled("The workflow was stopped.")
    story = [(outlined("a", "b", "c"), ""), *prompted("step.a", "x")[:3]]
    story += [(stopped, f"step.{name}") for name in "abc"]
    assert told([*story, (run_completed(None), "")], glyphs=ASCII)[1:] == [
        "- a  running",
        "x a  cancelled in 2.0 s: The workflow was stopped.",
        "x 2 steps cancelled before they had begun",
    ]


def test_lines_of_steps_are_safe_and_each_is_one() -> None:
    error = ErrorInfo("E-X", "a\nb\x1b[2J", "", "")
    lines = told(
        [(outlined("a"), ""), (StepFailed(error, "continue"), "step.a"), (StepStarted("tool", 1), "step.\x1b[2Jb\n")]
    )
    assert lines[1:] == ["✗ a  failed: a b", "· b  running: 1 item"]


class _Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_stderr_does_not_stop_the_run() -> None:
    sink = LineSink(replace(printer(), stream=_Closed()))
    for event in events():
        sink.handle(event)


@pytest.mark.parametrize(("cost", "shown"), [(0.0, ""), (0.0012, " - $0.0012"), (None, " - price unknown")])
def test_the_summary_is_one_line(cost: float | None, shown: str) -> None:
    line = summary(
        status="completed", duration_s=3.2, turns=1, usage=Usage(3, 4), cost_usd=cost, run="20261121", glyphs=ASCII
    )
    assert line == f"completed in 3.2 s - 1 turn - 7 tokens{shown} - 20261121"


def test_going_on_and_forking_are_told() -> None:
    bodies: list[Body] = [
        RunResumed(DIGEST, {}),
        RunResumed(DIGEST, {"limits": {"turns": 9}, "models": []}),
        RunForked("20261120-000000-aaaaaa", 12, DIGEST, {"workspace": "w"}),
        RunForked("20261120-000000-aaaaaa", 12, DIGEST, {"workspace": "/w/.agentcli/workspaces/\x1b[2Jid"}),
        RunForked("20261120-000000-\x1b[2Jaaaaaa", 12, DIGEST, {"x" * 200: 1, "\x1b[2J": 2}),
    ]
    told = lines([(body, None, "") for body in bodies], printer())
    assert told == (
        "resumed\n"
        "resumed with limits, models changed\n"
        "⑂ 20261120-000000-aaaaaa@12\n"
        "⑂ 20261120-000000-aaaaaa@12\n"
        "    its files: /w/.agentcli/workspaces/id\n"
        f"⑂ 20261120-000000-aaaaaa@12 with {'x' * 39}…,  changed\n"
    )


def test_a_fork_can_be_said_in_ascii() -> None:
    err = Printer(io.StringIO(), terminal=False, color=False, width=None, glyphs=ASCII)
    assert lines([(RunForked("20261120-000000-aaaaaa", 12, DIGEST, {}), None, "")], err) == (
        "fork 20261120-000000-aaaaaa@12\n"
    )


def test_a_result_that_reads_like_instructions_says_so() -> None:
    flagged = replace(done(READ), flags=FLAGS)
    assert lines([(started(READ), 1, "turn.1/call.1"), (flagged, 1, "turn.1/call.1")], printer()) == (
        '✓ read_lines(path="server.py", start=1, end=20)  12 ms\n    reads like instructions: override (2), persona\n'
    )
