"""What a run does between its first event and its last, by its plan: an agent at work, or one call of a tool."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from agentcli.core.events import RunStarted, ToolCompleted
from agentcli.core.messages import ToolCall
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget
from agentcli.engine.ports import RunLog
from agentcli.engine.scope import Scope
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import DeniedError, RunError, sentence
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.agent_run import Parts, agent_of
from agentcli.workbench.call_plan import CALL_ID, LANE, CallPlan
from agentcli.workbench.run_agent import main_of, model_of, warn_of_deprecated

Plan: TypeAlias = AgentPlan | CallPlan
Main: TypeAlias = Callable[[Scope], Awaitable[Any]]

WHY_CHARS = 400
TASK_CHARS = 300


def carrying(door: Effects, log: RunLog, parts: Parts, terms: Sequence[Terms], plan: Plan) -> tuple[Main, Budget]:
    """The run's work, ready to begin, and what it counts."""
    if isinstance(plan, AgentPlan):
        agent = agent_of(plan, door, log, parts, terms)
        return main_of(plan, agent), agent.budget
    calls = ToolCalls(door, log, parts.tools, parts.approver, parts.admission, terms, parts.happened)
    return _call_of(plan, calls), Budget(terms[0].limits)


def started_of(plan: Plan, manifest: str = "") -> RunStarted:
    """The first event of a run by this plan."""
    if isinstance(plan, AgentPlan):
        return RunStarted("agent", plan.agent, model_of(plan), plan.task, plan.inputs, manifest)
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
