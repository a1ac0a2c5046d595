"""The result of a call by hand that came to nothing."""

from __future__ import annotations

import io

import pytest

from agentcli.cli.render.by_hand import CallByHand, print_failure
from agentcli.cli.render.printer import ASCII, Printer
from agentcli.core.events import Event, ToolCompleted
from agentcli.core.tools import ToolStatus
from agentcli.errors import ErrorInfo


def completed(lane: str, status: ToolStatus) -> Event:
    return Event("R", 1, 0.0, 0.0, ToolCompleted("t", "call_1", status, "said", None, 0.0), lane)


@pytest.mark.parametrize(
    ("lane", "status", "failed"),
    [
        ("call.1", "error", "said"),
        ("call.1", "denied", "said"),
        ("call.1", "ok", None),
        ("turn.1.call.1", "error", None),
    ],
)
def test_only_a_failed_call_by_hand_has_one(lane: str, status: ToolStatus, failed: str | None) -> None:
    by_hand = CallByHand()
    by_hand.handle(completed(lane, status))
    assert by_hand.failed == failed


def test_a_call_that_was_gone_on_with_and_worked_has_none() -> None:
    by_hand = CallByHand()
    by_hand.handle(completed("call.1", "denied"))
    by_hand.handle(completed("call.1", "ok"))
    assert by_hand.failed is None


@pytest.mark.parametrize(("code", "out", "why"), [("E-CALL-FAILED", "said\n", False), ("E-JOURNAL-FULL", "", True)])
def test_an_error_of_the_record_keeps_its_reason_and_shows_no_result(code: str, out: str, why: bool) -> None:
    shown, told = (Printer(io.StringIO(), False, False, None, ASCII) for _ in range(2))
    print_failure(shown, told, ErrorInfo(code, "What.", "Because.", "Do."), "said")
    assert (shown.stream.getvalue(), "Because." in told.stream.getvalue()) == (out, why)  # type: ignore[attr-defined]
