"""The tool `read_lines`: a range of lines of a text file."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agentcli.core.paths import shown
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.errors import ToolArgumentsError
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import FileTool, OutputOptions, stopped
from agentcli.tools.line_window import Window, window
from agentcli.tools.text import numbered, with_notes


class ReadLinesArguments(Arguments):
    """Which lines of which file. Lines count from 1; the range includes both its ends."""

    path: str = Field(description="File, relative to the workspace.")
    start: int = Field(1, ge=1, description="First line, from 1.")
    end: int | None = Field(None, ge=1, description="Last line; without it, as many as fit.")


OPTIONS = OutputOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="read_lines",
        description="Read lines of a text file, each with its number.",
        parameters=schema_of(ReadLinesArguments),
        effects="read-only",
        subject="path",
        examples=({"path": "src/app.py", "start": 1, "end": 40}, {"path": "README.md"}),
        returns="The lines as `12: text`. A last line in brackets says what was left out and how to read on.",
    )


def build(context: ToolContext, options: OutputOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: ReadLinesArguments) -> ReadLinesArguments:
        if arguments.end is not None and arguments.end < arguments.start:
            raise ToolArgumentsError(
                "E-TOOL-ARGUMENTS",
                f"`end` ({arguments.end}) is before `start` ({arguments.start}).",
                fix=f"Did you mean start {arguments.end} and end {arguments.start}?",
            )
        return arguments.model_copy(update={"path": workspace.check(arguments.path)})

    def work(arguments: ReadLinesArguments) -> ToolResult:
        with workspace.reading(arguments.path) as file:
            found = window(file, arguments.path, arguments.start, arguments.end, options.max_lines, stopped)
        return ToolResult(_shown(found, arguments, options), files=(found.change,))

    return FileTool(spec(), ReadLinesArguments, tidy, work)


def _shown(found: Window, arguments: ReadLinesArguments, options: OutputOptions) -> str:
    total, start = found.total, arguments.start
    if not total and start == 1:
        return with_notes((), "the file is empty", found.note)
    if start > total:
        raise ToolArgumentsError(
            "E-TOOL-ARGUMENTS",
            f"`start` ({start}) is beyond the end of `{shown(arguments.path)}`.",
            fix=f"It has {total:,} lines; use a start from 1 to {max(total, 1):,}.",
        )
    end = min(arguments.end or total, total)
    out = numbered(found.lines, options.max_lines, options.max_bytes)
    last = start + len(out) - 1
    place = f"lines {start}-{last} of {total}" if (start, last) != (1, total) else ""
    more = f"to read on: start={last + 1}" if last < end else ""
    return with_notes(out, place, more, found.note)
