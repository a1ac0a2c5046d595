"""The run that each row of `--each` gets. Templates, rules, models and tools are the same for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from agentcli.core.canonical import Digest, Json, digest_bytes, encode
from agentcli.core.events import Body, Event, RowCompleted, RowsRead, RowStarted, RunCompleted
from agentcli.core.models import Usage
from agentcli.core.runs import RunRow, RunStart
from agentcli.core.values import value
from agentcli.engine.effect import Settle, expect
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.limits import Budget, SharedBudget
from agentcli.engine.playback import Playback
from agentcli.engine.ports import RunLog
from agentcli.errors import AgentcliError, RunError, StorageError
from agentcli.workbench.agent_run import Parts, terms_of
from agentcli.workbench.carrying import carrying, started_of
from agentcli.workbench.going_on import marker_of, refuse_divergence
from agentcli.workbench.recorded_run import read_any_verified, recording_of
from agentcli.workbench.rehearse import rehearse
from agentcli.workbench.row_source import RowSource, broken_off
from agentcli.workbench.rows_on_record import RecordedRows
from agentcli.workbench.run_ids import RunIds
from agentcli.workbench.sibling_log import Known, SiblingLog
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.workflow_plan import WorkflowPlan, row_manifest
from agentcli.workbench.workflow_terms import WorkflowTerms

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


class RowsOut(Protocol):
    """Who is told of rows that are done."""

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        """A row, in whatever order, each once."""


@dataclass(frozen=True)
class Parent:
    """The run that the rows' runs are children of, its log, its terms, and the digest of the plan that is in force.

    `recorded` is the seq of its last event on record. Without a `source` no further row is read.
    """

    run: str
    log: RunLog
    terms: WorkflowTerms
    manifest: Digest
    interrupt: Interrupt
    settle: Settle
    recorded: int = 0
    source: RowSource | None = None
    out: RowsOut | None = None


@value(frozen=True, slots=True)
class _Row:
    number: int
    run: str
    terms: WorkflowTerms
    manifest: bytes

    @property
    def plan(self) -> WorkflowPlan:
        return self.terms.plan


class RowRuns(RecordedRows):
    """See `Rows`."""

    def __init__(self, bench: Workbench, parent: Parent, parts: Parts) -> None:
        super().__init__(bench.journal.blob, parent.terms)
        self._bench = bench
        self._parent = parent
        self._parts = parts
        self._clock = SystemClock()
        self._ids = RunIds(self._clock.now)
        self._rows = 0
        self._known = Known()
        self._together: SharedBudget | None = None

    async def read(self) -> RowsRead:
        """See `Rows`. Every row is let in by itself."""
        source = self._parent.source
        if source is None:
            raise _unread()
        try:
            entries, more = await _in_background(source.part)
        except OSError as error:
            raise broken_off(source.name, error) from error
        admit = self._parts.admission.admit
        content = self._parent.log.put(encode([admit(entry) for entry in entries]))
        first, self._rows = self._rows + 1, self._rows + len(entries)
        return RowsRead(source.name, first, len(entries), content, more)

    def new_run(self) -> str:
        """See `Rows`."""
        return self._ids.new()

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        """See `Rows`."""
        if self._together is not None:
            self._together.at_work.pop(row, None)
        if self._parent.out is not None:
            self._parent.out.done(row, given, end)

    async def run(self, started: Event, inputs: dict[str, Any], spent: Budget, again: bool) -> Body:
        """See `Rows`. Cancelled, it ends the row's run first."""
        together = self._shared_budget(spent)
        if (reached := together.exhausted()) is not None:
            return reached
        body = expect(started.body, RowStarted)
        row = self._row(body.row, str(body.child), inputs)
        is_new = started.seq > self._parent.recorded and not again
        found = None if is_new else self._bench.journal.exact(row.run)
        # In a task of its own: a run that is cancelled ends in order, and knows nothing of the cancellation afterwards.
        end = await asyncio.create_task(self._end(row, found, again))
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError
        if end.status == "limited" and (reached := together.exhausted()) is not None:
            return reached
        return end

    def _shared_budget(self, spent: Budget) -> SharedBudget:
        if self._together is None:
            self._together = SharedBudget(spent)
            self._parts = replace(self._parts, whole=self._together)
        return self._together

    def _row(self, number: int, run: str, inputs: dict[str, Any]) -> _Row:
        shared = self._parent
        terms = shared.terms.under(shared.terms.plan.of_row(number, inputs))
        return _Row(number, run, terms, encode(row_manifest(shared.manifest, number, inputs)))

    async def _end(self, row: _Row, found: RunRow | None, again: bool) -> RowCompleted:
        if found is None:
            return _ended(row, await self._begin(row))
        if found.status == "completed" or (found.status in ("failed", "denied") and not again):
            return self._recorded_end(row)
        try:
            return _ended(row, await self._go_on(row))
        except StorageError:
            raise
        except AgentcliError as error:  # this one cannot be gone on with; the others can
            info = self._parts.admission.admit_error(error.info)
            return RowCompleted(row.number, row.run, "failed", None, info, Usage(), 0.0, 0.0, 0)

    async def _begin(self, row: _Row) -> RunOutcome:
        plan, manifest = row.plan, digest_bytes(row.manifest)
        model, now = next(iter(plan.models), None), self._clock.now()
        start = RunStart(row.run, plan.kind, plan.name, plan.task, model, manifest, now, self._parent.run, "child")
        log = SiblingLog(self._bench.journal.begin(start), self._known)
        log.put(row.manifest)
        door = Effects(row.run, log, self._clock, parent=self._parent.run, settle=self._parent.settle)
        return await self._carry_out(row, door, log, [row.terms])

    async def _go_on(self, row: _Row) -> RunOutcome:
        """As `resume_run` does, under the plan that is in force for all rows. Raises AgentcliError."""
        bench, log = self._bench, self._bench.journal.resume(row.run)
        try:
            if not log.last_seq:  # killed before its first event was on disk: it begins only now
                log.put(row.manifest)
                door = Effects(row.run, log, self._clock, parent=self._parent.run, settle=self._parent.settle)
                return await self._carry_out(row, door, log, [row.terms])
            run, _ = read_any_verified(bench, row.run)
            marker = marker_of(run, row.plan, digest_bytes(row.manifest))
            events, terms = (*run.events, marker), [*(terms_of(bench, plan) for plan in run.plans), row.terms]
            recording = recording_of(bench, row.run, events)
            refuse_divergence(await rehearse(bench, row.run, recording, row.plan, terms, "stop"))
            log.put(row.manifest)
            log.append(marker)
            recording = recording_of(bench, row.run, events)
            door = Effects(
                row.run,
                log,
                self._clock,
                parent=self._parent.run,
                playback=Playback(recording, "live"),
                seq=recording.last_seq,
                settle=self._parent.settle,
            )
            return await self._carry_out(row, door, log, terms)
        finally:
            await log.abandon()

    async def _carry_out(self, row: _Row, door: Effects, log: RunLog, terms: Sequence[WorkflowTerms]) -> RunOutcome:
        plan, parts = row.plan, self._parts
        main, budget = carrying(door, log, parts, terms, plan)
        if parts.whole is not None:
            parts.whole.at_work[row.number] = budget
        started, seconds = started_of(plan, digest_bytes(row.manifest)), plan.limits.seconds
        interrupt, admission = self._parent.interrupt, parts.admission
        outcome = await execute(door, log, budget, started, main, interrupt, admission, seconds=seconds, alone=False)
        if isinstance(outcome.cause, StorageError):
            raise outcome.cause
        return outcome

    def _recorded_end(self, row: _Row) -> RowCompleted:
        *_, last = self._bench.journal.events(row.run)
        return _ended(row, expect(last.body, RunCompleted))


def shared(parts: Parts) -> Parts:
    """Parts that many runs go by: each model and each tool is made ready once for all of them."""
    tools: dict[str, Any] = {}

    def tools_of(key: str, part: Any) -> Any:
        if key not in tools:
            tools[key] = parts.tools(key, part)
        return tools[key]

    models: Callable[..., Any] = cache(parts.models)
    return replace(parts, models=models, tools=tools_of)


def _ended(row: _Row, end: RunOutcome | RunCompleted) -> RowCompleted:
    return RowCompleted(
        row.number, row.run, end.status, end.output, end.error, end.usage, end.cost_usd, end.duration_s, end.turns
    )


async def _in_background(work: Callable[[], Any]) -> Any:
    """What the work gives, done in a thread that nobody waits for at the end: who sends the rows may never stop."""
    from threading import Thread

    loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def tell(how: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            how(value)

    def thread() -> None:
        try:
            answer = (done.set_result, work())
        except Exception as error:
            answer = (done.set_exception, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, *answer)

    Thread(target=thread, daemon=True).start()
    return await done


def _unread() -> RunError:
    return RunError(
        "E-EACH-UNREAD",
        "The run was stopped before all of its rows were read.",
        why="Rows are run when all of them are on record, so none of these was.",
        fix="Run the workflow for the rows again: `agentcli workflow run … --each …`.",
    )
