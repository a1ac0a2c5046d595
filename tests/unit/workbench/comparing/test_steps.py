"""What happened in a run, as steps."""

from __future__ import annotations

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    ClockRead,
    EffectKey,
    InputRead,
    LimitReached,
    ModelFailed,
    ModelRetried,
    RandomDrawn,
    RunResumed,
    StepCompleted,
    StepFailed,
    StepSkipped,
    StepStarted,
    ToolStarted,
    Warned,
)
from agentcli.core.messages import ToolCall
from agentcli.errors import ErrorInfo
from agentcli.workbench.comparing.steps import Step, steps_of
from tests.fakes.compared import Told
from tests.fakes.journal import InMemoryJournal

FAULT = ErrorInfo("E-MODEL-UNREACHABLE", "The server does not answer.")


def told() -> Told:
    return Told(InMemoryJournal())


def steps(told: Told) -> list[Step]:
    return steps_of(told.log.events)


def names(told: Told) -> list[str]:
    return [f"{step.kind} {step.name} {step.lane}".strip() for step in steps(told)]


def test_answers_and_calls_are_steps() -> None:
    run = told()
    run.looks("read_lines", "1: x", path="a")
    run.turn_of("Done.")
    assert names(run) == ["model model turn.1", "tool read_lines turn.1/call.1", "model model turn.2"]
    asked, read, answer = steps(run)
    assert asked.parts["calls"] == [{"name": "read_lines", "arguments": {"path": "a"}}]
    assert read.parts == {"arguments": {"path": "a"}, "status": "ok", "result": "1: x", "data": None, "files": {}}
    assert answer.parts["answer"] == "Done."


def test_parallel_calls_stand_in_the_order_in_which_they_were_asked_for() -> None:
    run = told()
    made = run.turn_of("", *(("read_lines", {"path": str(n)}) for n in range(11)))
    for call in reversed(made):
        run.result(call, "x")
    assert [step.parts["arguments"]["path"] for step in steps(run)[1:]] == [str(n) for n in range(11)]


def test_what_is_other_in_every_run_is_no_part_of_a_step() -> None:
    run = told()
    key = run.asks()
    run.add(ModelRetried("429", 1.0), key.lane, turn=1)
    run.add(ClockRead(5.0), "", key=EffectKey("", "clock", "now", 0), request="0" * 64, result="0" * 64)
    [step] = steps(run)
    assert step.parts == {"outcome": "not finished"}


def test_an_answer_says_which_model_gave_it_where_it_was_not_the_first_and_when_it_was_cut() -> None:
    run = told()
    run.turn_of("One.")
    run.turn_of("Two.", model="local:small", finish_reason="length")
    one, two = steps(run)
    assert (one.parts["fallback"], one.parts["stopped"]) == (None, None)
    assert (two.parts["fallback"], two.parts["stopped"]) == ("local:small", "length")


def test_a_failure_is_the_outcome_of_its_step() -> None:
    run = told()
    key = run.asks()
    run.add(ModelFailed(FAULT, 7), key.lane, turn=1, key=key, request="1" * 64, result="2" * 64)
    [step] = steps(run)
    assert step.parts == {"outcome": "failed", "error": FAULT.to_json()}


def test_a_deadline_is_the_outcome_of_what_it_stopped() -> None:
    run = told()
    key = run.asks()
    run.add(LimitReached("seconds", 3.21, 3.0), key.lane, turn=1, key=key, request="1" * 64, result="2" * 64)
    [step] = steps(run)
    assert step.parts["event"] == {"type": "limit.reached", "limit": "seconds", "allowed": 3.0}
    call = EffectKey("turn.1/call.1", "tool", "fetch_url", 0)
    run.add(ToolStarted("fetch_url", "c1", {}), call.lane, turn=1, key=call, request="1" * 64)
    run.add(LimitReached("seconds", 3.21, 3.0), call.lane, turn=1, key=call, request="1" * 64, result="2" * 64)
    assert steps(run)[1].parts["status"] == {"type": "limit.reached", "limit": "seconds", "allowed": 3.0}


def test_an_approval_is_part_of_its_call() -> None:
    run = told()
    lane = "turn.1/call.1"
    run.add(ApprovalRequested("create_file", "c1", {"path": "a"}, "create_file"), lane, turn=1)
    assert steps(run)[0].parts["status"] == "not begun"
    run.add(ApprovalResolved("create_file", "c1", "once", "user"), lane, turn=1)
    run.add(ToolStarted("create_file", "c1", {"path": "a"}), lane, turn=1)
    assert steps(run)[0].parts == {
        "arguments": {"path": "a"},
        "approval": {"rule": "create_file", "decision": "once", "by": "user", "reason": ""},
        "status": "not finished",
    }


def test_an_approval_by_a_flag_stands_before_its_call() -> None:
    run = told()
    run.add(ApprovalResolved("create_file", "c1", "once", "flag", "create_file"), "turn.1/call.1", turn=1)
    run.turn = 1
    run.result(ToolCall("x-1-1", "create_file", {"path": "a"}), "done")
    [step] = steps(run)
    assert step.parts["approval"]["by"] == "flag"


def test_what_stopped_a_run_that_went_on_is_no_step_of_it() -> None:
    run = told()
    key = run.asks()
    run.add(ModelFailed(FAULT, 7), key.lane, turn=1, key=key, request="1" * 64, result="2" * 64)
    run.add(LimitReached("turns", 1, 1))
    assert names(run) == ["model model turn.1", "event limit.reached"]
    run.add(RunResumed(run.manifest, {"limits": {"turns": 5}}))
    run.turn, run.previous = 0, None
    run.turn_of("At last.")
    [step] = steps(run)
    assert step.parts["answer"] == "At last."


def test_everything_else_on_record_is_a_step_of_its_own() -> None:
    run = told()
    run.add(InputRead("rows.jsonl", [1]), "", key=EffectKey("", "input", "rows", 0), result="0" * 64)
    run.add(RandomDrawn(7), "", key=EffectKey("", "random", "bits", 0), result="0" * 64)
    run.add(Warned("W-OUTPUT-CUT", "Cut.", "Raise it."))
    run.add(StepSkipped("when", "Its `when` is false."), "step.draft")
    assert names(run) == [
        "input rows.jsonl",
        "random random.drawn",
        "event warning",
        "event step.skipped step.draft",
    ]
    assert steps(run)[1].parts == {"value": 7}
    said = {"type": "step.skipped", "because": "when", "reason": "Its `when` is false."}
    assert steps(run)[3].parts == {"event": said}


def test_a_step_of_a_workflow_that_came_to_its_end_after_all_is_told_by_what_was_done_in_it() -> None:
    run = told()
    run.add(StepStarted("tool"), "step.draft")
    run.add(StepFailed(FAULT, "stop"), "step.draft")
    assert names(run) == ["event step.failed step.draft"]
    run.add(RunResumed("0" * 64, {}))
    run.add(StepCompleted("done"), "step.draft")
    assert names(run) == []


def test_a_thread_is_a_lane_without_its_numbers() -> None:
    run = told()
    for lane in ("draft/turn.1", "draft/turn.1/call.2", "draft/turn.12/repair", "turn.1"):
        run.add(Warned("W-X", "x", "y"), lane)
    assert [step.thread for step in steps(run)] == ["draft", "draft", "draft", ""]
