"""The user's check of a run: a shell command that is given the answer and says whether it is good."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from agentcli.core.values import value
from agentcli.errors import UsageError

SKIP: Final = 125
"""The exit code that says: about this one nothing can be said."""

ABORTED: Final = 128
"""From here on an exit code is that of a signal, or of a program that could not go on."""

Passed: TypeAlias = bool | None
"""Whether a check passed; None where it could not say."""


@value(frozen=True, slots=True)
class Subject:
    """What is checked: a run, its workspace, how it ended and what it answered. `extra` is added to the environment."""

    run: str
    workspace: Path
    status: str
    output: Any
    extra: Mapping[str, str]


async def check(command: str, subject: Subject, environ: Mapping[str, str]) -> Passed:
    """Run the command as `git bisect run` would: 0 is good, 125 cannot say, 1 to 127 is bad.

    It runs in the workspace, the answer on its standard input (text as it is, all else as JSON). Its environment has
    AGENTCLI_RUN, AGENTCLI_WORKSPACE, AGENTCLI_STATUS and AGENTCLI_OUTPUT_FILE (the answer as JSON). What it prints is
    left out. Raises UsageError E-BISECT-CHECK for any other exit code.
    """
    with tempfile.TemporaryDirectory(prefix="agentcli-") as folder:
        file = Path(folder) / "output.json"
        file.write_text(json.dumps(subject.output, ensure_ascii=False), encoding="utf-8")
        own = {
            "AGENTCLI_RUN": subject.run,
            "AGENTCLI_WORKSPACE": str(subject.workspace),
            "AGENTCLI_STATUS": subject.status,
            "AGENTCLI_OUTPUT_FILE": str(file),
        }
        code = await _exit_code(command, subject, {**environ, **own, **subject.extra})
    if code < 0 or code >= ABORTED:
        raise UsageError(
            "E-BISECT-CHECK",
            f"The check ended with {code} for the run {subject.run}.",
            why="A check ends with 0 for good, 125 for no answer, else 1 to 127; any other code stops the search.",
            fix="Try it by itself, and let it end with one of these.",
        )
    return None if code == SKIP else code == 0


async def _exit_code(command: str, subject: Subject, environ: Mapping[str, str]) -> int:
    starting = asyncio.create_task(
        asyncio.create_subprocess_shell(
            command,
            cwd=subject.workspace,
            env=dict(environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    )
    try:
        # A start that is cancelled ends the shell alone, which may have started others already.
        process = await asyncio.shield(starting)
        await process.communicate(told(subject.output).encode())
        return await process.wait()
    except asyncio.CancelledError:
        process = await starting
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise


def told(output: Any) -> str:
    """An answer as the check reads it: a text as it is, nothing for none, all else as JSON."""
    if output is None:
        return ""
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
