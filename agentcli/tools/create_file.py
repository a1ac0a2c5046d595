"""The tool `create_file`: a text file with given content, written whole or not at all."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field

from agentcli.core.tools import FileChange, Preview, ToolResult, ToolSpec
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.refusals import exists, too_large
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.diffs import preview_of
from agentcli.tools.file_tool import FileTool, Options


class CreateFileArguments(Arguments):
    """What to write, and where."""

    path: str = Field(description="File, relative to the workspace; folders are made.")
    content: str = Field(description="The whole content.")
    overwrite: bool = Field(False, description="Replace a file that exists.")


class CreateFileOptions(Options):
    """How much one call may write."""

    max_bytes: int = Field(1_000_000, ge=1, le=16_000_000, description="UTF-8 bytes of one file.")


OPTIONS = CreateFileOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="create_file",
        description="Create a text file with the given content.",
        parameters=schema_of(CreateFileArguments),
        effects="idempotent",
        subject="path",
        examples=(
            {"path": "docs/notes.md", "content": "# Notes\n"},
            {"path": "todo.txt", "content": "- tests\n", "overwrite": True},
        ),
        returns="One line: what was done, and the size. A file that already has this content is left as it is.",
    )


def build(context: ToolContext, options: CreateFileOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: CreateFileArguments) -> CreateFileArguments:
        return arguments.model_copy(update={"path": workspace.check(arguments.path, write=True)})

    def work(arguments: CreateFileArguments) -> ToolResult:
        path, after = arguments.path, arguments.content.encode()
        if len(after) > options.max_bytes:
            raise too_large(path, len(after), options.max_bytes)
        before = workspace.read_if_there(path)
        if before == after:
            return _done("unchanged", path, before, after)
        if before is not None and not arguments.overwrite:
            raise exists(path)
        try:
            mode = workspace.write_atomic(path, after, replace=arguments.overwrite)
        except ToolError as error:
            # A call beside this one may have made it just now; with this very content nothing is wrong.
            if error.code != "E-FILE-EXISTS" or workspace.read_if_there(path) != after:
                raise
            return _done("unchanged", path, after, after)
        return _done("created" if before is None else "replaced", path, before, after, mode)

    return FileTool(spec(), CreateFileArguments, tidy, work, partial(_show, workspace))


def _done(what: str, path: str, before: bytes | None, after: bytes, mode: int | None = None) -> ToolResult:
    change = FileChange(path, before=before, after=after, changed=before != after, mode=mode)
    return ToolResult(f"{what} {path} ({len(after):,} bytes)", files=(change,))


def _show(workspace: Workspace, arguments: CreateFileArguments) -> Preview | None:
    before, after = workspace.read_if_there(arguments.path), arguments.content.encode()
    if before is None:  # the arguments hold all of it
        return None
    if not arguments.overwrite and before != after:
        raise exists(arguments.path)
    return preview_of(arguments.path, before, after)
