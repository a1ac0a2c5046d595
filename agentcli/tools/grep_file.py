"""The tool `grep_file`: the lines of a text file that match a regular expression, in time linear in the file."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import FileTool, OutputOptions, stopped
from agentcli.tools.line_search import MOST_COUNTED, Searched, search
from agentcli.tools.patterns import MAX_PATTERN_CHARS, compiled
from agentcli.tools.text import numbered, with_notes


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
        expression = compiled(arguments.pattern)
        with workspace.reading(arguments.path) as file:
            found = search(file, arguments.path, expression, keep=options.max_lines, stopped=stopped)
        return ToolResult(_shown(found, options), files=(found.change,))

    return FileTool(spec(), GrepFileArguments, tidy, work)


def _shown(found: Searched, options: GrepFileOptions) -> str:
    if not found.lines:
        return with_notes((), "no line matches", found.note)
    out = numbered(found.lines, options.max_lines, options.max_bytes)
    if len(out) == found.count:
        return with_notes(out, found.note)
    count = str(found.count) if found.count <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
    return with_notes(out, f"{len(out)} of {count} matching lines; narrow the pattern to see others", found.note)
