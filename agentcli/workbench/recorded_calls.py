"""What a record answers with where a run is carried out anew: the results of calls, and the rows of files."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from agentcli.core.canonical import Digest, Json, digest, encode
from agentcli.core.events import Event, InputRead, ToolCompleted, ToolStarted
from agentcli.core.tools import ToolResult
from agentcli.engine.ports import ToolSet
from agentcli.engine.recording import first_difference
from agentcli.errors import DivergenceError, ToolError
from agentcli.journal.placeholders import named_as, nameless

VALUE_CHARS = 100
"""So much of each value is quoted where a request differs."""


class RecordedCalls:
    """What calls gave back, by name and arguments, in the order of the record."""

    def __init__(self, events: Sequence[Event], tools: ToolSet) -> None:
        self._answers: dict[Digest, deque[ToolCompleted]] = defaultdict(deque)
        self._calls: dict[str, deque[tuple[Event, ToolStarted]]] = defaultdict(deque)
        begun: dict[tuple[str, str], tuple[Event, ToolStarted]] = {}
        for event in events:
            body = event.body
            if isinstance(body, ToolStarted):
                begun[event.lane, body.call_id] = event, body
            elif isinstance(body, ToolCompleted) and (started := begun.get((event.lane, body.call_id))):
                self._answers[_call(body.tool, _parsed(tools, started[1]))].append(body)
                self._calls[body.tool].append(started)

    def take(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """The result of the next such call. Raises DivergenceError where there is none, or none any more."""
        calls, answers = self._calls[name], self._answers[_call(name, arguments)]
        if not answers:
            event, started = calls[0] if calls else (None, None)
            recorded = {"tool": name, "arguments": started.arguments} if started else None
            now = {"tool": name, "arguments": dict(arguments)}
            fix = f"`--live tool:{name}` executes it, `--mock tool:{name}=TEXT` gives it a result."
            raise different(f"`{name}`", event, recorded, now, fix)
        if len(calls) > 1:  # the last one stays, to be compared with
            calls.popleft()
        body = answers.popleft()
        return ToolResult(body.result, body.status, body.data)


class RecordedRows:
    """The rows that `foreach` read: see the engine's `Files`. What was read more than once is given in turn."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._rows: dict[str, deque[InputRead]] = defaultdict(deque)
        for event in events:
            if isinstance(event.body, InputRead) and event.key is not None and event.key.name == "file":
                self._rows[event.body.source].append(event.body)

    async def rows(self, path: str) -> list[Json]:
        """The recorded rows. Raises DivergenceError for a file that was not read."""
        read = self._rows[path]
        if not read:
            raise different("a file", None, None, {"file": path}, "`agentcli fork RUN --at SEQ` reads it anew.")
        return list((read.popleft() if len(read) > 1 else read[0]).value)


def _parsed(tools: ToolSet, started: ToolStarted) -> Mapping[str, Any]:
    """The arguments as the tool reads them; a call that was refused at once is on record as it was made."""
    tool = tools.get(started.tool)
    try:
        return tool.parse(started.arguments) if tool is not None else started.arguments
    except ToolError:
        return started.arguments


def _call(name: str, arguments: Mapping[str, Any]) -> Digest:
    return digest({"tool": name, "arguments": nameless(dict(arguments))})


def different(whom: str, near: Event | None, recorded: Any, current: Any, fix: str) -> DivergenceError:
    """The error for a request that is not on record: what it differs in from the nearest one that is."""
    found = first_difference(recorded, named_as(current, recorded)) if recorded is not None else None
    if found is None:
        path, before, now = "$", None, current
        code, what = "E-REPLAY-UNRECORDED", f"The run now asks {whom} for what is not on record."
        why = "The record holds no such request that was not answered already."
    else:
        path, before, now = found
        code, what = "E-REPLAY-DIFFERENT", f"The request to {whom} is not a recorded one."
        place = near.seq if near is not None else 0
        why = f"From event {place} it differs at {path}: recorded {_quoted(before)}, now {_quoted(now)}."
    at = near.seq if near is not None else None
    return DivergenceError(code, what, why=why, fix=fix, at=at, path=path, recorded=before, current=now)


def _quoted(value: Any) -> str:
    text = encode(value).decode()
    return text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"
