"""Run a workflow once, on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from agentcli.core.canonical import digest_bytes, encode
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink
from agentcli.workbench.agent_run import Parts, terms_of
from agentcli.workbench.agents_code import confined_code
from agentcli.workbench.carrying import carrying, seconds_of, started_of
from agentcli.workbench.going_on import settling
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.plan_workflow import WorkflowRequest, plan_workflow
from agentcli.workbench.row_files import RowFiles
from agentcli.workbench.run_agent import model_for, start_of, unpriced
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.workbench.row_runs import RowsOut
    from agentcli.workbench.row_source import RowSource


async def run_workflow(
    bench: Workbench,
    request: WorkflowRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
    source: RowSource | None = None,
    out: RowsOut | None = None,
) -> RunOutcome:
    """Plan the run, begin its record, run it to its end; with rows, for each of those of the source, telling `out`.

    Raises AgentcliError for what is wrong before there is a run; from then on everything is in the outcome.
    """
    async with own_code(bench) as code:
        return await _run(bench, request, code, approver, sinks, interrupt or Interrupt(), source, out)


async def _run(
    bench: Workbench,
    request: WorkflowRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
    source: RowSource | None,
    out: RowsOut | None,
) -> RunOutcome:
    admission = Admission(bench.redactor)
    plan = await plan_workflow(bench, request, admission, code)
    providers = bench.open_providers()
    try:
        if plan.models:
            providers.open(plan.models)  # what can be wrong with a name is told here, before there is a run
        plan = replace(plan, unpriced=await unpriced(providers, plan))
        manifest = encode(plan.to_json())
        start = start_of(plan, digest_bytes(manifest))
        log = bench.journal.begin(start)
        log.put(manifest)
        door = Effects(start.id, log, SystemClock(), sinks=sinks)
        tools = part_tools(bench.tools, code, plan.limits.tool_seconds)
        confined, files = confined_code(bench, lambda: bench.workspace_view), RowFiles(bench.workspace_view)
        parts = Parts(partial(model_for, providers), tools, approver, admission, code=confined, files=files)
        terms = terms_of(bench, plan)
        if plan.each is not None:
            from agentcli.workbench.row_runs import Parent, RowRuns, shared

            settle = settling(approver, "ask", {})
            parent = Parent(start.id, log, terms, start.manifest, interrupt, settle, source=source, out=out)
            parts = replace(parts, rows=RowRuns(bench, parent, shared(parts)))
        main, budget = carrying(door, log, parts, [terms], plan)
        started, seconds = started_of(plan, start.manifest, terms.outline), seconds_of(plan)
        return await execute(door, log, budget, started, main, interrupt, admission, seconds=seconds)
    finally:
        await to_the_end(providers.aclose())
