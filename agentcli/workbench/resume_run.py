"""Resume a run: answered from its record as far as that goes, then live, in the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import RunCompleted
from agentcli.core.runs import RunRow
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.lifecycle import Interrupt, RunOutcome
from agentcli.engine.ports import Approver, EventSink
from agentcli.engine.recording import Recording
from agentcli.errors import UsageError
from agentcli.workbench.agent_run import terms_of
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.continuation import Continuation, continue_run
from agentcli.workbench.going_on import (
    call_on,
    code_on,
    marker_of,
    plan_on,
    priced,
    refuse_divergence,
    settling,
    workflow_on,
    workspace_on,
)
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.recorded_run import Recorded, read_any_verified, recording_of
from agentcli.workbench.rehearse import rehearse
from agentcli.workbench.workflow_plan import WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.carrying import Plan
    from agentcli.workbench.row_runs import RowsOut
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class ResumeRequest:
    """Which run, and how. `retry_failed` tries failed rows again.

    `in_doubt` decides about calls that may have happened; `results` holds the results of those that did, by the seq of
    their `tool.started`. `limits` replaces limits of the run.
    """

    run: str
    in_doubt: Literal["ask", "retry", "fail"] = "ask"
    results: Mapping[int, str] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    retry_failed: bool = False


async def resume_run(
    bench: Workbench,
    request: ResumeRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
    out: RowsOut | None = None,
) -> RunOutcome:
    """Go on with an interrupted, failed, cancelled, denied or limit-stopped run; nothing completed is done again.

    Raises UsageError E-RUN-COMPLETED, E-RUN-WORKSPACE; StorageError E-RUN-OWNED where it runs in another process;
    DivergenceError where this version would not come to where the run stopped; DeniedError, DefinitionError where the
    code of its own tools does not run. Nothing is written then.
    """
    async with own_code(bench) as code:
        return await _resume(bench, request, code, approver, sinks, interrupt, out)


async def _resume(
    bench: Workbench,
    request: ResumeRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt | None,
    out: RowsOut | None,
) -> RunOutcome:
    row = bench.journal.find(request.run)
    _refuse_completed(row)
    log = bench.journal.resume(row.start.id)
    try:
        run, _ = read_any_verified(bench, row.start.id)
        _refuse_completed(run.row)  # somebody may have gone on with it, to its end, until it was ours
        _refuse_rows(run, request)
        plan = await _plan_on(bench, run.plans[-1], request.limits, code)
        manifest = encode(plan.to_json())
        marker = marker_of(run, plan, digest_bytes(manifest), retries=request.retry_failed)
        events = (*run.events, marker)
        terms = [terms_of(bench, one) for one in (*run.plans, plan)]
        happened = _happened(recording_of(bench, run.id, events), request.results)
        refuse_divergence(await rehearse(bench, run.id, recording_of(bench, run.id, events), plan, terms, "stop"))
        log.put(manifest)
        log.append(marker)
    except BaseException:
        await log.abandon()
        raise
    recording, parent = recording_of(bench, run.id, events), run.row.start.parent
    going_on = Continuation(run.started, plan, terms, recording, parent, code, happened, out)
    admit = Admission(bench.redactor).admit
    settle = settling(approver, request.in_doubt, {seq: admit(text) for seq, text in request.results.items()})
    return await continue_run(bench, going_on, log, approver, settle, sinks, interrupt)


async def _plan_on(bench: Workbench, last: Plan, limits: Mapping[str, float], code: OwnCode) -> Plan:
    plan: Plan
    if isinstance(last, CallPlan):
        plan = call_on(bench, last, limits)
    elif isinstance(last, WorkflowPlan):
        plan = await priced(bench, workflow_on(bench, last, limits))
    else:
        plan = await priced(bench, plan_on(bench, last, limits))
    return await code_on(bench, plan.in_workspace(str(workspace_on(bench, plan))), code)


def _refuse_completed(row: RunRow) -> None:
    if row.status == "completed":
        raise UsageError(
            "E-RUN-COMPLETED",
            f"The run {row.start.id} is complete.",
            why="There is nothing left to do in it.",
            fix="Begin another one from any point of it: `agentcli fork`.",
        )


def _refuse_rows(run: Recorded, request: ResumeRequest) -> None:
    """Raises UsageError E-EACH-ENDED, E-EACH-NONE."""
    is_each = isinstance(run.plans[-1], WorkflowPlan) and run.plans[-1].each is not None
    if request.retry_failed and not is_each:
        raise UsageError(
            "E-EACH-NONE",
            f"The run {run.id} is no run for each of many rows.",
            why="There are no failed rows in it that could be run again.",
            fix=f"`agentcli resume {run.id}` tries again what failed in it.",
        )
    last = run.events[-1].body
    failed = isinstance(last, RunCompleted) and last.error is not None and last.error.code == "E-EACH-FAILED"
    if failed and not request.retry_failed:
        raise UsageError(
            "E-EACH-ENDED",
            f"Every row of the run {run.id} has come to its end.",
            why="Some failed; they are run again only if that is asked for.",
            fix=f"`agentcli resume {run.id} --retry-failed` runs those again.",
        )


def _happened(recording: Recording, results: Mapping[int, str]) -> frozenset[str]:
    """The lanes of the calls whose results are given. Raises UsageError E-RESUME-RESULT for one that is in no doubt."""
    begun = {
        event.seq: event.lane for key, event in recording.intents.items() if key.kind == "tool" and recording.begun(key)
    }
    for seq in results:
        if seq not in begun:
            raise UsageError(
                "E-RESUME-RESULT",
                f"Event {seq} is no call that is in doubt.",
                why="A result can be given for the last `tool.started` event of a call that has none.",
                fix="See `agentcli runs show RUN` for the numbers.",
            )
    return frozenset(begun[seq] for seq in results)
