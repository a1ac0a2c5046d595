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
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
    TurnStarted,
)
from agentcli.core.runs import RunRow, RunStatus
from agentcli.errors import ErrorInfo
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
from tests.cli.steps import NESTED, STEPS, Told, asked, failing, happened, outlined, prompted


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


WORKFLOW = f"""\
{RUN}  failed
workflow notes
model    openai:gpt-5-mini
started  {local_time(STARTED)} (3 min ago)
used     3.2 s · 2 turns · 240 tokens (200 in, 40 out) · $0.0002
"""


def workflow(status: RunStatus = "failed") -> RunRow:
    return row(status, kind="workflow", name="notes", task="")


def test_a_workflow_is_a_tree_of_its_steps() -> None:
    assert shown(workflow(), happened(STEPS)) == (
        WORKFLOW
        + """\
steps    1 failed, 1 cancelled, 2 skipped, 2 completed

    2  ✓ list  completed in 4.0 s · 120 tokens · $0.0001
    6  └─ turn 1  1.2 s · 120 tokens · $0.0001
    8  ○ never  skipped: Its `when` is false.
    9  ✓ check  completed in 22 s · 3 items · 240 tokens · $0.0002
   10  ├─ ✓ item 1  completed in 4.0 s · 120 tokens · $0.0001
   15  │  └─ turn 1  1.2 s · 120 tokens · $0.0001
   11  ├─ ✗ item 2  failed in 4.0 s · 120 tokens · $0.0001: The call was no success. It is down.
   20  │  └─ turn 1  1.2 s · 120 tokens · $0.0001
   22  └─ ○ item 3  skipped: Its `when` is false.
   23  ✗ send  failed in 5.0 s: The call was no success. It is down.
   25  ├─ ✗ read_lines(path="server.py", start=1, end=20)  error, 12 ms
       │    It is down.
   26  ├─ try 1 failed, the next one after 2.0 s: The call was no success. It is down.
   27  └─ try 2
   28     └─ ✗ read_lines(path="server.py", start=1, end=20)  error, 12 ms
               It is down.
   30  ○ tell  skipped: It needs `send`, which failed.
   32  ✗ sum  cancelled: The workflow was stopped.

error: 1 of 6 steps failed. (E-STEPS-FAILED)
  why: `send`: The call was no success.
  fix: Resume it.
"""
    )


def test_nested_steps_and_their_turns_stay_apart_though_their_numbers_are_the_same() -> None:
    text = shown(workflow("interrupted"), happened(NESTED))
    assert (
        text.split("\n\n", 1)[1]
        == """\
    2  · each  not finished · 2 items · 240 tokens · $0.0002
    3  ├─ ✓ item 1  completed in 8.0 s · 120 tokens · $0.0001
    4  │  └─ ✓ ask  completed in 4.0 s · 120 tokens · $0.0001
    8  │     └─ turn 1  1.2 s · 120 tokens · $0.0001
   10  └─ · item 2  not finished · 120 tokens · $0.0001
   12     └─ · ask  not finished · 120 tokens · $0.0001
   16        └─ turn 1  1.2 s · 120 tokens · $0.0001
       1 step not begun: last
"""
    )
    assert "· each  running · 2 items" in shown(workflow("running"), happened(NESTED))


def test_full_shows_what_items_said_and_what_a_nested_workflow_gave() -> None:
    told = [
        (StepStarted("workflow"), "step.a"),
        *prompted("step.a/step.x", "hello"),
        (StepCompleted({"n": 1}), "step.a"),
    ]
    text = shown(workflow("completed"), happened([(outlined("a"), ""), *told]), full=True)
    assert (
        text.split("\n\n", 1)[1]
        == """\
    2  ✓ a  completed in 7.0 s · 120 tokens · $0.0001
          {
            "n": 1
          }
    3  └─ ✓ x  completed in 4.0 s · 120 tokens · $0.0001
    7     └─ turn 1  1.2 s · 120 tokens · $0.0001
    7        └─ said
                  hello
"""
    )


def test_a_long_list_is_folded_but_for_what_failed() -> None:
    told: list[Told] = [(outlined("a"), ""), (StepStarted("prompt", 40), "step.a")]
    for item in range(1, 41):
        told += [failing(f"step.a/item.{item}")] if item == 33 else prompted(f"step.a/item.{item}", "x")
    told += [(StepCompleted([]), "step.a")]
    lines = shown(workflow(), happened(told)).splitlines()
    assert [line[7:20].rstrip("c ") for line in lines if " item " in line] == [
        *(f"├─ ✓ item {number}" for number in range(1, 11)),
        "├─ ✗ item 33",
    ]
    assert lines[-1] == "       └─ … 29 more: 29 completed (--full shows them)"
    full = shown(workflow(), happened(told), full=True)
    assert (full.count(" item "), full.count("more:")) == (40, 0)


def test_a_large_graph_is_folded_too() -> None:
    names = [f"s{number}" for number in range(2000)]
    told = [(outlined(*names), ""), *((StepSkipped("when", "No."), f"step.{name}") for name in names[:1990])]
    lines = shown(workflow("interrupted"), happened(told)).splitlines()
    assert len(lines) == 108
    assert lines[4] == "steps    10 not begun, 1,990 skipped"
    assert lines[-2:] == [
        "       … 1,890 more: 1,890 skipped (--full shows them)",
        "       10 steps not begun: s1990, s1991, s1992, s1993, s1994, s1995, s1996, s1997, s1998, s1999",
    ]


def test_rounds_are_told_apart() -> None:
    told = [(StepStarted("prompt"), "step.a"), *asked("step.a/round.1", "x"), *asked("step.a/round.2", "y")]
    lines = shown(workflow("completed"), happened([(outlined("a"), ""), *told])).splitlines()
    assert [line[7:] for line in lines[-4:]] == [
        "├─ round 1  120 tokens · $0.0001",
        "│  └─ turn 1  1.2 s · 120 tokens · $0.0001",
        "└─ round 2  120 tokens · $0.0001",
        "   └─ turn 1  1.2 s · 120 tokens · $0.0001",
    ]


def test_a_step_that_is_done_again_after_the_run_was_gone_on_with_did_not_fail() -> None:
    failed = [(StepStarted("prompt"), "step.a"), *asked("step.a", "x")[:2], failing("step.a", "stop")]
    told = [(outlined("a"), ""), *failed, (RunResumed(DIGEST, {}), ""), *asked("step.a", "x")[1:]]
    lines = shown(workflow("running"), happened(told)).splitlines()
    assert [line[7:] for line in lines[-3:]] == [
        "· a  running · 120 tokens · $0.0001",
        "└─ turn 1  1.2 s · 120 tokens · $0.0001",
        "resumed",
    ]
    done = happened([*told, (StepCompleted("x"), "step.a")])
    assert "✓ a  completed in 6.0 s" in shown(workflow("completed"), done)
    assert "✗ a  failed in 2.0 s" in shown(workflow("running"), done[:6])


def test_names_and_reasons_of_steps_are_safe() -> None:
    hostile = "\x1b[2J\x1b]0;t\x07a\u202e\nb"
    error = ErrorInfo("E-X", hostile, hostile, "")
    told = [
        (outlined(hostile, "never"), ""),
        (StepRetried(1, error, 0.0), f"step.{hostile}"),
        failing(f"step.{hostile}"),
    ]
    text = shown(workflow(), happened([*told, (StepFailed(error, "stop"), "step.b")]), width=60)
    assert not set("\x1b\x07\u202e") & set(text)
    assert max(map(len, text.splitlines())) <= 60
    assert len(text.splitlines()) == 12


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
