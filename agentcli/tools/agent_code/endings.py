"""How the code of a custom agent ended, in words: what it raised, what stopped it, what it said that is no message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from agentcli.core.agent_code import AgentCode
from agentcli.core.events import CodeCompleted
from agentcli.core.processes import Finished, Stopped
from agentcli.core.safe_text import safe
from agentcli.errors import ErrorInfo, sentence
from agentcli.sandbox.comparing import Changes
from agentcli.tools.agent_code.requests import Fail

PRINTED: Final = 8_000
"""Characters of the end of what the code printed."""

BY_ITSELF: Final = frozenset({"E-CODE-RAISED", "E-CODE-OUTPUT"})
"""Errors that the program tells of before it ends."""

_WHY: Final = 500
_STOPPED: Final[Mapping[Stopped, str]] = {
    "time": "Its time was up",
    "cpu": "Its CPU time was used up",
    "memory": "It needed too much memory",
    "processes": "It started too many processes",
    "disk": "The disk was almost full",
}


def raised(code: AgentCode, request: Fail) -> CodeCompleted:
    """It raised, or gave back what is no JSON."""
    line, column = code.place((request.line or 1) - code.line)
    why = sentence(" ".join(safe(request.message).split())[:_WHY])
    what = f"The agent's code raised {safe(request.kind)[:100]}."
    fix = "Correct it at that line; -v shows how it came there."
    if request.kind == "output":
        what, fix = "What the agent's code gave back cannot be its output.", "Return texts, numbers, lists and dicts."
    where = {"file": code.file, "line": line, "column": column} if request.line is not None else {"file": code.file}
    named = "E-CODE-OUTPUT" if request.kind == "output" else "E-CODE-RAISED"
    return CodeCompleted(None, ErrorInfo(named, what, why, fix, **where), trace=safe(request.trace))


def too_slow(code: AgentCode, seconds: float) -> CodeCompleted:
    """It neither asked for anything nor ended in time."""
    why = f"It worked for {seconds:g} s without asking for anything."
    return _stopped(code, why, "Let it do less at a time, or raise `limits.tool_seconds`.")


def wrong(code: AgentCode, why: str) -> CodeCompleted:
    """What it said is no message."""
    what, fix = "The agent's code said what is no request.", "Use `agent.ask`, `agent.tool` and `agent.say` alone."
    return CodeCompleted(None, ErrorInfo("E-CODE-REQUEST", what, why, fix, file=code.file))


def gone(code: AgentCode, finished: Finished | None) -> CodeCompleted:
    """It ended without a word."""
    if finished is not None and finished.stopped:
        return _stopped(code, f"{_STOPPED[finished.stopped]}.", "Let it do less at a time.")
    exit_code = finished.exit_code if finished is not None else 0
    how = f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    return _stopped(code, f"Its program {how} before it gave anything back.", "Let `run` return what came of the task.")


def with_files(code: AgentCode, said: CodeCompleted, changes: Changes) -> CodeCompleted:
    """The same with the files that were changed; a failure where that is not known."""
    if changes.cut:
        fix = "Let it write fewer files, or write them below /tmp."
        what = "What the agent's code changed cannot be kept."
        return CodeCompleted(None, ErrorInfo("E-CODE-FILES", what, changes.cut, fix, file=code.file))
    return replace(said, changed=tuple(sorted("/".join(names) for names in (*changes.written, *changes.deleted))))


def with_printed(said: CodeCompleted, finished: Finished | None) -> CodeCompleted:
    """The same with the end of what was printed."""
    if finished is None:
        return said
    texts = (safe(data.decode(errors="replace")).strip("\n") for data in (finished.stdout, finished.stderr))
    return replace(said, printed="\n".join(text for text in texts if text)[-PRINTED:])


def _stopped(code: AgentCode, why: str, fix: str) -> CodeCompleted:
    return CodeCompleted(None, ErrorInfo("E-CODE-STOPPED", "The agent's code was stopped.", why, fix, file=code.file))
