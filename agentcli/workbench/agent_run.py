"""Putting an agent's run together, from its plans and from what it reaches the outside through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from agentcli.core.canonical import decode, digest_bytes
from agentcli.core.events import CodeStarted
from agentcli.core.messages import Message
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.output import OutputSchema
from agentcli.engine.ports import Approver, Code, ModelProvider, RunLog, ToolSet
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.workbench.call_plan import CallPlan

if TYPE_CHECKING:
    from agentcli.engine.code_agent import CodeAgent
    from agentcli.workbench.agent_plan import AgentPlan
    from agentcli.workbench.wiring import Workbench


Agent: TypeAlias = "AgentLoop | CodeAgent"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run reaches the outside through. `happened`: see `ToolCalls`; `code` is that of a custom agent."""

    provider: ModelProvider
    tools: ToolSet
    approver: Approver
    admission: Admission
    happened: frozenset[str] = frozenset()
    code: Code | None = None


def terms_of(bench: Workbench, plan: AgentPlan | CallPlan) -> Terms:
    """The plan as the engine goes by it. Raises DefinitionError, and StorageError for a history that is not held."""
    if isinstance(plan, CallPlan):
        return plan.terms()
    said = [Message.from_json(decode(bench.journal.blob(digest))) for digest in plan.history]
    system = Message("system", plan.instructions)
    if plan.agent_code is not None:
        opening: tuple[Message, ...] = (system,) if plan.instructions else ()
    else:
        opening = (system, *said, Message("user", plan.message))
    return Terms(
        head=plan.head(),
        opening=opening,
        limits=plan.limits,
        policy=plan.policy.to_policy(),
        output=OutputSchema(plan.output_schema) if plan.output_schema is not None else None,
        begins=_begins(plan),
    )


def _begins(plan: AgentPlan) -> CodeStarted | None:
    """What a custom agent's code is given first; with it a replay sees whether it is the recorded code."""
    if plan.agent_code is None:
        return None
    return CodeStarted(digest_bytes(plan.agent_code.text.encode()), plan.message, plan.inputs)


def agent_of(plan: AgentPlan, door: Effects, log: RunLog, parts: Parts, terms: Sequence[Terms]) -> Agent:
    """The agent of a run, ready to begin."""
    tools = ToolCalls(door, log, parts.tools, parts.approver, parts.admission, terms, parts.happened)
    budget = Budget(terms[0].limits)
    if parts.code is not None:
        from agentcli.engine.code_agent import CodeAgent

        return CodeAgent(plan.agent, door, log, parts.code, parts.provider, tools, budget, parts.admission, terms)
    return AgentLoop(door, ModelCalls(door, log, parts.provider, parts.admission), tools, budget, terms)
