"""Asking a person about a step of a workflow."""

from __future__ import annotations

from agentcli.core.events import Event, ToolStarted
from tests.cli.test_approver import Terminal, spec
from tests.cli.test_approver import terminal as terminal


async def test_the_step_that_asks_is_named(terminal: Terminal) -> None:
    terminal.types("o\n")
    await terminal.approver.ask(spec(), {}, "rule", None, "step.check/item.3/step.fetch/turn.1/call.2")
    assert "? create_file wants to run in step check[3].fetch; it changes the workspace.\n" in terminal.shown.getvalue()


async def test_the_step_that_has_a_question_is_named(terminal: Terminal) -> None:
    terminal.types("a lot\n")
    asking = terminal.approver.answer(
        spec("read-only", "ask_user"), {"question": "How many?"}, "step.sum/turn.1/call.1"
    )
    assert await asking == "a lot"
    assert "? ask_user in step sum has a question.\n    How many?\n" in terminal.shown.getvalue()


async def test_the_step_of_a_call_in_doubt_is_named(terminal: Terminal) -> None:
    terminal.types("n\n")
    begun = Event("r", 7, 0.0, 0.0, ToolStarted("send", "c1", {}), "step.tell/call")
    assert await terminal.approver.again(begun) is False
    assert (
        "? send was begun in step tell (event 7), and nobody knows whether it happened.\n" in terminal.shown.getvalue()
    )
