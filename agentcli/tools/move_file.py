"""The tool `move_file`: gives one regular file another name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agentcli.core.paths import shown
from agentcli.core.tools import FileChange, Preview, ToolResult, ToolSpec
from agentcli.errors import ToolArgumentsError, ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.refusals import exists
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.diffs import preview_of
from agentcli.tools.file_tool import FileTool, Options


class MoveFileArguments(Arguments):
    """From where to where."""

    source: str = Field(alias="from", description="File, relative to the workspace.")
    to: str = Field(description="Its new path, relative to the workspace; folders are made.")
    overwrite: bool = Field(False, description="Replace a file that exists there.")


OPTIONS = Options


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="move_file",
        description="Move or rename a file.",
        parameters=schema_of(MoveFileArguments),
        effects="idempotent",
        subject="from",
        also=("to",),
        examples=({"from": "notes.txt", "to": "docs/notes.txt"},),
        returns="One line: what was moved where, and the size.",
    )


def build(context: ToolContext, _options: Options) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: MoveFileArguments) -> MoveFileArguments:
        source, to = (workspace.check(path, write=True) for path in (arguments.source, arguments.to))
        if source == to:
            raise ToolArgumentsError(
                "E-TOOL-ARGUMENTS", f"`from` and `to` are both `{shown(to)}`.", fix="Give the new path as `to`."
            )
        return arguments.model_copy(update={"source": source, "to": to})

    def show(arguments: MoveFileArguments) -> Preview:
        content, target = _there(workspace, arguments)
        if target is None:
            return Preview(f"{shown(arguments.source)} ({len(content):,} bytes) becomes {shown(arguments.to)}")
        return preview_of(arguments.to, target, content, to=f"{arguments.to}, which is now {arguments.source}")

    def work(arguments: MoveFileArguments) -> ToolResult:
        content, target = _there(workspace, arguments)
        mode = workspace.move(arguments.source, arguments.to, replace=arguments.overwrite)
        left = FileChange(arguments.source, before=content, changed=True, mode=mode)
        # What was there before may have had other permissions than what is there now.
        came = FileChange(
            arguments.to, before=target, after=content, changed=True, mode=mode if target is None else None
        )
        over = "" if target is None else ", replacing what was there"
        said = f"moved {shown(arguments.source)} to {shown(arguments.to)} ({len(content):,} bytes){over}"
        return ToolResult(said, files=(left, came))

    return FileTool(spec(), MoveFileArguments, tidy, work, show)


def _there(workspace: Workspace, arguments: MoveFileArguments) -> tuple[bytes, bytes | None]:
    """What is at both paths. What is too large for the record is not moved either."""
    target = workspace.read_if_there(arguments.to)
    try:
        content = workspace.read_bytes(arguments.source)
    except ToolError as error:
        if error.code == "E-FILE-UNKNOWN" and target is not None:
            raise _moved_before(arguments) from error
        raise
    if target is not None and not arguments.overwrite:
        raise exists(arguments.to)
    return content, target


def _moved_before(arguments: MoveFileArguments) -> ToolError:
    return ToolError(
        "E-FILE-UNKNOWN",
        f"There is no file `{shown(arguments.source)}`, and there is one at `{shown(arguments.to)}`.",
        why="It may have been moved there already.",
        fix="Look at the one that is there before you go on.",
    )
