"""Putting an agent's run together, from its plans and from what it reaches the outside through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcli.core.canonical import decode, digest_bytes
from agentcli.core.events import CodeStarted
from agentcli.core.messages import Message
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget, SharedBudget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.output import OutputSchema
from agentcli.engine.ports import Approver, Code, ModelProvider, RunLog, ToolSet
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.call_plan import CallPlan

if TYPE_CHECKING:
    from agentcli.engine.code_agent import CodeAgent
    from agentcli.workbench.wiring import Workbench
    from agentcli.workbench.workflow_plan import WorkflowPlan


Agent: TypeAlias = "AgentLoop | CodeAgent"


@value(frozen=True, slots=True)
class Parts:
    """What a run reaches the outside through. `happened`: see `ToolCalls`; `code` gives that of a custom agent.

    `models` opens a chain of models by their names; `tools` gives the tools of one part of the plan, which is named by
    its key there (the plan itself by the empty text). `files` and `rows` are the engine's ports of those names; None
    where the run reads none. `whole` is what the run and others use up together.
    """

    models: Callable[[Sequence[str]], ModelProvider]
    tools: Callable[[str, Any], ToolSet]
    approver: Approver
    admission: Admission
    happened: frozenset[str] = frozenset()
    code: Callable[[AgentPlan], Code] | None = None
    files: Any = field(default=None)
    rows: Any = field(default=None)
    whole: SharedBudget | None = None


def terms_of(bench: Workbench, plan: AgentPlan | CallPlan | WorkflowPlan) -> Any:
    """The plan as the engine goes by it: `Terms`, of a workflow `WorkflowTerms`.

    Raises DefinitionError, and StorageError for a history that is not held.
    """
    if not isinstance(plan, (AgentPlan, CallPlan)):
        from agentcli.workbench.workflow_terms import WorkflowTerms

        return WorkflowTerms(plan)
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
    tools = ToolCalls(door, log, parts.tools("", plan), parts.approver, parts.admission, terms, parts.happened)
    return agent_with(plan, door, log, parts, tools, parts.models(plan.models), Budget(terms[0].limits))


def agent_with(
    plan: AgentPlan,
    door: Effects,
    log: RunLog,
    parts: Parts,
    tools: ToolCalls,
    provider: ModelProvider,
    budget: Budget,
) -> Agent:
    """The same with these tools and this model, in a part of a run: what it uses counts in the budget."""
    if plan.agent_code is not None and parts.code is not None:
        from agentcli.engine.code_agent import CodeAgent

        code = parts.code(plan)
        return CodeAgent(plan.agent, door, log, code, provider, tools, budget, parts.admission, tools.terms)
    return AgentLoop(door, ModelCalls(door, log, provider, parts.admission), tools, budget, tools.terms)
