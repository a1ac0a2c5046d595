"""The YAML parser's complaints in words that say what to do."""

from __future__ import annotations

from typing import Any, Final

from yaml.reader import Reader

from agentcli.definitions.problems import Problems

_MARK: Final = "\ufeff"
"""A byte order mark, which PyYAML takes for printable: in the middle of a file nobody sees it."""

_QUOTE_FIX = "Quote the text, or put it on lines of its own after `|`."


def report_syntax(error: Any, text: str, problems: Problems) -> None:
    """Note what a `yaml.YAMLError` says about `text`."""
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None)
    if "unexpected end of stream" in problem:
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    tab = _tab_near(lines, line)
    if tab is not None:
        problems.add(
            "TAB",
            "There is a tab in the indentation.",
            why="YAML indents with spaces only.",
            fix="Replace the tab by spaces.",
            at=tab,
        )
        return
    kind, what, why, fix = _explain(problem, lines[line] if line < len(lines) else "", column)
    if kind == "SYNTAX" and (context := getattr(error, "context_mark", None)) is not None:
        why = f"{why[:-1]} ({error.context}, which began in line {context.line + 1})."
    problems.add(kind, what, why=why, fix=fix, at=(line + 1, column + 1))


def unprintable(text: str) -> int:
    """The index of the first character that may not stand in a file; -1 where there is none."""
    mark, found = text.find(_MARK), Reader.NON_PRINTABLE.search(text)
    return mark if found is None or 0 <= mark < found.start() else found.start()


def _tab_near(lines: list[str], line: int) -> tuple[int, int] | None:
    """The tab in the indentation of the line that was refused, or of the one before it."""
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            indent = lines[number][: len(lines[number]) - len(lines[number].lstrip(" \t"))]
            if "\t" in indent:
                return number + 1, indent.index("\t") + 1
    return None


def _explain(problem: str, line: str, column: int) -> tuple[str, str, str, str]:
    if "mapping values are not allowed" in problem and ":" not in line[:column]:
        why = "The line above is not a complete `key: value`, or this one is indented too far."
        return "SYNTAX", "A key stands where none can stand.", why, "Add the missing `:` above, or align the keys."
    if "mapping values are not allowed" in problem:
        return (
            "QUOTE",
            "A `: ` stands inside a text without quotes.",
            "YAML reads it as a key and its value.",
            _QUOTE_FIX,
        )
    if "cannot start any token" in problem:
        character = line[column : column + 1]
        return "QUOTE", f"A text cannot start with `{character}`.", "YAML keeps this character for itself.", _QUOTE_FIX
    if "unexpected end of stream" in problem:
        return "SYNTAX", "A quote is never closed.", f"The parser says: {problem}.", "Close the quote."
    return (
        "SYNTAX",
        "This is not YAML.",
        f"The parser says: {problem}.",
        "Check the indentation, brackets and quotes above it.",
    )
