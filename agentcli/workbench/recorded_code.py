"""The code of a custom agent in a run that is carried out anew against its record: it says what it said then."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from agentcli.core.canonical import digest
from agentcli.core.events import CodeAsked, CodeCompleted, Event, ToolCompleted
from agentcli.core.tools import Preview, ToolResult
from agentcli.engine.keeping import KEEP_FILES
from agentcli.engine.recording import Recording, first_difference
from agentcli.errors import DivergenceError


class RecordedCode:
    """See `Code`. As long as it is told what it was told then, it answers as it did."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._said: deque[Event] = deque()
        self._kept: ToolCompleted | None = None
        for key in recording.order:
            event = recording.results[key]
            if key.kind == "code":
                self._said.append(event)
            elif key.name == KEEP_FILES.name and isinstance(event.body, ToolCompleted):
                self._kept = event.body

    async def tell(self, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        """See `Code`. Raises DivergenceError where it is told something else, or more."""
        recorded = self._said[0] if self._said else None
        if recorded is not None and recorded.request == digest(message):
            body = self._said.popleft().body
            if isinstance(body, CodeAsked | CodeCompleted):
                return body
        raise self._divergence(recorded, message)

    async def preview(self) -> Preview | None:
        """Nothing is changed."""

    async def keep(self) -> ToolResult:
        """What keeping them gave then; nothing is changed."""
        kept = self._kept
        return ToolResult("[nothing was kept]") if kept is None else ToolResult(kept.result, kept.status, kept.data)

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def _divergence(self, recorded: Event | None, message: Mapping[str, Any]) -> DivergenceError:
        before = self._recording.request(recorded.key) if recorded is not None and recorded.key is not None else None
        path, old, new = first_difference(before, dict(message)) or ("$", before, dict(message))
        return DivergenceError(
            "E-REPLAY-CODE-TOLD",
            "The agent's code is told something else than on record.",
            why="It is not run here, so what it would do then is not known.",
            fix="Use `agentcli fork` to go on live from there.",
            at=recorded.seq if recorded is not None else None,
            path=path,
            recorded=old,
            current=new,
        )
