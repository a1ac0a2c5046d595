"""The tool `shell`: a command of the model's own, confined."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import Field

from agentcli.core.processes import Job
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.sandbox.processes.launching import interpreter, python_readable
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.programs import ProgramOptions, ProgramTool, run_program

SHELLS: Final = ("/bin/bash", "/bin/sh")
"""The first that is there: models write for bash."""


MAX_CHARS: Final = 30_000
"""Whatever they are, they fit into the 128 KiB that the system allows one argument."""


class ShellArguments(Arguments):
    """Which command."""

    command: str = Field(min_length=1, max_length=MAX_CHARS, description="Command line, run in the workspace.")


OPTIONS = ProgramOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="shell",
        description="Run a shell command in the workspace, without network.",
        parameters=schema_of(ShellArguments),
        effects="irreversible",
        subject="command",
        subject_kind="command",
        examples=({"command": "wc -l src/app.py"}, {"command": "sort notes.txt > sorted.txt"}),
        returns="The exit code, standard output and standard error, then the files that were changed.",
    )


def build(context: ToolContext, options: ProgramOptions) -> ProgramTool[Any]:
    """The tool over a workspace."""

    shell = next((path for path in SHELLS if Path(path).exists()), SHELLS[-1])
    # Last in the path: a machine's own Python comes first, and where it has none, this one is there.
    path = f"/usr/local/bin:/usr/bin:/bin:{Path(interpreter()).parent}"

    async def work(arguments: ShellArguments) -> ToolResult:
        job = Job((shell, "-c", arguments.command), readable=python_readable(), environ={"PATH": path})
        return await run_program(context, options, job)

    return ProgramTool(spec(), ShellArguments, work)
