"""What the file tools share: checked arguments, a confined workspace, and work off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from agentcli.core.agents import Permissions
from agentcli.core.tools import Preview, ToolResult, ToolSpec
from agentcli.core.values import value
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
T = TypeVar("T")

_STOP: ContextVar[threading.Event | None] = ContextVar("stop", default=None)
"""Set once nobody waits for the call any more: a thread cannot be ended from outside."""


def stopped() -> bool:
    """Whether the work of this call, in its thread, may stop: its result would be thrown away."""
    stop = _STOP.get()
    return stop is not None and stop.is_set()


def no_preview(_arguments: Any) -> Preview | None:
    """A call that changes nothing, or whose arguments say all."""
    return None


@value(frozen=True, slots=True)
class FileTool(Generic[A]):
    """A tool over the files of a workspace.

    `tidy` brings checked arguments into their one canonical form without touching the disk, so that the permission
    rules, the record and the work see the same; it raises ToolError for what confinement refuses in any case. `work`
    does the call, `show` says what it would change; both block, and run in a thread.
    """

    spec: ToolSpec
    model: type[A]
    tidy: Callable[[A], A]
    work: Callable[[A], ToolResult]
    show: Callable[[A], Preview | None] = no_preview

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments with defaults filled in and the path in its canonical form.

        Parsing what it gives once more changes nothing.
        Raises ToolArgumentsError, and ToolRefusedError for a path that tools may not use.
        """
        try:
            return self._read(arguments).model_dump(mode="json", exclude_none=True, by_alias=True)
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it. Raises ToolError, which carries the tool, the arguments and, as its cause, what went wrong."""
        return await self._in_thread(self.work, arguments)

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        """See `Previewing`."""
        return await self._in_thread(self.show, arguments)

    async def _in_thread(self, work: Callable[[A], T], arguments: Mapping[str, Any]) -> T:
        stop = threading.Event()
        _STOP.set(stop)
        try:
            return await asyncio.to_thread(work, self._read(arguments))
        except asyncio.CancelledError:
            stop.set()
            raise
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    def _read(self, arguments: Mapping[str, Any]) -> A:
        return self.tidy(read(self.model, self.spec.name, arguments, self.spec.examples[0]))
