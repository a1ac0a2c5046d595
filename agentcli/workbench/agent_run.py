"""Putting an agent's run together, from its plans and from what it reaches the outside through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import decode
from agentcli.core.messages import Message
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget, SharedBudget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.output import OutputSchema
from agentcli.engine.ports import Approver, ModelProvider, RunLog, ToolSet
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.call_plan import CallPlan

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench
    from agentcli.workbench.workflow_plan import WorkflowPlan


@value(frozen=True, slots=True)
class Parts:
    """What a run reaches the outside through. `happened`: see `ToolCalls`.

    `models` opens a chain of models by their names; `tools` gives the tools of one part of the plan, which is named by
    its key there (the plan itself by the empty text). `files` and `rows` are the engine's ports of those names; None
    where the run reads none. `whole` is what the run and others use up together.
    """

    models: Callable[[Sequence[str]], ModelProvider]
    tools: Callable[[str, Any], ToolSet]
    approver: Approver
    admission: Admission
    happened: frozenset[str] = frozenset()
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
    return Terms(
        head=plan.head(),
        opening=(Message("system", plan.instructions), *said, Message("user", plan.message)),
        limits=plan.limits,
        policy=plan.policy.to_policy(),
        output=OutputSchema(plan.output_schema) if plan.output_schema is not None else None,
    )


def agent_loop(door: Effects, log: RunLog, parts: Parts, terms: Sequence[Terms], plan: AgentPlan) -> AgentLoop:
    """The agent of a run, ready to begin."""
    provider, tools = parts.models(plan.models), parts.tools("", plan)
    return AgentLoop(
        door=door,
        model=ModelCalls(door, log, provider, parts.admission),
        tools=ToolCalls(door, log, tools, parts.approver, parts.admission, terms, parts.happened),
        budget=Budget(terms[0].limits),
        terms=terms,
    )
