"""The tool `delete_file`: deletes one regular file."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agentcli.core.tools import FileChange, Preview, ToolResult, ToolSpec
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.diffs import preview_of
from agentcli.tools.file_tool import FileTool, Options


class DeleteFileArguments(Arguments):
    """Which file."""

    path: str = Field(description="File, relative to the workspace.")


OPTIONS = Options


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="delete_file",
        description="Delete a file. This cannot be undone.",
        parameters=schema_of(DeleteFileArguments),
        effects="irreversible",
        subject="path",
        examples=({"path": "docs/old.md"},),
        returns="One line: what was deleted.",
    )


def build(context: ToolContext, _options: Options) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: DeleteFileArguments) -> DeleteFileArguments:
        return arguments.model_copy(update={"path": workspace.check(arguments.path, write=True)})

    def work(arguments: DeleteFileArguments) -> ToolResult:
        # Read first: the record keeps what was deleted, so what is too large to keep is not deleted either.
        before = workspace.read_bytes(arguments.path)
        mode = workspace.delete(arguments.path)
        change = FileChange(arguments.path, before=before, changed=True, mode=mode)
        return ToolResult(f"deleted {arguments.path} ({len(before):,} bytes)", files=(change,))

    def show(arguments: DeleteFileArguments) -> Preview:
        return preview_of(arguments.path, workspace.read_bytes(arguments.path), None)

    return FileTool(spec(), DeleteFileArguments, tidy, work, show)
