"""One run of a workflow, shown whole."""

from __future__ import annotations

from agentcli.cli.render.quantity import local_time
from agentcli.core.events import (
    RunResumed,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
)
from agentcli.core.runs import RunRow, RunStatus
from agentcli.errors import ErrorInfo
from tests.cli.events import DIGEST, RUN, STARTED, row
from tests.cli.render.test_run_tree import shown
from tests.cli.steps import NESTED, STEPS, Told, asked, failing, happened, outlined, prompted

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
