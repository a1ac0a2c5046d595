"""What a person is shown before they answer: the changes that a call would make, and the questions that a tool asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.quantity import count
from agentcli.cli.render.text import one_line, safe, wrapped

MOST_LINES: Final = 80
LINE_CHARS: Final = 500
_INDENT: Final = "    "

_STYLES: Final[dict[str, Style]] = {"+": "green", "-": "red", "@": "cyan"}


def print_preview(out: Printer, preview: str) -> None:
    """The lines of a diff, coloured where the terminal does so, so many that the question stays on the screen."""
    lines = safe(preview).split("\n")
    for number, line in enumerate(lines[:MOST_LINES]):
        out.line(f"{_INDENT}{out.style(bounded(line), *_styles(line, number))}")
    if len(lines) > MOST_LINES:
        out.line(f"{_INDENT}… {count(len(lines) - MOST_LINES, 'more line')}")


def bounded(text: str) -> str:
    """So much of a line that the question itself stays on the screen."""
    more = len(text) - LINE_CHARS
    return text if more <= 0 else f"{text[:LINE_CHARS]}… {count(more, 'more character')}"


def _styles(line: str, number: int) -> tuple[Style, ...]:
    if number < 2 and line.startswith(("--- ", "+++ ")):
        return ("bold",)
    return (_STYLES[line[0]],) if line[:1] in _STYLES else ()


def print_question(out: Printer, tool: str, question: str, choices: Sequence[str]) -> None:
    """Who asks, what, and the answers there are."""
    out.line()
    out.line(f"{out.style('?', 'bold', 'yellow')} {out.style(safe(tool), 'bold')} has a question.")
    for line in wrapped(safe(question), out.width and out.width - len(_INDENT)):
        out.line(f"{_INDENT}{line}".rstrip())
    for number, choice in enumerate(choices, start=1):
        out.line(f"{_INDENT}{number}  {one_line(choice, out.width and out.width - 8)}")


def chosen(line: str, choices: Sequence[str]) -> str:
    """The answer that a line gives; empty where it gives none."""
    if not choices:
        return line
    if line.isdecimal() and 1 <= int(line) <= len(choices):
        return choices[int(line) - 1]
    return next((choice for choice in choices if choice.casefold() == line.casefold()), "")
