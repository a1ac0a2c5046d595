"""Run an agent once, on record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import Digest, digest_bytes, encode
from agentcli.core.events import RunStarted, Warned
from agentcli.core.ids import RANDOM_BITS, run_id
from agentcli.core.runs import Relation, RunStart
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.ports import Approver, EventSink, ModelProvider
from agentcli.engine.scope import Scope
from agentcli.errors import LimitError
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.agent_run import Agent, Parts, agent_of, terms_of
from agentcli.workbench.agents_code import confined_code
from agentcli.workbench.choose_model import NoModel
from agentcli.workbench.deprecated_tools import deprecation
from agentcli.workbench.own_code import OwnCode, own_code, selected
from agentcli.workbench.plan_agent import plan_agent
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.providers.registry import Providers
    from agentcli.workbench.workflow_plan import WorkflowPlan


@value(frozen=True, slots=True)
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
    async with opened(bench) as providers:
        # What can be wrong with the plan is raised here, before there is a run.
        model = model_for(providers, plan.models)
        tools = selected(bench.tools, plan.uses, plan.limits.tool_seconds, code)
        confined = confined_code(bench, lambda: bench.workspace_view)
        parts = Parts(lambda _: model, lambda _key, _plan: tools, approver, admission, code=confined)
        terms = [terms_of(bench, plan)]
        plan = replace(plan, unpriced=await unpriced(providers, plan))
        manifest = encode(plan.to_json())
        start = start_of(plan, digest_bytes(manifest), parent, "session" if parent else None)
        log = bench.journal.begin(start)
        log.put(manifest)
        door = Effects(start.id, log, SystemClock(), sinks=sinks, parent=parent)
        agent = agent_of(plan, door, log, parts, terms)
        started = RunStarted("agent", plan.agent, start.model, plan.task, plan.inputs, start.manifest)
        main, seconds = main_of(plan, agent), plan.limits.seconds
        return await execute(door, log, agent.budget, started, main, interrupt, admission, seconds=seconds)


@asynccontextmanager
async def opened(bench: Workbench) -> AsyncIterator[Providers]:
    """The models by name, until they are closed again."""
    providers = bench.open_providers()
    try:
        yield providers
    finally:
        await to_the_end(providers.aclose())


def model_of(plan: AgentPlan) -> str | None:
    """The model that is asked first; None where a custom agent was begun without any."""
    return plan.models[0] if plan.models else None


def model_for(providers: Providers, models: Sequence[str]) -> ModelProvider:
    """What answers the requests of a plan with these models; it may be one that needs none."""
    return providers.open(models) if models else NoModel()


def start_of(
    plan: AgentPlan | WorkflowPlan,
    manifest: Digest,
    parent: str | None = None,
    relation: Relation | None = None,
    cut: int | None = None,
) -> RunStart:
    """The row of a new run by this plan."""
    now = SystemClock().now()
    return RunStart(
        id=run_id(now, secrets.randbits(RANDOM_BITS)),
        kind=plan.kind,
        name=plan.name,
        task=plan.task,
        model=next(iter(plan.models), None),
        manifest=manifest,
        started=now,
        parent=parent,
        relation=relation,
        cut=cut,
    )


def main_of(plan: AgentPlan, agent: Agent) -> Callable[[Scope], Awaitable[Any]]:
    """What the run does between its first event and its last."""

    async def main(scope: Scope) -> Any:
        refuse_unpriced(plan)
        warn_of_deprecated(agent.door, plan.tools, scope)
        return await agent.run(scope)

    return main


def warn_of_deprecated(door: Effects, tools: Sequence[ToolSpec], scope: Scope) -> None:
    """Say which of the run's tools are on their way out, on record."""
    for spec in tools:
        if (info := deprecation(spec)) is not None:
            door.emit(Warned(info.code, info.what, info.fix), scope)


def _cost_limit(plan: AgentPlan | WorkflowPlan) -> float | None:
    """The limit of the cost; of a run for each row that of all rows, where there is one."""
    each = getattr(plan, "each", None)
    return plan.limits.cost_usd if each is None or each.limits.cost_usd is None else each.limits.cost_usd


async def unpriced(providers: Providers, plan: AgentPlan | WorkflowPlan) -> tuple[str, ...]:
    """The plan's models whose price is not known, where its cost is limited."""
    if _cost_limit(plan) is None:
        return ()
    known = [await asyncio.to_thread(providers.price_known, model) for model in plan.models]
    return tuple(model for model, is_known in zip(plan.models, known, strict=True) if not is_known)


def refuse_unpriced(plan: AgentPlan | WorkflowPlan) -> None:
    """Raises LimitError E-LIMIT-COST-UNKNOWN where a cost that is limited could not be counted."""
    if plan.unpriced:
        raise LimitError(
            "E-LIMIT-COST-UNKNOWN",
            f"The price of `{plan.unpriced[0]}` is not known, so its cost cannot be limited.",
            why=f"The run has a limit of {_cost_limit(plan):g} US dollars.",
            fix="Use a model of known price, or limit tokens instead.",
            limit="cost_usd",
        )
