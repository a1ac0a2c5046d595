"""A run for each of many rows: its bar, its lines, and what is shown of it afterwards."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest

from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.cli.render.progress_lines import LineSink
from agentcli.cli.render.row_board import RowBoard
from agentcli.cli.render.run_tree import RunTree
from agentcli.core.events import RunResumed, UnknownBody, read_body
from agentcli.core.runs import RunStatus
from tests.cli.events import DIGEST, STARTED, row, run_completed
from tests.cli.render.test_live_steps import Seen
from tests.cli.rows import began, begun, ended, read, run_of, unable
from tests.cli.steps import Told, happened, outlined


def board_after(told: Sequence[Told]) -> RowBoard:
    board = RowBoard()
    for event in happened(told):
        board.take(event)
    return board


def test_rows_are_counted() -> None:
    told = [*began(9), begun(1), begun(2), begun(3), ended(2), ended(1, "failed"), *unable(4)]
    board = board_after(told)
    assert dict(board.states) == {"completed": 1, "failed": 2, "running": 1, "pending": 5}
    assert (board.over, board.done, board.tokens, board.cost_usd) == (3, pytest.approx(1 / 3), 200, 0.002)
    assert (board.failures[1].run, board.failures[4].run) == (run_of(1), None)


def test_a_row_that_is_tried_again_counts_once() -> None:
    told = [*began(2), begun(1), ended(1, "failed"), begun(2), ended(2), (RunResumed(DIGEST, {}, retries=True), "")]
    again = board_after([*told, begun(1), ended(1, attempt=2)])
    assert (dict(again.states), again.over) == ({"completed": 2}, 2)


def test_rate_and_time_left_count_from_when_the_rows_begin() -> None:
    told = [*began(20), *(one for number in range(1, 5) for one in (begun(number), ended(number)))]
    board = board_after(told)
    assert (board.seconds, board.rate(9.0), board.left(9.0)) == (9.0, 0.5, 32.0)
    raised = board_after([*told, (RunResumed(DIGEST, {"limits": {"tokens": 7, "seconds": None}}), "")])
    assert (raised.rate(99.0), raised.limits) == (None, {"tokens": 7})
    assert board_after([(outlined(), ""), read(1, 20, more=True), *told[2:]]).left(9.0) is None


def test_a_price_that_is_not_known_makes_the_sum_unknown() -> None:
    assert board_after([*began(1), begun(1), ended(1, cost_usd=None)]).cost_usd is None


# -- on a terminal --


def test_a_terminal_has_a_bar_and_figures() -> None:
    limits = {"tokens": 5000, "cost_usd": 1.0, "seconds": 60.0}
    told = [*began(1200, limits=limits), *(begun(number) for number in range(1, 9)), *map(ended, range(1, 6))]
    assert Seen(80).take([*told, ended(6, "failed")]).frame() == [
        "────────────────────  6 of 1,200 rows · 26/min · 46 min 26 s left",
        "⠋ 15 s of 1 min · 2 running · 1 failed · 600 of 5,000 tokens · $0.0060 of $1.00",
    ]
    assert Seen(30).take(told).frame() == ["──────────  5 of 1,200 rows ·…", "⠋ 14 s of 1 min · 3 running ·…"]


def test_while_rows_are_read_nothing_is_known_of_the_end() -> None:
    seen = Seen(60).take([(outlined(), ""), read(1, 1000, more=True)])
    assert seen.frame()[0] == "───────────────  reading: 1,000 rows so far"


def test_failed_rows_stay_above_the_bar_and_when_all_is_over_it_is_gone() -> None:
    seen = Seen(80).take([*began(3), begun(1), ended(1, "failed"), *unable(2), begun(3), ended(3)])
    assert seen.left == [
        "notes with openai:gpt-5-mini",
        "✗ row 1  failed: The call was no success. (E-STEP-CALL)",
        "✗ row 2  failed: There is no input `m`. (E-INPUT-UNKNOWN)",
    ]
    seen.live.handle(happened([(run_completed({"rows": 3}), "")])[0])
    assert (len(seen.left), seen.frame()) == (3, [])


def test_results_on_the_same_terminal_stand_above_the_bar_with_the_next_frame() -> None:
    seen = Seen(40).take(began(3))
    out = Printer(io.StringIO(), terminal=True, color=False, width=40, glyphs=UNICODE)
    above = seen.live.over(out)
    above.json({"row": 1, "output": "long " * 20})
    above.json({"row": 2, "output": "[bold]"})
    assert len(seen.left) == 1
    seen.live._live.refresh()
    assert seen.left[1:3] == ['{"row":1,"output":"' + "long " * 20 + '"}', '{"row":2,"output":"[bold]"}']
    assert written_to(out) == ""


def test_no_result_is_lost_when_the_region_goes() -> None:
    seen = Seen(40)
    out = Printer(io.StringIO(), terminal=True, color=False, width=40, glyphs=UNICODE)
    with seen.live:
        with seen.live.paused():
            before = seen.stream.getvalue()
            seen.live.over(out).line("a row")
            assert seen.stream.getvalue() == before
        seen.live.over(out).line("another")
    assert "a row\n" in seen.stream.getvalue()
    assert "another\n" in seen.stream.getvalue()


def written_to(printer: Printer) -> str:
    assert isinstance(printer.stream, io.StringIO)
    return printer.stream.getvalue()


# -- in a pipe --


def lines(told: Sequence[Told]) -> list[str]:
    err = Printer(io.StringIO(), terminal=False, color=False, width=None, glyphs=UNICODE)
    sink = LineSink(err)
    for event in happened(told):
        sink.handle(event)
    return written_to(err).splitlines()


def test_a_pipe_gets_a_line_for_each_tenth() -> None:
    told = [*began(40), *(one for number in range(1, 13) for one in (begun(number), ended(number)))]
    assert lines(
        [*told, begun(13), ended(13, "failed"), begun(14), begun(15), ended(14), ended(15), begun(16), ended(16)]
    ) == [
        "notes with openai:gpt-5-mini",
        "· 40 rows",
        "· 4 of 40 rows · 30/min · 1 min 12 s left",
        "· 8 of 40 rows · 30/min · 1 min 4 s left",
        "· 12 of 40 rows · 30/min · 56 s left",
        "✗ row 13  failed: The call was no success. (E-STEP-CALL)",
        "· 16 of 40 rows · 30/min · 48 s left · 1 failed",
    ]


def test_only_the_first_failed_rows_have_lines() -> None:
    told = [*began(90), *(ended(number, "limited") for number in range(1, 16))]
    told_of = lines(told)
    assert [line for line in told_of if line.startswith("✗")] == [
        f"✗ row {number}  limited: The call was no success. (E-STEP-CALL)" for number in range(1, 11)
    ]
    assert told_of.count("  further ones are only counted") == 1


# -- afterwards --


def shown(status: RunStatus, told: Sequence[Told], **options: Any) -> list[str]:
    out = Printer(io.StringIO(), terminal=True, color=False, width=options.pop("width", None), glyphs=UNICODE)
    RunTree(out, now=STARTED + 180, **options).show(row(status, kind="workflow", name="notes", task=""), happened(told))
    return written_to(out).splitlines()


def test_runs_show_names_the_rows_that_failed_with_their_runs() -> None:
    told = [*began(5), begun(1), ended(1), begun(2), ended(2, "failed"), *unable(3), begun(4)]
    assert shown("interrupted", told)[4:] == [
        "rows     2 failed, 1 completed, 1 not finished, 1 not begun",
        "",
        "    6  ✗ row 2  failed in 1.5 s · 20261121-081533-000002",
        "         The call was no success. (E-STEP-CALL)",
        "    8  ✗ row 3  failed in 0 ms",
        "         There is no input `m`. (E-INPUT-UNKNOWN)",
        "    9  · row 4  not finished · 20261121-081533-000004",
    ]
    assert shown("running", told)[-1].endswith("· row 4  running · 20261121-081533-000004")
    assert "rows     2 failed, 1 completed, 1 running, 1 pending" in shown("running", told)


def test_where_all_rows_were_completed_they_are_only_counted() -> None:
    told = [*began(2), begun(1), ended(1), begun(2), ended(2), (run_completed({"rows": 2}), "")]
    assert shown("completed", told)[5:] == ["rows     2 completed", "", "answer", "  {", '    "rows": 2', "  }"]


def test_many_failed_rows_are_folded() -> None:
    told = [*began(40), *(ended(number, "failed") for number in range(1, 31)), *(begun(n) for n in range(31, 33))]
    some = shown("failed", told, width=40)
    assert [line for line in some if "✗" in line][-1] == "   12  ✗ row 10  failed in 1.5 s · 20261121-081533-000010"
    assert "       … 20 more failed rows (--full shows them)" in some
    full = shown("failed", told, full=True)
    assert (sum("✗" in line for line in full), sum("more failed" in line for line in full)) == (30, 0)


def test_what_a_newer_version_tells_of_rows_is_no_hindrance() -> None:
    newer = read_body("row.paused", {"row": 1})
    assert isinstance(newer, UnknownBody)
    told: list[Told] = [*began(1), (newer, "row.1"), begun(1), ended(1)]
    assert "rows     1 completed" in shown("completed", told)
    assert lines(told)[-1].startswith("· 1 of 1 row")
    assert Seen(60).take(told).frame()[0].endswith("1 of 1 row")
