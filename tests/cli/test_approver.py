"""Asking a person at a real terminal."""

from __future__ import annotations

import asyncio
import io
import os
import pty
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from agentcli.cli.approver import Answer, Nobody, TerminalApprover
from agentcli.cli.environment import Environment
from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.core.tools import Effects, ToolSpec


class Shown(io.StringIO):
    """What stands on the screen; one can wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def write(self, text: str) -> int:
        self.changed.set()
        return super().write(text)

    async def until(self, text: str, times: int = 1) -> None:
        while self.getvalue().count(text) < times:
            self.changed.clear()
            await self.changed.wait()


class Terminal:
    """A pseudo terminal: what a person types, and what the program shows."""

    def __init__(self) -> None:
        self.person, self._inner = pty.openpty()
        self.stdin: TextIO = os.fdopen(self._inner, encoding="utf-8")
        self.shown = Shown()
        out = Printer(self.shown, terminal=True, color=False, width=80, glyphs=UNICODE)
        env = Environment(self.stdin, io.StringIO(), self.shown, {}, Path.cwd(), stdin_tty=True, stderr_tty=True)
        self.approver = TerminalApprover(env, out)

    def types(self, text: str) -> None:
        os.write(self.person, text.encode())

    def close(self) -> None:
        self.stdin.close()
        os.close(self.person)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def spec(effects: Effects = "idempotent", name: str = "create_file") -> ToolSpec:
    return ToolSpec(name, "Writes.", {"type": "object"}, effects)


ARGUMENTS: dict[str, Any] = {"path": "notes.txt", "content": "one\ntwo\n\x1b[2Jthree"}

QUESTION = """
? create_file wants to run; it changes the workspace.
    path: "notes.txt"
    content: 3 lines
      | one
      | two
      | three
  (the rule `create_file` asks)
"""
PROMPT = "  Allow it?  [o]nce  [a]lways in this run  [n]o  [w]hy not: "


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("o\n", Answer("once", "user")),
        ("  YES \n", Answer("once", "user")),
        ("a\n", Answer("always", "user")),
        ("n\n", Answer("no", "user")),
    ],
)
async def test_one_key_answers(terminal: Terminal, typed: str, answer: Answer) -> None:
    terminal.types(typed)
    assert await terminal.approver.ask(spec(), ARGUMENTS, "create_file") == answer
    assert terminal.shown.getvalue() == QUESTION + PROMPT


async def test_no_may_say_why(terminal: Terminal) -> None:
    terminal.types("w\n")
    asking = asyncio.create_task(terminal.approver.ask(spec(), {}, "rule"))
    await terminal.shown.until("Tell the model why: ")
    terminal.types("put it elsewhere\n")
    assert await asking == Answer("no", "user", "put it elsewhere")


async def test_another_key_asks_again(terminal: Terminal) -> None:
    terminal.types("x\n")
    asking = asyncio.create_task(terminal.approver.ask(spec(), {}, "rule"))
    await terminal.shown.until("Allow it?", times=2)
    terminal.types("\n")
    await terminal.shown.until("Allow it?", times=3)
    terminal.types("o\n")
    assert await asking == Answer("once", "user")


async def test_what_cannot_be_taken_back_is_asked_every_time(terminal: Terminal) -> None:
    terminal.types("a\n")
    asking = asyncio.create_task(terminal.approver.ask(spec("irreversible", "delete_file"), {"path": "a"}, "rule"))
    await terminal.shown.until("Allow it?", times=2)
    terminal.types("n\n")
    assert await asking == Answer("no", "user")
    assert "delete_file wants to run; it cannot be taken back." in terminal.shown.getvalue()
    assert "lways" not in terminal.shown.getvalue()


async def test_a_tool_of_the_web_is_allowed_for_one_host(terminal: Terminal) -> None:
    terminal.types("a\n")
    web = replace(spec("read-only", "fetch_url"), subject="url", subject_kind="host", asks_per_subject=True)
    asking = terminal.approver.ask(web, {"url": "https://docs.example.org/a"}, "default: a host for the first time")
    assert await asking == Answer("always", "user")
    assert "fetch_url wants to run; it reads only." in terminal.shown.getvalue()
    assert "[a]lways docs.example.org in this run" in terminal.shown.getvalue()


async def test_the_end_of_input_is_nobody(terminal: Terminal) -> None:
    terminal.types("\x04")
    assert await terminal.approver.ask(spec("read-only"), {}, "rule") == Answer("no", "nobody")
    assert "it reads only." in terminal.shown.getvalue()


async def test_a_question_can_be_cancelled_and_asked_again(terminal: Terminal) -> None:
    asking = asyncio.create_task(terminal.approver.ask(spec(), {}, "rule"))
    await terminal.shown.until("Allow it?")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    terminal.types("o\n")
    assert await terminal.approver.ask(spec(), {}, "rule") == Answer("once", "user")


async def test_two_questions_wait_for_each_other(terminal: Terminal) -> None:
    both = asyncio.gather(*(terminal.approver.ask(spec(name=name), {}, "rule") for name in ("first", "second")))
    await terminal.shown.until("Allow it?")
    assert "second" not in terminal.shown.getvalue()
    terminal.types("o\n")
    await terminal.shown.until("second")
    terminal.types("n\n")
    assert await both == [Answer("once", "user"), Answer("no", "user")]


async def test_a_long_argument_is_cut(terminal: Terminal) -> None:
    terminal.types("n\n")
    await terminal.approver.ask(spec(), {"content": "\n".join("x" * 30)}, "rule")
    assert "    content: 30 lines\n" in terminal.shown.getvalue()
    assert "      … 10 more lines\n" in terminal.shown.getvalue()


@pytest.mark.parametrize("content", ["x" * 2_000_000, "a\n" + "y" * 2_000_000])
async def test_no_line_of_an_argument_pushes_the_question_off_the_screen(terminal: Terminal, content: str) -> None:
    terminal.types("n\n")
    await terminal.approver.ask(spec(), {"path": "a", "content": content}, "default")
    shown = terminal.shown.getvalue()
    assert len(shown) < 2_000
    assert "more characters" in shown


async def test_the_screen_holds_still_meanwhile(terminal: Terminal) -> None:
    moments = []

    class Screen:
        def paused(self) -> AbstractContextManager[None]:
            return self._pause()

        @contextmanager
        def _pause(self) -> Iterator[None]:
            moments.append("still")
            yield
            moments.append("moving")

    terminal.approver.screen = Screen()
    terminal.types("o\n")
    await terminal.approver.ask(spec(), {}, "rule")
    assert moments == ["still", "moving"]


async def test_without_a_terminal_nobody_answers() -> None:
    assert await Nobody().ask(spec(), {}, "rule") == Answer("no", "nobody")


DIFF = "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n same\n-old\x1b[2J\n+new\u202e\n--- not a head"


async def test_a_change_is_shown_as_a_diff_that_does_nothing_to_the_terminal(terminal: Terminal) -> None:
    terminal.types("n\n")
    await terminal.approver.ask(spec(name="edit_file"), {"path": "a.txt"}, "default", DIFF)
    assert terminal.shown.getvalue() == (
        "\n? edit_file wants to run; it changes the workspace.\n"
        '    path: "a.txt"\n'
        "    --- a.txt\n"
        "    +++ a.txt\n"
        "    @@ -1,2 +1,2 @@\n"
        "     same\n"
        "    -old\n"
        "    +new\\u202e\n"
        "    --- not a head\n"
        "  (such a tool asks by default)\n" + PROMPT
    )


async def test_a_diff_is_coloured_where_the_terminal_is(terminal: Terminal) -> None:
    terminal.approver.out = Printer(terminal.shown, terminal=True, color=True, width=80, glyphs=UNICODE)
    terminal.types("n\n")
    await terminal.approver.ask(spec(), {}, "default", DIFF)
    shown = terminal.shown.getvalue()
    for text in (
        "\x1b[1m--- a.txt\x1b[0m",
        "\x1b[36m@@ -1,2 +1,2 @@\x1b[0m",
        "\x1b[31m-old\x1b[0m",
        "\x1b[32m+new\\u202e\x1b[0m",
        "\x1b[31m--- not a head\x1b[0m",
    ):
        assert f"    {text}\n" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("preview", ["+x\n" * 5_000, "+" + "x" * 1_000_000])
async def test_no_diff_pushes_the_question_off_the_screen(terminal: Terminal, preview: str) -> None:
    terminal.types("n\n")
    await terminal.approver.ask(spec(), {}, "default", preview)
    shown = terminal.shown.getvalue()
    assert len(shown) < 2_000
    assert "more lines" in shown or "more characters" in shown


QUESTION_OF_TOOL = ToolSpec("ask_user", "Asks.", {"type": "object"}, "read-only", asks_person=True)


async def test_a_question_is_answered_in_words(terminal: Terminal) -> None:
    terminal.types("\n")
    asking = asyncio.create_task(terminal.approver.answer(QUESTION_OF_TOOL, {"question": "What\x1b[2J name?"}))
    await terminal.shown.until("Your answer:", times=2)
    terminal.types("  Ada \n")
    assert await asking == "Ada"
    assert terminal.shown.getvalue() == "\n? ask_user has a question.\n    What name?\n" + "  Your answer: " * 2


@pytest.mark.parametrize(("typed", "answer"), [("2\n", "production"), ("Staging\n", "staging")])
async def test_a_choice_is_made_by_its_number_or_its_name(terminal: Terminal, typed: str, answer: str) -> None:
    terminal.types("3\n")
    arguments = {"question": "Which?", "choices": ["staging", "production"]}
    asking = asyncio.create_task(terminal.approver.answer(QUESTION_OF_TOOL, arguments))
    await terminal.shown.until("1-2:", times=2)
    terminal.types(typed)
    assert await asking == answer
    assert terminal.shown.getvalue() == (
        "\n? ask_user has a question.\n    Which?\n    1  staging\n    2  production\n  1-2:   1-2: "
    )


async def test_the_end_of_input_is_no_answer(terminal: Terminal) -> None:
    terminal.types("\x04")
    assert await terminal.approver.answer(QUESTION_OF_TOOL, {"question": "Why?"}) is None
    assert await Nobody().answer(QUESTION_OF_TOOL, {"question": "Why?"}) is None


async def test_a_question_and_an_approval_wait_for_each_other(terminal: Terminal) -> None:
    both = asyncio.gather(
        terminal.approver.answer(QUESTION_OF_TOOL, {"question": "Why?"}), terminal.approver.ask(spec(), {}, "rule")
    )
    await terminal.shown.until("Your answer:")
    assert "create_file" not in terminal.shown.getvalue()
    terminal.types("so\n")
    await terminal.shown.until("Allow it?")
    terminal.types("o\n")
    assert await both == ["so", Answer("once", "user")]
