"""The tool `grep_file`: the lines of a text file that match a regular expression, in time linear in the file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from pydantic import Field

from agentcli.core.tools import FileChange, ToolResult, ToolSpec
from agentcli.errors import ToolArgumentsError
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import FileTool, OutputOptions
from agentcli.tools.text import decode, numbered, shortened, with_notes

MAX_PATTERN_CHARS: Final = 1000
_MOST_COUNTED: Final = 10_000
_PROGRAM_BYTES: Final = 4 * 1024 * 1024
"""What a compiled pattern and its search may take; a larger pattern is refused."""


class GrepFileArguments(Arguments):
    """What to look for, and where."""

    path: str = Field(description="File, relative to the workspace.")
    pattern: str = Field(min_length=1, max_length=MAX_PATTERN_CHARS, description="Regular expression (RE2 syntax).")


class GrepFileOptions(OutputOptions):
    """How much one call may show."""

    max_lines: int = Field(100, ge=1, le=10_000, description="Matching lines of one result.")


OPTIONS = GrepFileOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="grep_file",
        description="Find the lines of a text file that match a regular expression, each with its number.",
        parameters=schema_of(GrepFileArguments),
        effects="read-only",
        subject="path",
        examples=({"path": "src/app.py", "pattern": "def main"}, {"path": "notes.txt", "pattern": "(?i)todo|fixme"}),
        returns="The matching lines as `12: text`. A last line in brackets says how many there are if not all fit.",
    )


def build(context: ToolContext, options: GrepFileOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: GrepFileArguments) -> GrepFileArguments:
        return arguments.model_copy(update={"path": workspace.check(arguments.path)})

    def work(arguments: GrepFileArguments) -> ToolResult:
        expression = _compiled(arguments.pattern)
        data = workspace.read_bytes(arguments.path)
        text = decode(data, arguments.path)
        content = _shown(_found(expression, text.text), options, text.note)
        return ToolResult(content, files=(FileChange(arguments.path, before=data),))

    return FileTool(spec(), GrepFileArguments, tidy, work)


def _compiled(pattern: str) -> Any:
    """The expression; `^` and `$` are a line's ends. Raises ToolArgumentsError with the reason and the place."""
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


def _found(expression: Any, text: str) -> list[tuple[int, str]]:
    """The matching lines, up to the most that are counted and one more."""
    return list(islice(_matches(expression, text.replace("\r\n", "\n").encode()), _MOST_COUNTED + 1))


def _matches(expression: Any, data: bytes) -> Iterator[tuple[int, str]]:
    """The matching lines with their numbers. Between matches nothing but line ends is looked at."""
    at, number = 0, 1
    while at < len(data):
        match = expression.search(data, at)
        if match is None:
            return
        start = data.rfind(b"\n", 0, match.start()) + 1
        if start >= len(data):  # an empty match behind the last line end, where no line is
            return
        end = data.find(b"\n", match.start())
        end = len(data) if end < 0 else end
        number += data.count(b"\n", at, start)
        yield number, shortened(data[start:end].decode(), keep=len(data[start : match.start()].decode()))
        at, number = end + 1, number + 1


def _shown(found: list[tuple[int, str]], options: GrepFileOptions, note: str) -> str:
    if not found:
        return with_notes((), "no line matches", note)
    out = numbered(found, options.max_lines, options.max_bytes)
    if len(out) == len(found):
        return with_notes(out, note)
    count = str(len(found)) if len(found) <= _MOST_COUNTED else f"more than {_MOST_COUNTED:,}"
    return with_notes(out, f"{len(out)} of {count} matching lines; narrow the pattern to see others", note)


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
