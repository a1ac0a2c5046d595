"""What the tools that run programs share: options, a copy of the workspace to work in, and the result as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from pydantic import Field

from agentcli.core.processes import MIB, Job, ProcessLimits
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.copying import Cap
from agentcli.tools.arguments import Arguments, read
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import Options
from agentcli.tools.program_result import result_of

ENVIRON: Final[Mapping[str, str]] = {
    "PYTHONDONTWRITEBYTECODE": "1",
    # git trusts folders of their owner alone, and the real .git may seem to be somebody else's; it cannot be written.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


class ProgramOptions(Options):
    """What one program may use up, how much of its output is shown, and how large a workspace is copied for it."""

    seconds: float = Field(20.0, ge=0.1, le=3_600, strict=False, description="Wall time; below `limits.tool_seconds`.")
    cpu_seconds: int = Field(60, ge=1, le=36_000, description="CPU time of all its processes.")
    memory_mb: int = Field(512, ge=32, le=65_536, description="Memory of all its processes, in MiB.")
    processes: int = Field(64, ge=1, le=1_000, description="Processes and threads at the same time.")
    file_mb: int = Field(64, ge=1, le=10_000, description="The largest file that it may write, in MiB.")
    max_bytes: int = Field(16_000, ge=500, le=1_000_000, description="UTF-8 bytes of output in one result.")
    copy_mb: int = Field(200, ge=1, le=20_000, description="The largest workspace that is copied for it, in MB.")
    copy_files: int = Field(20_000, ge=1, le=1_000_000, description="The most files of a workspace that is copied.")
    in_place: bool = Field(
        False,
        description="Where the workspace is too large to be copied, work in it; its changes are not known then.",
    )

    @property
    def limits(self) -> ProcessLimits:
        """What the sandbox holds it to."""
        return ProcessLimits(
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            memory_bytes=self.memory_mb * MIB,
            processes=self.processes,
            file_bytes=self.file_mb * MIB,
        )

    @property
    def cap(self) -> Cap:
        """The most that is copied."""
        return Cap(bytes=self.copy_mb * 1_000_000, files=self.copy_files)


A = TypeVar("A", bound=Arguments)


@value(frozen=True, slots=True)
class ProgramTool(Generic[A]):
    """A tool that runs a program. `work` does the call."""

    spec: ToolSpec
    model: type[A]
    work: Callable[[A], Awaitable[ToolResult]]

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments. Raises ToolArgumentsError."""
        return self._read(arguments).model_dump(mode="json", exclude_none=True)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it. Raises ToolError, which carries the tool and the arguments; DeniedError E-SANDBOX-NONE."""
        given = self._read(arguments)
        try:
            return await self.work(given)
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    def _read(self, arguments: Mapping[str, Any]) -> A:
        return read(self.model, self.spec.name, arguments, self.spec.examples[0])


async def run_program(context: ToolContext, options: ProgramOptions, job: Job) -> ToolResult:
    """Run a job in a copy of the workspace, and take over what it changed there; of one that was stopped, nothing.

    Raises ToolError E-TOOL-WORKSPACE; DeniedError E-SANDBOX-NONE.
    """
    mirrors = context.workspace.mirrors
    try:
        mirror, cut = await asyncio.to_thread(mirrors.take, options.cap)
    except OSError as error:
        raise _no_copy(f"The copy could not be written: {error.strerror}.", "Tell the user.") from error
    if cut and options.in_place:
        return await _in_place(context, options, job)
    if cut:
        raise _no_copy(cut, "Raise `copy_mb` or `copy_files` of the tool in the template.")
    given = replace(job, workspace=mirror.folder, readable=(*job.readable, *mirror.shared))
    try:
        finished = await context.sandbox().run(_bounded(given, options))
    except BaseException:
        mirrors.give_back(mirror)
        raise
    if finished.stopped:
        mirrors.give_back(mirror)
        return result_of(finished, None, options)
    # Where this is cancelled, the thread goes on, and gives the copy back.
    taken = await asyncio.to_thread(mirrors.finish, mirror, context.workspace)
    return result_of(finished, taken, options)


async def _in_place(context: ToolContext, options: ProgramOptions, job: Job) -> ToolResult:
    """Run it in the workspace itself, with what tools may not see or change covered."""
    root = context.workspace.root
    covered = await asyncio.to_thread(context.workspace.covered)
    if covered.cut:  # something that must not be seen may be among the rest
        raise _no_copy(covered.cut, "Work in a smaller folder: name it with `--workspace`.")
    given = replace(job, workspace=root, hidden=covered.hidden, protected=covered.protected)
    finished = await context.sandbox().run(_bounded(given, options))
    result = result_of(finished, None, options, in_place=True)
    return replace(result, unseen=True, in_doubt=result.status == "timeout")


def _bounded(job: Job, options: ProgramOptions) -> Job:
    return replace(job, environ={**ENVIRON, **job.environ}, limits=options.limits)


def _no_copy(why: str, fix: str) -> ToolError:
    return ToolError("E-TOOL-WORKSPACE", "The workspace could not be copied for a program.", why=why, fix=fix)
