"""Regular expressions of models: RE2, in time linear in the text, within bounds of memory."""

from __future__ import annotations

from typing import Any, Final

from agentcli.errors import ToolArgumentsError

MAX_PATTERN_CHARS: Final = 1000
_PROGRAM_BYTES: Final = 4 * 1024 * 1024
"""What a compiled pattern and its search may take; a larger pattern is refused."""


def compiled(pattern: str) -> Any:
    """The expression, over UTF-8; `^` and `$` are a line's ends, and no match spans lines.

    Raises ToolArgumentsError with the reason and the place.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    options.never_capture = True
    options.max_mem = _PROGRAM_BYTES
    try:
        re2.compile(pattern, options)  # alone first, so that an error is about what the model wrote
        return re2.compile(f"(?m:{pattern})", options)
    except re2.error as error:
        raise _invalid(pattern, error, re2.escape(pattern)) from error


def _invalid(pattern: str, error: Exception, literal: str) -> ToolArgumentsError:
    reason = error.args[0].decode(errors="replace") if error.args else "it cannot be read"
    problem, _, fragment = reason.rpartition(": ")
    place = pattern.find(fragment) if problem else -1
    at = f" at character {place + 1}" if place >= 0 else ""
    return ToolArgumentsError(
        "E-TOOL-PATTERN",
        f"`pattern` is not a regular expression{at}: {reason}.",
        why="The syntax is RE2: no look-around and no back-references.",
        fix=f"Correct it; to find the text as it stands, use {literal[:200]}",
    )
