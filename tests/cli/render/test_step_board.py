"""What has become of each step, how far the workflow is, and for how long it will go on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agentcli.cli.render.run_clock import RunClock
from agentcli.cli.render.step_board import Board
from agentcli.core.events import RunForked, RunResumed, StepCompleted, StepFailed, StepStarted
from agentcli.core.outlines import StepOutline
from tests.cli.events import DIGEST
from tests.cli.steps import BROKEN, NESTED, STEPS, Told, happened, outlined, prompted


def board_after(told: Sequence[Told], *, seconds: float = 1.0) -> Board:
    board = Board()
    for event in happened(told, seconds=seconds):
        board.take(event)
    return board


def test_every_step_has_its_state_and_its_reason() -> None:
    board = board_after(STEPS)
    assert [(row.path, row.state, row.reason, row.seconds(99)) for row in board.rows] == [
        ("list", "completed", "", 4.0),
        ("check", "completed", "", 22.0),
        ("send", "failed", "The call was no success. It is down.", 5.0),
        ("tell", "skipped", "It needs `send`, which failed.", None),
        ("never", "skipped", "Its `when` is false.", None),
        ("sum", "cancelled", "The workflow was stopped.", None),
    ]
    check = board.row("check")
    assert (check.items, check.over, check.failed, check.tokens) == (3, 3, 1, 240)
    assert (board.steps, board.done, board.tokens, board.cost_usd) == ((6, 6), 1.0, 360, pytest.approx(0.0003))


def test_a_step_that_waits_for_a_slot_is_not_running() -> None:
    board = board_after([(outlined("a"), ""), (StepStarted("prompt"), "step.a")])
    assert board.row("a").state == "pending"
    assert board_after([(outlined("a"), ""), *prompted("step.a", "x")[:2]]).row("a").state == "running"


def test_a_nested_workflow_has_rows_below_its_step() -> None:
    board = board_after(NESTED)
    assert [(row.path, row.depth, row.state, row.passes) for row in board.rows] == [
        ("each", 0, "running", 0),
        ("each.ask", 1, "running", 1),
        ("last", 0, "pending", 0),
    ]
    assert (board.row("each").tokens, board.row("each.ask").tokens) == (240, 240)
    assert board.around(board.rows[1]) is board.rows[0]
    assert (board.steps, board.done) == ((0, 2), 0.25)


def test_a_second_step_of_a_nested_workflow_stands_below_the_first() -> None:
    told = [(StepStarted("workflow"), "step.a"), *prompted("step.a/step.x", "1"), *prompted("step.a/step.y", "2")]
    board = board_after([(outlined("a", "b"), ""), *told])
    assert [row.path for row in board.rows] == ["a", "a.x", "a.y", "b"]


def test_a_record_that_does_not_say_which_steps_there_are_shows_those_that_begin() -> None:
    board = board_after([(outlined(), ""), *prompted("step.a", "1"), *prompted("step.b", "2")])
    assert ([row.path for row in board.rows], board.steps) == (["a", "b"], (2, 2))
    assert Board().done == 0.0


def items(number: int, done: int) -> list[Told]:
    told: list[Told] = [(outlined(StepOutline("a", items=number)), ""), (StepStarted("prompt", number), "step.a")]
    for item in range(1, done + 1):
        told += prompted(f"step.a/item.{item}", "x")
    return told


def test_the_rate_and_the_time_left_come_from_what_was_done() -> None:
    board = board_after(items(10, 4), seconds=0.5)
    assert board.seconds == 12.5
    assert board.rate(12.5) == pytest.approx(4 / 12.5)
    assert board.left(12.5) == pytest.approx(6 * 12.5 / 4)


def test_too_little_says_nothing_of_the_rate() -> None:
    assert board_after(items(10, 2)).rate(10.0) is None
    assert board_after(items(10, 2)).left(10.0) is None


def test_a_list_of_unknown_length_leaves_the_end_open() -> None:
    steps = (*(f"s{number}" for number in range(4)), StepOutline("each", items=None))
    told = [one for number in range(4) for one in prompted(f"step.s{number}", "x")]
    board = board_after([(outlined(*steps), ""), *told])
    assert board.rate(30.0) is not None
    assert board.left(30.0) is None
    known = board_after([(outlined(*steps), ""), *told, (StepStarted("prompt", 8), "step.each")])
    assert known.left(30.0) == pytest.approx(8 * 30.0 / 4)


def test_an_empty_list_is_nothing_to_wait_for() -> None:
    told: list[Told] = [(StepStarted("prompt", 0), "step.a"), (StepCompleted([]), "step.a")]
    board = board_after([(outlined(StepOutline("a", items=None)), ""), *told])
    assert (board.done, board.left(9.0)) == (1.0, None)


@pytest.mark.parametrize("marker", [RunResumed(DIGEST, {}), RunForked("r", 3, DIGEST, {})])
def test_what_is_from_the_record_does_not_make_it_fast(marker: RunResumed | RunForked) -> None:
    told = items(20, 10)
    more = [one for item in range(11, 14) for one in prompted(f"step.a/item.{item}", "x")]
    board = board_after([*told, (marker, ""), *more])
    begun = float(len(told) - 1)
    assert board.rate(begun + 6.0) == pytest.approx(3 / 6.0)


def test_limits_are_those_in_force() -> None:
    started = outlined("a", limits={"tokens": 100, "cost_usd": 0.5})
    assert board_after([(started, "")]).limits == {"tokens": 100, "cost_usd": 0.5}
    raised = RunResumed(DIGEST, {"limits": {"tokens": 900, "cost_usd": None}})
    assert board_after([(started, ""), (raised, "")]).limits == {"tokens": 900}


def test_a_price_that_is_not_known_makes_the_sum_unknown() -> None:
    told = [(outlined("a"), ""), *prompted("step.a", "x", cost_usd=None)]
    assert (board_after(told).cost_usd, board_after(told).row("a").cost_usd) == (None, None)


def test_a_step_that_is_done_again_is_not_over() -> None:
    told: list[Told] = [*prompted("step.a/step.x", "1")[:-1], (StepFailed(BROKEN, "stop"), "step.a/step.x")]
    again = prompted("step.a/attempt.2/step.x", "1")
    board = board_after([(outlined("a"), ""), (StepStarted("workflow"), "step.a"), *told, *again[:3]])
    assert (board.row("a.x").state, board.row("a.x").seconds(20.0)) == ("running", 17.0)


def test_no_time_passes_between_two_eras() -> None:
    events = happened([(outlined("a"), ""), *prompted("step.a", "x"), (RunResumed(DIGEST, {}), "")])
    clock = RunClock()
    assert [clock.at(event) for event in events] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0]
