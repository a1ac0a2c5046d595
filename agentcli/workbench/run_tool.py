"""Call one tool by hand: under the same policy as an agent, through the same door, on record."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from agentcli.core.agents import LimitsSpec
from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.ids import RANDOM_BITS, run_id
from agentcli.core.runs import RunStart
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.ports import Approver, EventSink, Tool
from agentcli.errors import ToolArgumentsError, ToolError, UsageError
from agentcli.workbench.agent_plan import versions
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.carrying import carrying, started_of, task_of
from agentcli.workbench.list_tools import use_of
from agentcli.workbench.own_code import OwnCode, own_code, selected
from agentcli.workbench.permissions_here import policy_here
from agentcli.workbench.rehearse import Closed
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class CallRequest:
    """Which tool, with what. Texts are converted where the tool wants a number or a truth value."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


async def run_tool(
    bench: Workbench,
    request: CallRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
) -> RunOutcome:
    """Plan the call, begin its record, carry it out.

    Raises UsageError E-CALL-ARGUMENTS, E-CALL-AMBIGUOUS, DefinitionError, DeniedError E-TOOL-UNTRUSTED before there is
    a run; from then on all is in the outcome.
    """
    async with own_code(bench) as code:
        return await _run(bench, request, code, approver, sinks, interrupt or Interrupt())


async def _run(
    bench: Workbench,
    request: CallRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
) -> RunOutcome:
    admission = Admission(bench.redactor)
    plan = await _plan(bench, request, admission, code)
    tools = selected(bench.tools, plan.uses, plan.limits.tool_seconds, code)
    _check(tools.get(plan.name), plan)
    terms = [plan.terms()]
    manifest = encode(plan.to_json())
    now = SystemClock().now()
    start = RunStart(
        id=run_id(now, secrets.randbits(RANDOM_BITS)),
        kind="tool",
        name=plan.name,
        task=task_of(plan),
        model=None,
        manifest=digest_bytes(manifest),
        started=now,
    )
    log = bench.journal.begin(start)
    log.put(manifest)
    door = Effects(start.id, log, SystemClock(), sinks=sinks)
    parts = Parts(lambda _: Closed(), lambda _key, _plan: tools, approver, admission)
    main, budget = carrying(door, log, parts, terms, plan)
    started, seconds = started_of(plan, start.manifest), plan.limits.seconds
    return await execute(door, log, budget, started, main, interrupt, admission, seconds=seconds)


async def _plan(bench: Workbench, request: CallRequest, admission: Admission, code: OwnCode) -> CallPlan:
    """The plan, free of secrets; the tool's code is loaded where it is people's own."""
    use, path = use_of(bench, request.tool)
    await code.load([use], Path(path), bench.workspace)
    (spec,) = bench.tools.select([use], code).specs()
    plan = CallPlan(
        tool=spec,
        arguments=dict(request.arguments),
        use=use,
        policy=policy_here(bench),
        limits=bench.loaded.limits(LimitsSpec(), of_project=False),
        workspace=str(bench.workspace),
        versions=versions(),
        path=path,
        code=code.sources,
    )
    return CallPlan.from_json(admission.admit(plan.to_json()))


def _check(tool: Tool | None, plan: CallPlan) -> None:
    """Raises UsageError E-CALL-ARGUMENTS: what the command line got wrong is no run. A refused path is one."""
    try:
        if tool is not None:
            tool.parse(plan.arguments)
    except ToolArgumentsError as error:
        info = error.info
        why = info.why or f"`agentcli tools show {plan.name}` lists its arguments."
        raise UsageError("E-CALL-ARGUMENTS", info.what, why=why, fix=info.fix) from error
    except ToolError:
        return
