"""The code of a custom agent as a confined program: over a copy of the workspace, with no way out but one line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agentcli.core.agent_code import AgentCode
from agentcli.core.events import CodeAsked, CodeCompleted
from agentcli.core.processes import MIB, Job, ProcessLimits
from agentcli.core.tools import Preview, ToolResult
from agentcli.errors import ToolError, sentence
from agentcli.sandbox.processes.launching import interpreter, python_readable
from agentcli.tools.agent_code import client, endings
from agentcli.tools.agent_code.copy import Copy
from agentcli.tools.agent_code.line import Line
from agentcli.tools.agent_code.requests import Ask, End, Fail, Request, WrongRequestError, read_request
from agentcli.tools.context import ToolContext
from agentcli.tools.worker.frames import BrokenFrameError

LIMITS: Final = ProcessLimits(
    seconds=604_800.0, cpu_seconds=300, memory_bytes=512 * MIB, processes=64, file_bytes=64 * MIB, output_bytes=1 << 18
)
"""Of the whole run of the code; the time between two requests is held by the run's `limits.tool_seconds`."""

ENVIRON: Final[Mapping[str, str]] = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
"""Sets keep their order: code that is run anew is to ask for the same."""


class ConfinedCode:
    """See `Code`. `seconds` is the time that the code has from one request to the next."""

    def __init__(self, context: ToolContext, code: AgentCode, seconds: float) -> None:
        self._context = context
        self._code = code
        self._seconds = seconds
        self._copy: Copy | None = None
        self._line: Line | None = None

    async def tell(self, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        """See `Code`. Raises DeniedError: E-SANDBOX-NONE, -START, -WORKSPACE; RunError E-CODE-WORKSPACE."""
        line = self._line
        if line is None:
            self._copy = await asyncio.to_thread(Copy, self._context.workspace)
            line = self._line = await Line.to(self._context.sandbox(), self._job(self._copy))
            lines = "\n" * self._code.line + self._code.text  # so that Python counts as the file does
            message = {**message, "text": lines, "name": self._code.file}
        said = await self._said(line, message)
        return said if isinstance(said, CodeAsked) else await self._ended(line, said)

    async def preview(self) -> Preview | None:
        """See `Code`."""
        return await asyncio.to_thread(self._whole_copy().preview)

    async def keep(self) -> ToolResult:
        """See `Code`."""
        return await asyncio.to_thread(self._whole_copy().keep)

    async def aclose(self) -> None:
        """See `Code`."""
        if self._line is not None:
            await self._line.end()
        if self._copy is not None:
            self._copy.give_back()

    def _job(self, copy: Copy) -> Job:
        text = Path(client.__file__).read_text(encoding="utf-8")
        return Job(
            # Nothing is imported from the workspace: what runs is what the manifest holds.
            (interpreter(), "-s", "-P", "-c", text),
            workspace=copy.folder,
            readable=(*python_readable(), *copy.shared),
            environ=ENVIRON,
            limits=LIMITS,
        )

    def _whole_copy(self) -> Copy:
        if self._copy is None:
            what, why = "There are no files of the agent's code to keep.", "It has not run here."
            raise ToolError("E-CODE-FILES", what, why=why, fix="Run the agent again.")
        return self._copy

    async def _said(self, line: Line, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        try:
            heard = await line.exchange(message, self._seconds)
            if heard is None:
                return endings.gone(self._code, await line.end())
            return _read(self._code, read_request(heard))
        except TimeoutError:
            return endings.too_slow(self._code, self._seconds)
        except (BrokenFrameError, WrongRequestError) as error:
            return endings.wrong(self._code, sentence(str(error)[:300]))

    async def _ended(self, line: Line, said: CodeCompleted) -> CodeCompleted:
        """With what it printed, and the files that it changed; code that failed changes none."""
        by_itself = said.error is None or said.error.code in endings.BY_ITSELF
        finished = await line.end(by_itself=by_itself)
        if said.error is not None:
            return endings.with_printed(said, finished)
        changes = await asyncio.to_thread(self._whole_copy().look)
        return endings.with_printed(endings.with_files(self._code, said, changes), finished)


def _read(code: AgentCode, request: Request) -> CodeAsked | CodeCompleted:
    if isinstance(request, End):
        return CodeCompleted(request.output, None)
    if isinstance(request, Fail):
        return endings.raised(code, request)
    wants = "ask" if isinstance(request, Ask) else request.wants
    return CodeAsked(wants, request.model_dump(by_alias=True, exclude={"wants"}))
