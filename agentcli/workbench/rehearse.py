"""Carrying a recorded run out once more with nothing but its record: no model, no tool, no person, no file, no key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from agentcli.core.canonical import Digest, Json, digest_bytes
from agentcli.core.events import CodeAsked, CodeCompleted, Event
from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.runs import RunEnd
from agentcli.core.tools import Preview, ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Decision, EventSink, ModelObserver, TextStream
from agentcli.engine.recording import Recording
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.carrying import Plan, carrying, started_of
from agentcli.workbench.system_clock import SystemClock

if TYPE_CHECKING:
    from agentcli.workbench.agent_plan import AgentPlan
    from agentcli.workbench.call_plan import CallPlan
    from agentcli.workbench.wiring import Workbench
    from agentcli.workbench.workflow_plan import FlowPlan


@value(frozen=True, slots=True)
class Rehearsed:
    """What came of it. `added` are events that the run now has and that are not on record."""

    outcome: RunOutcome
    playback: Playback
    added: tuple[Event, ...]


async def rehearse(
    bench: Workbench,
    run: str,
    recording: Recording,
    plan: Plan,
    terms: Sequence[Any],
    then: Literal["refuse", "stop"],
    sinks: Sequence[EventSink] = (),
) -> Rehearsed:
    """Go through the recording as the run would now, under `terms`, one for each era. Divergences are in `playback`."""
    from agentcli.tools.recorded import RecordedTools

    admission = Admission(NothingSecret())

    def tools(_key: str, part: AgentPlan | CallPlan | FlowPlan) -> RecordedTools:
        return RecordedTools(part.tools, part.uses, Path(part.workspace), bench.places.private)

    log = _Unwritten(run)
    tasks: list[asyncio.Task[RunOutcome]] = []

    def stop() -> None:
        tasks[0].cancel()

    playback = Playback(recording, then, on_stop=stop)
    door = Effects(run, log, SystemClock(), sinks=sinks, playback=playback, seq=recording.last_seq)
    rows = _recorded_rows(bench, plan, terms)
    closed = Closed()
    parts = Parts(lambda _: closed, tools, closed, admission, code=lambda _: closed, files=closed, rows=rows)
    main, budget = carrying(door, log, parts, terms, plan)
    work = execute(door, log, budget, started_of(plan), main, Interrupt(), admission)
    tasks.append(asyncio.create_task(work))
    return Rehearsed(await tasks[0], playback, tuple(log.added))


def _recorded_rows(bench: Workbench, plan: Plan, terms: Sequence[Any]) -> Any:
    if getattr(plan, "each", None) is None:
        return None
    from agentcli.workbench.rows_on_record import RecordedRows

    return RecordedRows(bench.journal.blob, terms[0])


class Closed:
    """A model, a person to ask, and a sandbox with code, that nothing may reach."""

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """Never."""
        _refuse("a model")

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Decision:
        """Never."""
        _refuse("a person")

    async def answer(self, spec: ToolSpec, arguments: Mapping[str, Any], lane: str = "") -> str | None:
        """Never."""
        _refuse("a person")

    async def again(self, started: Event) -> bool:
        """Never."""
        _refuse("a person")

    async def tell(self, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        """Never."""
        _refuse("the agent's code")

    async def preview(self) -> Preview | None:
        """Never."""
        _refuse("the agent's code")

    async def keep(self) -> ToolResult:
        """Never."""
        _refuse("the agent's code")

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    async def rows(self, path: str) -> list[Json]:
        """Never."""
        _refuse("for a file")


def _refuse(whom: str) -> NoReturn:
    raise AssertionError(f"a replay asked {whom}")


@dataclass(slots=True)
class _Unwritten:
    """A log that writes nothing."""

    run: str
    added: list[Event] = field(default_factory=list)

    def put(self, data: bytes) -> Digest:
        return digest_bytes(data)

    def append(self, event: Event) -> None:
        self.added.append(event)

    async def barrier(self) -> None:
        return None

    async def end(self, end: RunEnd) -> None:
        return None

    async def abandon(self) -> None:
        return None


class NothingSecret:
    """For what is on record already: its secrets were replaced when it was recorded."""

    def stream(self) -> TextStream:
        """Never asked for: nothing is streamed."""
        _refuse("for a stream")

    def redact(self, value: Any) -> Any:
        """The value."""
        return value

    def restore(self, value: Any) -> Any:
        """The value: no placeholder is replaced where nothing is executed."""
        return value

    def holds_secret(self, data: bytes) -> bool:
        """No."""
        return False

    def keyed_digest(self, data: bytes) -> Digest:
        """The content's digest."""
        return digest_bytes(data)
