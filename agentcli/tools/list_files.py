"""The tool `list_files`: the files of the workspace that match a glob."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from agentcli.core.globs import GlobError, PathGlob
from agentcli.core.paths import outside
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.errors import ToolArgumentsError
from agentcli.sandbox.walking import Bounds, Found
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import FileTool, Options
from agentcli.tools.text import with_notes

EVERYTHING = "**/*"


class ListFilesArguments(Arguments):
    """Which files."""

    glob: str = Field(EVERYTHING, max_length=500, description="Such as **/*.py; ** is any depth.")


class ListFilesOptions(Options):
    """How much one call may show."""

    max_files: int = Field(200, ge=1, le=10_000, description="Files of one result.")


OPTIONS = ListFilesOptions


def spec() -> ToolSpec:
    """What models and people are told. No `subject`: what a glob reaches cannot be told from its text."""
    return ToolSpec(
        name="list_files",
        description="List files of the workspace by a glob pattern.",
        parameters=schema_of(ListFilesArguments),
        effects="read-only",
        examples=({"glob": "src/**/*.py"}, {}),
        returns="One path a line, relative to the workspace. A last line in brackets says what was left out.",
    )


def build(context: ToolContext, options: ListFilesOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: ListFilesArguments) -> ListFilesArguments:
        glob = tidied(arguments.glob)
        parsed(glob)
        return arguments.model_copy(update={"glob": glob})

    def work(arguments: ListFilesArguments) -> ToolResult:
        found = workspace.walk(parsed(arguments.glob), Bounds(files=options.max_files))
        content = with_notes((line_of(path) for path in found.files), *_notes(found, arguments.glob))
        return ToolResult(content, data={"files": found.files, "complete": not found.cut})

    return FileTool(spec(), ListFilesArguments, tidy, work)


def tidied(glob: str) -> str:
    """The glob from the workspace on. It only filters a confined walk, so a leading `/` can do no harm."""
    names = [name for name in glob.strip().split("/") if name not in ("", ".")]
    if ".." in names:
        raise outside(glob, why="Its `..` lead out of the workspace.")
    return "/".join(names) or EVERYTHING


def parsed(glob: str) -> list[PathGlob]:
    """The patterns to look for: the glob, and, as it may name a folder, all that is below."""
    try:
        return [PathGlob.parse(glob), *([] if glob.endswith("*") else [PathGlob.parse(f"{glob}/**")])]
    except GlobError as error:
        raise ToolArgumentsError(
            "E-TOOL-PATTERN", f"`glob` cannot be read: {error}.", fix="A good one is `src/**/*.py`."
        ) from error


def _notes(found: Found, glob: str) -> list[str]:
    notes = [found.cut and f"{found.cut}; narrow the glob to see others"]
    if not found.files and not found.cut:
        hint = f"; try **/{glob}" if "/" not in glob and glob != "**" else ""
        notes.append(f"no file matches{hint}")
    if found.skipped:
        notes.append(f"not listed: {', '.join(sorted(found.skipped))}")
    if found.unreadable:
        notes.append(f"{found.unreadable} could not be read")
    return notes


def line_of(path: str) -> str:
    """The path; in JSON quotes where it holds what would break the line or disguise it."""
    return path if path.isprintable() else json.dumps(path)
