"""One run, shown whole."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.cli.render.quantity import local_time
from agentcli.cli.render.run_tree import RunTree
from agentcli.core.events import (
    ApprovalRequested,
    Body,
    Event,
    RunForked,
    RunResumed,
    TurnStarted,
)
from agentcli.core.runs import RunRow
from tests.cli.events import (
    DIGEST,
    FAULT,
    FLAGS,
    GREP,
    ONE_OF_EACH,
    READ,
    RUN,
    STARTED,
    STORY,
    answered,
    done,
    events,
    model_started,
    row,
    run_completed,
    run_started,
    started,
)


def shown(run: RunRow, happened: list[Event], *, full: bool = False, width: int | None = None) -> str:
    out = Printer(io.StringIO(), terminal=True, color=False, width=width, glyphs=UNICODE)
    RunTree(out, now=STARTED + 180, full=full).show(run, happened)
    assert isinstance(out.stream, io.StringIO)
    return out.stream.getvalue()


HEAD = f"""\
{RUN}  completed
agent    reader
model    openai:gpt-5-mini
started  {local_time(STARTED)} (3 min ago)
used     3.2 s · 2 turns · 240 tokens (200 in, 40 out) · $0.0002
task     Which port?
"""


def test_a_run_is_a_tree_of_its_turns() -> None:
    assert shown(row(), events()) == (
        HEAD
        + """
    5  turn 1  1.2 s · 120 tokens · $0.0001
    4  ├─ tried again after 2.0 s: 429 Too Many Requests
    5  ├─ said
       │    Let me look.
    8  ├─ ✗ grep_file(path="nope.py", pattern="port")  error, 12 ms
       │    E-FILE-MISSING: nope.py is not there
       │    look again
    9  └─ ✓ read_lines(path="server.py", start=1, end=20)  12 ms
   14  turn 2  1.2 s · 120 tokens · $0.0001

answer
  Port 8080.
"""
    )


def test_full_shows_what_the_tools_and_the_model_said() -> None:
    assert shown(row(), events(), full=True) == (
        HEAD
        + """
    5  turn 1  1.2 s · 120 tokens · $0.0001
    4  ├─ tried again after 2.0 s: 429 Too Many Requests
    5  ├─ said
       │    Let me look.
    8  ├─ ✗ grep_file(path="nope.py", pattern="port")  error, 12 ms
       │    E-FILE-MISSING: nope.py is not there
       │    look again
    9  └─ ✓ read_lines(path="server.py", start=1, end=20)  12 ms
            1 port = 8080
            2 host = ''
   14  turn 2  1.2 s · 120 tokens · $0.0001
   14  └─ said
            Port 8080.

answer
  Port 8080.
"""
    )


def story(*bodies: Body, last: Body | None = None, **changes: Any) -> list[Event]:
    turn = [(body, 1, f"turn.1/{body.type}" if body.type.startswith("tool") else "turn.1") for body in bodies]
    return events([(run_started(**changes), None, ""), *turn, *([(last, None, "")] if last else [])])


def test_an_interrupted_run_shows_what_was_under_way() -> None:
    happened = story(TurnStarted(), model_started(), answered("", READ), started(READ), inputs={"topic": "ports"})
    text = shown(row("interrupted", parent="20261120-000000-aaaaaa", relation="fork", cut=7), happened)
    assert (
        text
        == f"""\
{RUN}  interrupted
agent    reader
model    openai:gpt-5-mini
started  {local_time(STARTED)} (3 min ago)
parent   ⑂ 20261120-000000-aaaaaa@7
task     Which port?
inputs   topic="ports"

    4  turn 1  1.2 s · 120 tokens · $0.0001
    5  └─ read_lines(path="server.py", start=1, end=20)  not finished
"""
    )


def test_a_call_that_was_still_asked_about_is_shown() -> None:
    asked = ApprovalRequested(READ.name, READ.id, READ.arguments, "read_lines")
    happened = events([(run_started(), None, ""), (TurnStarted(), 1, "turn.1"), (asked, 1, "turn.1/call.1")])
    text = shown(row("cancelled"), happened)
    assert text.endswith('└─ read_lines(path="server.py", start=1, end=20)  not begun\n')


def test_a_failed_run_ends_with_its_error() -> None:
    failed = next(body for body in ONE_OF_EACH if body.type == "model.failed")
    text = shown(row("failed"), story(TurnStarted(), failed, last=run_completed(None, FAULT, 7)))
    assert (
        text.split("\n\n", 1)[1]
        == """\
    2  turn 1
    3  └─ no model answered: The server does not answer.

error: The server does not answer. (E-MODEL-UNREACHABLE)
  why: Connection refused.
  fix: Start it.
"""
    )


def test_everything_else_that_happens_in_a_turn_has_its_line() -> None:
    kinds = ("model.fallback", "approval.resolved", "limit.reached", "warning")
    bodies = [body for kind in kinds for body in ONE_OF_EACH if body.type == kind]
    text = shown(row(), story(TurnStarted(), *bodies, answered("x", GREP, cost_usd=None, attempts=3)))
    assert (
        text.split("\n\n", 1)[1]
        == """\
    7  turn 1  1.2 s · 120 tokens · price unknown · 3 attempts
    3  ├─ went on with local:coder-1.5b: 503
    4  ├─ asked about create_file: no by user: not there
    5  ├─ limit reached: turns (20 of 20)
    6  ├─ warning: The answer was cut. (W-OUTPUT-CUT)
    7  └─ said
            x
"""
    )


def test_a_long_answer_is_cut_and_says_so() -> None:
    answer = "\n".join(f"line {number}" for number in range(25))
    text = shown(row(), story(last=run_completed(answer)))
    assert text.endswith("  line 19\n  … 5 more lines: --full shows them\n")
    assert shown(row(), story(last=run_completed(answer)), full=True).endswith("  line 24\n")


def test_a_long_result_of_a_failed_call_is_cut() -> None:
    noise = "\n".join("x" * 500 for _ in range(9))
    bad = next(body for body, _, _ in STORY if body.type == "tool.completed")
    text = shown(row(), story(type(bad)("grep_file", "c2", "error", noise, None, 0.0)), width=60)
    assert max(len(line) for line in text.splitlines()) <= 60
    assert "… 6 more lines" in text


def test_tags_are_shown() -> None:
    tagged = row()
    text = shown(RunRow(tagged.start, tagged.status, tagged.end, ("nightly", "slow")), [])
    assert "tags     nightly, slow\n" in text


def test_where_a_run_was_taken_up_stands_in_its_turn() -> None:
    forked = RunForked("20261120-000000-aaaaaa", 5, DIGEST, {"models": ["b:two"], "workspace": "w"})
    happened = events([*STORY[:5], (forked, None, ""), *STORY[5:9], (RunResumed(DIGEST, {}), None, ""), *STORY[9:]])
    text = shown(row(), happened)
    assert "    6  ├─ ⑂ 20261120-000000-aaaaaa@5 with models changed\n" in text
    assert "   11  └─ resumed\n   16  turn 2" in text


def test_one_that_had_not_come_to_a_turn_says_so_before_the_first() -> None:
    story = [*STORY[:1], (run_completed(None, FAULT, 7), None, ""), (RunResumed(DIGEST, {"limits": {}}), None, "")]
    text = shown(row("running"), events([*story, *STORY[1:3]]))
    assert "task     Which port?\n\n    3  resumed with limits changed\n    4  turn 1\n" in text
    assert FAULT.what not in text


def test_a_failure_that_was_superseded_is_not_the_end() -> None:
    story = [*STORY[:3], (run_completed(None, FAULT, 7), None, ""), (RunResumed(DIGEST, {}), None, "")]
    assert FAULT.what not in shown(row("running"), events(story))


def test_a_child_names_its_parent() -> None:
    assert f"parent   {RUN} (child)\n" in shown(row(parent=RUN, relation="child"), [])


def flagged_call() -> list[Event]:
    flagged = replace(done(READ), flags=FLAGS)
    return events([(TurnStarted(), 1, "turn.1"), (started(READ), 1, "turn.1"), (flagged, 1, "turn.1")])


def test_a_result_that_reads_like_instructions_says_so() -> None:
    assert shown(row(), flagged_call()).splitlines()[-2:] == [
        '    3  └─ ✓ read_lines(path="server.py", start=1, end=20)  12 ms',
        "            reads like instructions: override (2), persona",
    ]


def test_full_shows_where_a_result_reads_like_instructions() -> None:
    lines = [line.strip() for line in shown(row(), flagged_call(), full=True).splitlines()]
    at = lines.index("reads like instructions: override (2), persona")
    assert lines[at + 1 : at + 4] == [
        "override at 12: ignore it all",
        "persona at 40: you are",
        "override at 90: forget",
    ]
