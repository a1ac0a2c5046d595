"""A page as a model can read it: HTML becomes Markdown or plain text, in a program of its own that is confined.

HTML comes from strangers and its parser is native code, so the work is done where a crash, a hang or worse harms
nothing. There is no other way: without a sandbox nothing is converted.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from agentcli.core.processes import MIB, Finished, Job, ProcessLimits
from agentcli.engine.ports import Sandbox
from agentcli.sandbox.network import refusals

LIMITS: Final = ProcessLimits(
    seconds=5.0, cpu_seconds=5, memory_bytes=512 * MIB, processes=16, file_bytes=MIB, output_bytes=4 * MIB
)
"""Ordinary pages take 0.1 s and 60 MB."""

PROGRAM: Final = Path(__file__).with_name("page_program.py")


async def converted(html: str, to: Literal["markdown", "plain"], base: str, host: str, sandbox: Sandbox) -> str:
    """The page's text; links are made whole by `base`, its address.

    Raises ToolError E-NET-CONVERT where it cannot be done within the limits; DeniedError E-SANDBOX-NONE.
    """
    finished = await sandbox.run(_job(html, to, base))
    why = _why_not(finished)
    if why:
        raise refusals.not_converted(host, why)
    return finished.stdout.decode(errors="replace")


def _job(html: str, to: str, base: str) -> Job:
    place = find_spec("html_to_markdown")
    # Where it is not installed the program says so by its exit; a dependency that is missing is no case of its own.
    package = Path(place.origin).parent if place is not None and place.origin else PROGRAM.parent
    python = {Path(sys.prefix), Path(sys.base_prefix)}
    return Job(
        # -I and -S: nothing of the environment, of the current folder or of the user's site is loaded.
        argv=(sys.executable, "-I", "-S", "-B", str(PROGRAM), str(package), to, base),
        stdin=html.encode("utf-8", "replace"),
        readable=tuple(sorted({*python, package, PROGRAM})),
        limits=LIMITS,
    )


def _why_not(finished: Finished) -> str:
    if finished.stopped:
        return "It took too long to convert."
    if finished.exit_code:
        return "The converter failed on it."
    return "Its text is too long." if finished.dropped else ""
