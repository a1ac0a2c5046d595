"""The tool `edit_file`: replaces a piece of a text file by another one, exactly."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agentcli.core.paths import shown
from agentcli.core.tools import FileChange, Preview, ToolResult, ToolSpec
from agentcli.sandbox.refusals import too_large
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.diffs import preview_of, unified
from agentcli.tools.editing import Edited, edited
from agentcli.tools.file_tool import FileTool, Options


class EditFileArguments(Arguments):
    """Which piece of which file becomes what."""

    path: str = Field(description="File, relative to the workspace.")
    old: str = Field(min_length=1, description="The text to replace, exactly as it stands, without line numbers.")
    new: str = Field(description="What to put there.")
    all: bool = Field(False, description="Replace it wherever it stands; otherwise it must stand there once.")


class EditFileOptions(Options):
    """How large a file may become."""

    max_bytes: int = Field(4_000_000, ge=1, le=16_000_000, description="Bytes of the file, before and after.")


OPTIONS = EditFileOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="edit_file",
        description="Replace a piece of a text file by another one.",
        parameters=schema_of(EditFileArguments),
        effects="idempotent",
        subject="path",
        examples=(
            {"path": "src/app.py", "old": "def main():", "new": "def main() -> None:"},
            {"path": "README.md", "old": "todo", "new": "done", "all": True},
        ),
        returns="One line: what was done. Then the unified diff. A file that reads so already is left as it is.",
    )


def build(context: ToolContext, options: EditFileOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: EditFileArguments) -> EditFileArguments:
        return arguments.model_copy(update={"path": workspace.check(arguments.path, write=True)})

    def planned(arguments: EditFileArguments) -> Edited:
        before = workspace.read_bytes(arguments.path, cap=options.max_bytes)
        found = edited(arguments.path, before, arguments.old, arguments.new, everywhere=arguments.all)
        if len(found.after) > options.max_bytes:
            raise too_large(arguments.path, len(found.after), options.max_bytes)
        return found

    def show(arguments: EditFileArguments) -> Preview:
        found = planned(arguments)
        return preview_of(arguments.path, found.before, found.after)

    def work(arguments: EditFileArguments) -> ToolResult:
        path, found = arguments.path, planned(arguments)
        if not found.count:
            change = FileChange(path, before=found.before, after=found.before)
            place = f"`new` stands there already, on line {found.line:,}, and `old` nowhere else"
            return ToolResult(f"unchanged {shown(path)}: {place}", files=(change,))
        mode = workspace.write_atomic(path, found.after)
        places = "1 place" if found.count == 1 else f"{found.count:,} places"
        diff = unified(path, found.old, found.new)
        change = FileChange(path, before=found.before, after=found.after, changed=True, mode=mode)
        return ToolResult(f"edited {shown(path)} in {places}\n{diff}", files=(change,))

    return FileTool(spec(), EditFileArguments, tidy, work, show)
