"""What a run does between its first event and its last, by its plan: an agent or a workflow at work, or one call of a
tool.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from agentcli.core.events import RunStarted, ToolCompleted
from agentcli.core.messages import ToolCall
from agentcli.core.outlines import StepOutline
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget
from agentcli.engine.ports import RunLog
from agentcli.engine.scope import Scope
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import DeniedError, RunError, sentence
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.agent_run import Parts, agent_of
from agentcli.workbench.call_plan import CALL_ID, LANE, CallPlan
from agentcli.workbench.run_agent import main_of, model_of, refuse_unpriced, warn_of_deprecated
from agentcli.workbench.workflow_plan import WorkflowPlan

Plan: TypeAlias = AgentPlan | CallPlan | WorkflowPlan
Main: TypeAlias = Callable[[Scope], Awaitable[Any]]

WHY_CHARS = 400
TASK_CHARS = 300


def carrying(door: Effects, log: RunLog, parts: Parts, terms: Sequence[Any], plan: Plan) -> tuple[Main, Budget]:
    """The run's work, ready to begin, and what it counts. `terms` is what `terms_of` gave for the plan of each era."""
    if isinstance(plan, AgentPlan):
        agent = agent_of(plan, door, log, parts, terms)
        return main_of(plan, agent), agent.budget
    if isinstance(plan, WorkflowPlan) and plan.each is not None:
        from agentcli.engine.workflow.each_run import EachRun

        eras = [one.plan.each for one in terms]
        each = EachRun(door, parts.rows, eras[0].source, [one.limits for one in eras], eras[0].concurrency)
        return _if_priced(plan, each.main), each.budget
    if isinstance(plan, WorkflowPlan):
        from agentcli.workbench.workflow_parts import WorkflowRun

        run = WorkflowRun(door, log, parts, terms)
        return run.main, run.budget
    tools = parts.tools("", plan)
    calls = ToolCalls(door, log, tools, parts.approver, parts.admission, terms, parts.happened)
    return _call_of(plan, calls), Budget(terms[0].limits)


def seconds_of(plan: Plan) -> float | None:
    """How long a run by this plan may take."""
    each = plan.each if isinstance(plan, WorkflowPlan) else None
    return plan.limits.seconds if each is None else each.limits.seconds


def _if_priced(plan: WorkflowPlan, main: Main) -> Main:
    async def priced(scope: Scope) -> Any:
        refuse_unpriced(plan)
        return await main(scope)

    return priced


def started_of(plan: Plan, manifest: str = "", outline: tuple[StepOutline, ...] = ()) -> RunStarted:
    """The first event of a run by this plan. `outline` are the steps of a workflow."""
    if isinstance(plan, AgentPlan):
        return RunStarted("agent", plan.agent, model_of(plan), plan.task, plan.inputs, manifest)
    if isinstance(plan, WorkflowPlan):
        model, whole = next(iter(plan.models), None), plan.limits if plan.each is None else plan.each.limits
        limits = {name: limit for name, limit in whole.to_json().items() if limit is not None}
        return RunStarted(plan.kind, plan.name, model, plan.task, plan.inputs, manifest, outline, limits)
    return RunStarted("tool", plan.name, None, task_of(plan), plan.arguments, manifest)


def task_of(plan: CallPlan) -> str:
    """The call in one line, for listings."""
    given = (
        f"{name}={value}" if isinstance(value, str) else f"{name}:={json.dumps(value, ensure_ascii=False)}"
        for name, value in plan.arguments.items()
    )
    return " ".join(" ".join([plan.name, *given]).split())[:TASK_CHARS]


def _call_of(plan: CallPlan, calls: ToolCalls) -> Main:
    async def main(scope: Scope) -> str:
        warn_of_deprecated(calls.door, plan.tools, scope)
        place = scope.child(LANE)
        return _result(await calls.call(ToolCall(CALL_ID, plan.name, plan.arguments), place))

    return main


def _result(done: ToolCompleted) -> str:
    """What the call gave back. Raises DeniedError E-CALL-DENIED, RunError E-CALL-FAILED: a run has one exit code."""
    if done.status == "ok":
        return done.result
    said = " ".join(done.result.split())
    why = sentence(said if len(said) <= WHY_CHARS else f"{said[:WHY_CHARS]}…")
    if done.status == "denied":
        raise DeniedError(
            "E-CALL-DENIED",
            f"The call of `{done.tool}` was refused.",
            why=why,
            fix=f"See `agentcli tools show {done.tool}` for the permission it has here.",
        )
    raise RunError(
        "E-CALL-FAILED",
        f"The call of `{done.tool}` came to nothing.",
        why=why,
        fix=f"See `agentcli tools show {done.tool}` for good calls.",
    )
