"""The tool `run_python`: code of the model's own, confined."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from agentcli.core.processes import Job
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.sandbox.processes.launching import interpreter, python_readable
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.programs import ProgramOptions, ProgramTool, run_program

MAX_CHARS: Final = 100_000


class RunPythonArguments(Arguments):
    """Which code."""

    code: str = Field(min_length=1, max_length=MAX_CHARS, description="Python 3 program; print what you need.")


OPTIONS = ProgramOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="run_python",
        description="Run a Python program in the workspace, without network.",
        parameters=schema_of(RunPythonArguments),
        effects="irreversible",
        subject="code",
        subject_kind="text",
        examples=(
            {"code": "print(sum(range(101)))"},
            {"code": "import csv\nwith open('squares.csv', 'w') as f:\n    csv.writer(f).writerow([1, 4, 9])\n"},
        ),
        returns="The exit code, standard output and standard error, then the files that were changed.",
    )


def build(context: ToolContext, options: ProgramOptions) -> ProgramTool[Any]:
    """The tool over a workspace."""

    async def work(arguments: RunPythonArguments) -> ToolResult:
        # From standard input: an argument has its limit. Modules of the workspace can be imported, no user's own.
        job = Job((interpreter(), "-s", "-"), arguments.code.encode(), readable=python_readable())
        return await run_program(context, options, job)

    return ProgramTool(spec(), RunPythonArguments, work)
