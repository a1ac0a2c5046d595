"""Run a workflow once, on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agentcli.core.canonical import digest_bytes, encode
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink
from agentcli.workbench.agent_run import Parts, terms_of
from agentcli.workbench.carrying import carrying, started_of
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.part_tools import part_tools
from agentcli.workbench.plan_workflow import WorkflowRequest, plan_workflow
from agentcli.workbench.row_files import RowFiles
from agentcli.workbench.run_agent import start_of, unpriced
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.wiring import Workbench


async def run_workflow(
    bench: Workbench,
    request: WorkflowRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
) -> RunOutcome:
    """Plan the run, begin its record, run it to its end.

    Raises AgentcliError for what is wrong before there is a run; from then on everything is in the outcome.
    """
    async with own_code(bench) as code:
        return await _run(bench, request, code, approver, sinks, interrupt or Interrupt())


async def _run(
    bench: Workbench,
    request: WorkflowRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
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
        parts = Parts(providers.open, tools, approver, admission, files=RowFiles(bench.workspace_view))
        terms = terms_of(bench, plan)
        main, budget = carrying(door, log, parts, [terms], plan)
        started, seconds = started_of(plan, start.manifest, terms.outline), plan.limits.seconds
        return await execute(door, log, budget, started, main, interrupt, admission, seconds=seconds)
    finally:
        await to_the_end(providers.aclose())
