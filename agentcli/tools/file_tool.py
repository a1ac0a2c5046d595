"""What the file tools share: checked arguments, a confined workspace, and work off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from agentcli.core.agents import Permissions
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.errors import ToolError
from agentcli.tools.arguments import Arguments, read


class Options(BaseModel):
    """Base of what a template may set on a tool: nothing unknown, no silent conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    def rules(self, tool: str) -> Permissions:
        """The permission rules that these options stand for, where they stand for any."""
        return Permissions()


class OutputOptions(Options):
    """How much of a file a call may put before the model."""

    max_lines: int = Field(200, ge=1, le=10_000, description="Lines of one result.")
    max_bytes: int = Field(16_000, ge=500, le=1_000_000, description="UTF-8 bytes of one result.")


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class FileTool(Generic[A]):
    """A tool over the files of a workspace.

    `tidy` brings checked arguments into their one canonical form without touching the disk, so that the permission
    rules, the record and the work see the same; it raises ToolError for what confinement refuses in any case. `work`
    does the call; it blocks, and runs in a thread.
    """

    spec: ToolSpec
    model: type[A]
    tidy: Callable[[A], A]
    work: Callable[[A], ToolResult]

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments with defaults filled in and the path in its canonical form.

        Parsing what it gives once more changes nothing.
        Raises ToolArgumentsError, and ToolRefusedError for a path that tools may not use.
        """
        try:
            return self._read(arguments).model_dump(mode="json", exclude_none=True)
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it. Raises ToolError, which carries the tool, the arguments and, as its cause, what went wrong."""
        try:
            return await asyncio.to_thread(self.work, self._read(arguments))
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    def _read(self, arguments: Mapping[str, Any]) -> A:
        return self.tidy(read(self.model, self.spec.name, arguments, self.spec.examples[0]))
