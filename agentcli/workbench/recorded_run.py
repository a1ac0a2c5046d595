"""A run as it is on record: its row, its events, and the plans that it went by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import Digest, decode
from agentcli.core.events import (
    ApprovalRequested,
    CodeAsked,
    CodeCompleted,
    Event,
    ModelStarted,
    RunForked,
    RunResumed,
    RunStarted,
    ToolStarted,
)
from agentcli.core.runs import RunRow
from agentcli.engine.recording import Recording
from agentcli.errors import StorageError, UsageError
from agentcli.journal.faults import broken
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.carrying import Plan
from agentcli.workbench.workflow_plan import WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True)
class Recorded:
    """A run of any kind. `plans` are those of its eras; the last one is in force."""

    row: RunRow
    started: RunStarted
    events: tuple[Event, ...]
    plans: tuple[Plan, ...]

    @property
    def id(self) -> str:
        """The run's id."""
        return self.row.start.id


@dataclass(frozen=True)
class RecordedRun(Recorded):
    """A run of an agent."""

    plans: tuple[AgentPlan, ...]


def read_run(bench: Workbench, ref: str) -> RecordedRun:
    """The run that `ref` names, whole.

    Raises UsageError E-RUN-UNKNOWN, E-RUN-AMBIGUOUS, E-RUN-KIND, E-RUN-EMPTY; StorageError where its record is damaged.
    """
    row = _row(bench, ref)
    return _run(bench, row, tuple(bench.journal.events(row.start.id)))


def read_any(bench: Workbench, ref: str) -> Recorded:
    """The same for a run of an agent or a workflow."""
    row = bench.journal.find(ref)
    if row.start.kind == "tool":
        raise no_conversation(row)
    events = tuple(bench.journal.events(row.start.id))
    return Recorded(row, _started(row, events), events, plans_of(bench, events, row.start.kind))


def read_any_verified(bench: Workbench, ref: str) -> tuple[Recorded, int]:
    """A run of any kind, its record verified on the way, and how many contents are as their digests say.

    Raises StorageError E-REPLAY-DAMAGED too, naming where the record breaks.
    """
    row = bench.journal.find(ref)
    events, contents = _verified(bench, row)
    return Recorded(row, _started(row, events), events, plans_of(bench, events, row.start.kind)), contents


def _verified(bench: Workbench, row: RunRow) -> tuple[tuple[Event, ...], int]:
    events: list[Event] = []
    found = bench.journal.verify(row.start.id, events)
    if not found.intact:
        raise broken(row.start.id, found.problems[0].seq, found.problems[0].what)
    return tuple(events), found.blobs


def _row(bench: Workbench, ref: str) -> RunRow:
    row = bench.journal.find(ref)
    if row.start.kind != "agent":
        raise no_conversation(row)
    return row


def no_conversation(row: RunRow) -> UsageError:
    """The error for a run of a kind that cannot be gone on with so."""
    return UsageError(
        "E-RUN-KIND",
        f"The run {row.start.id} is no run of an agent.",
        why=f"It is of the kind `{row.start.kind}`: there is no conversation in it to go on with.",
        fix="`agentcli fork RUN --at STEP` tries another way from a step of it."
        if row.start.kind == "workflow"
        else "Look at it with `agentcli runs show`.",
    )


def _run(bench: Workbench, row: RunRow, events: tuple[Event, ...]) -> RecordedRun:
    return RecordedRun(row, _started(row, events), events, plans_of(bench, events))


def _started(row: RunRow, events: tuple[Event, ...]) -> RunStarted:
    started = events[0].body if events else None
    if not isinstance(started, RunStarted):
        raise UsageError(
            "E-RUN-EMPTY",
            f"The run {row.start.id} has nothing on record.",
            why="It was killed before its first event was on disk.",
            fix="Run the task again.",
        )
    return started


def plans_of(bench: Workbench, events: Sequence[Event], kind: str = "agent") -> tuple[Any, ...]:
    """The plans of the eras that these events of a run of that kind begin.

    Raises StorageError E-JOURNAL-DAMAGED for what is no plan.
    """
    digests = [digest for digest in map(_manifest, events) if digest is not None]
    return tuple(_read(bench, digest, _READERS[kind]) for digest in digests)


_READERS: dict[str, Callable[[dict[str, Any]], Plan]] = {
    "agent": AgentPlan.from_json,
    "tool": CallPlan.from_json,
    "workflow": WorkflowPlan.from_json,
    "row": WorkflowPlan.from_json,
}


def _manifest(event: Event) -> Digest | None:
    """An era begins with the run itself and with each resumption or fork: as many plans as the recording has eras."""
    body = event.body
    if isinstance(body, RunStarted):
        return body.manifest if event.seq == 1 else None
    return body.manifest if isinstance(body, (RunResumed, RunForked)) else None


def _read(bench: Workbench, digest: Digest, read: Callable[[dict[str, Any]], Plan]) -> Plan:
    data = bench.journal.blob(digest)
    try:
        value = decode(data)
        if (shared := value.get("plan")) is not None:
            whole = WorkflowPlan.from_json(decode(bench.journal.blob(shared)))
            return whole.of_row(value["row"], value["inputs"])
        return read(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            "E-RUN-MANIFEST",
            f"The plan {digest[:12]} on record cannot be read.",
            why=f"It lacks or misstates {error}.",
            fix="Check the run with `agentcli runs verify`.",
        ) from error


def recording_of(bench: Workbench, run: str, events: Sequence[Event]) -> Recording:
    """What the door answers from. `run` holds the requests of these events: the run itself, or the parent of a fork."""

    def describe(event: Event) -> Any:
        return request_of(bench, run, event)

    return Recording(events, describe)


def request_of(bench: Workbench, run: str, event: Event) -> Any:
    """The whole request that an event announced, as JSON."""
    body = event.body
    if isinstance(body, ModelStarted):
        messages = [message.to_json() for message in bench.journal.conversation(run, event.seq)]
        return {**decode(bench.journal.blob(body.request.head)), "messages": messages}
    if isinstance(body, (ToolStarted, ApprovalRequested)):
        return {"tool": body.tool, "arguments": body.arguments}
    if isinstance(body, (CodeAsked, CodeCompleted)):
        return None  # what the code was told by then follows from what is on record before
    return body.to_json()
