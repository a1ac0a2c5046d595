"""Run an agent once, on record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import decode, digest_bytes, encode
from agentcli.core.events import RunStarted
from agentcli.core.ids import RANDOM_BITS, run_id
from agentcli.core.messages import Conversation, Message
from agentcli.core.runs import RunStart
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute, to_the_end
from agentcli.engine.limits import Budget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.output import OutputSchema
from agentcli.engine.ports import Approver, EventSink, ModelProvider, RunLog
from agentcli.engine.scope import Scope
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import LimitError
from agentcli.workbench.agent_plan import AgentPlan
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
    admission = Admission(bench.redactor)
    plan, parent = await plan_agent(bench, request, admission)
    providers = bench.open_providers()
    try:
        provider = providers.open(plan.models)
        loop_on = _loop(bench, plan, provider, approver, admission)
        manifest = encode(plan.to_json())
        start = _start(plan, digest_bytes(manifest), parent)
        log = bench.journal.begin(start)
        log.put(manifest)
        door = Effects(start.id, log, SystemClock(), sinks=sinks, parent=parent)
        loop = loop_on(door, log)
        started = RunStarted("agent", plan.agent, start.model, plan.task, plan.inputs, start.manifest)

        async def main(scope: Scope) -> Any:
            await _refuse_unknown_price(providers, plan)
            return await loop.run(scope)

        return await execute(door, log, loop.budget, started, main, interrupt or Interrupt(), admission)
    finally:
        await to_the_end(providers.aclose())


def _start(plan: AgentPlan, manifest: str, parent: str | None) -> RunStart:
    clock = SystemClock()
    now = clock.now()
    return RunStart(
        id=run_id(now, secrets.randbits(RANDOM_BITS)),
        kind="agent",
        name=plan.agent,
        task=plan.task,
        model=plan.models[0],
        manifest=manifest,
        started=now,
        parent=parent,
        relation="session" if parent else None,
    )


def _loop(
    bench: Workbench, plan: AgentPlan, provider: ModelProvider, approver: Approver, admission: Admission
) -> Callable[[Effects, RunLog], AgentLoop]:
    """The agent, ready to be put on record. What can be wrong with the plan is raised here, before there is a run."""
    tools, policy, head = bench.tools.select(plan.uses), plan.policy.to_policy(), plan.head()
    conversation = conversation_of(bench, plan)
    output = OutputSchema(plan.output_schema) if plan.output_schema is not None else None

    def loop(door: Effects, log: RunLog) -> AgentLoop:
        return AgentLoop(
            door=door,
            model=ModelCalls(door, log, provider, admission, head),
            tools=ToolCalls(door, log, tools, policy, approver, admission, plan.limits.tool_seconds),
            budget=Budget(plan.limits),
            conversation=conversation,
            output=output,
        )

    return loop


def conversation_of(bench: Workbench, plan: AgentPlan) -> Conversation:
    """The conversation that the run begins with: instructions, what was said before, the task."""
    said = [Message.from_json(decode(bench.journal.blob(digest))) for digest in plan.history]
    return Conversation([Message("system", plan.instructions), *said, Message("user", plan.message)])


async def _refuse_unknown_price(providers: Providers, plan: AgentPlan) -> None:
    if plan.limits.cost_usd is None:
        return
    unknown = [model for model in plan.models if not await asyncio.to_thread(providers.price_known, model)]
    if unknown:
        raise LimitError(
            "E-LIMIT-COST-UNKNOWN",
            f"The price of `{unknown[0]}` is not known, so its cost cannot be limited.",
            why=f"The run has a limit of {plan.limits.cost_usd:g} US dollars.",
            fix="Use a model of known price, or limit tokens instead.",
            limit="cost_usd",
        )
