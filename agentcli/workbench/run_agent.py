"""Run an agent once, on record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import Digest, digest_bytes, encode
from agentcli.core.events import RunStarted, Warned
from agentcli.core.ids import RANDOM_BITS, run_id
from agentcli.core.runs import Relation, RunStart
from agentcli.core.tools import ToolSpec
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink
from agentcli.engine.scope import Scope
from agentcli.errors import LimitError
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.agent_run import Parts, agent_loop, terms_of
from agentcli.workbench.deprecated_tools import deprecation
from agentcli.workbench.own_code import OwnCode, own_code, selected
from agentcli.workbench.plan_agent import plan_agent
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.providers.registry import Providers


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One task for one agent.

    `inputs` holds texts (converted by the declared type) and JSON values; `attachments` names and texts, added to
    the task; `continue_last` goes on with the last conversation; `limits` overrides the template's.
    """

    task: str
    agent: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[tuple[str, str]] = ()
    continue_last: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)


async def run_agent(
    bench: Workbench,
    request: RunRequest,
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
    request: RunRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt,
) -> RunOutcome:
    admission = Admission(bench.redactor)
    plan, parent = await plan_agent(bench, request, admission, code)
    providers = bench.open_providers()
    try:
        # What can be wrong with the plan is raised here, before there is a run.
        parts = Parts(providers.open(plan.models), selected(bench.tools, plan, code), approver, admission)
        terms = [terms_of(bench, plan)]
        plan = replace(plan, unpriced=await unpriced(providers, plan))
        manifest = encode(plan.to_json())
        start = start_of(plan, digest_bytes(manifest), parent, "session" if parent else None)
        log = bench.journal.begin(start)
        log.put(manifest)
        door = Effects(start.id, log, SystemClock(), sinks=sinks, parent=parent)
        loop = agent_loop(door, log, parts, terms)
        started = RunStarted("agent", plan.agent, start.model, plan.task, plan.inputs, start.manifest)
        main, interrupt, seconds = main_of(plan, loop), interrupt or Interrupt(), plan.limits.seconds
        return await execute(door, log, loop.budget, started, main, interrupt, admission, seconds=seconds)
    finally:
        await to_the_end(providers.aclose())


def start_of(
    plan: AgentPlan, manifest: Digest, parent: str | None, relation: Relation | None, cut: int | None = None
) -> RunStart:
    """The row of a new run by this plan."""
    now = SystemClock().now()
    return RunStart(
        id=run_id(now, secrets.randbits(RANDOM_BITS)),
        kind="agent",
        name=plan.agent,
        task=plan.task,
        model=plan.models[0],
        manifest=manifest,
        started=now,
        parent=parent,
        relation=relation,
        cut=cut,
    )


def main_of(plan: AgentPlan, loop: AgentLoop) -> Callable[[Scope], Awaitable[Any]]:
    """What the run does between its first event and its last."""

    async def main(scope: Scope) -> Any:
        refuse_unpriced(plan)
        warn_of_deprecated(loop.door, plan.tools, scope)
        return await loop.run(scope)

    return main


def warn_of_deprecated(door: Effects, tools: Sequence[ToolSpec], scope: Scope) -> None:
    """Say which of the run's tools are on their way out, on record."""
    for spec in tools:
        if (info := deprecation(spec)) is not None:
            door.emit(Warned(info.code, info.what, info.fix), scope)


async def unpriced(providers: Providers, plan: AgentPlan) -> tuple[str, ...]:
    """The plan's models whose price is not known, where its cost is limited."""
    if plan.limits.cost_usd is None:
        return ()
    known = [await asyncio.to_thread(providers.price_known, model) for model in plan.models]
    return tuple(model for model, is_known in zip(plan.models, known, strict=True) if not is_known)


def refuse_unpriced(plan: AgentPlan) -> None:
    """Raises LimitError E-LIMIT-COST-UNKNOWN where a cost that is limited could not be counted."""
    if plan.unpriced:
        raise LimitError(
            "E-LIMIT-COST-UNKNOWN",
            f"The price of `{plan.unpriced[0]}` is not known, so its cost cannot be limited.",
            why=f"The run has a limit of {plan.limits.cost_usd:g} US dollars.",
            fix="Use a model of known price, or limit tokens instead.",
            limit="cost_usd",
        )
