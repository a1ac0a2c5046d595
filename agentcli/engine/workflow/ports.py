"""What a workflow needs beside the door, as small protocols; whoever puts the run together implements them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.core.workflows import WorkflowTemplate
from agentcli.engine.limits import Budget
from agentcli.engine.scope import Scope
from agentcli.engine.tool_calls import ToolCalls

Data: TypeAlias = Mapping[str, Any]
"""What expressions may use, by name: `inputs`, `steps`, `item`, `index`, `last`, `round`, `output`."""


@value(frozen=True, slots=True)
class Place:
    """Where in the plan an action stands: the workflow by its key, the step, and the case of a `switch`.

    The case is None for the step's own action, and the empty text for the default.
    """

    workflow: str
    step: str
    case: str | None = None


class Expressions(Protocol):
    """Fills in expressions. Raises DefinitionError E-TEMPLATE-RENDER with the cause."""

    def value(self, value: Json, data: Data) -> Json:
        """The value with every text in it filled in; a text that is one expression becomes that one's value."""


class Workflows(Protocol):
    """The workflows of the plan."""

    def template(self, key: str) -> WorkflowTemplate:
        """The workflow of that key."""

    def nested(self, key: str, name: str) -> str:
        """The key of the workflow that one calls by this name."""

    def inputs(self, key: str, given: Mapping[str, Json]) -> dict[str, Json]:
        """Its inputs, converted and complete. Raises UsageError E-INPUT-…."""


class Agent(Protocol):
    """An agent with its task."""

    async def run(self, scope: Scope) -> Any:
        """Its answer. Raises AgentcliError."""


class Agents(Protocol):
    """Who answers the prompts of steps."""

    def loop(self, place: Place, data: Data, budget: Budget) -> Agent:
        """The agent with the prompt of that place filled in, ready to begin. What it uses counts in the budget.

        Raises DefinitionError E-TEMPLATE-RENDER, UsageError E-INPUT-….
        """


class Files(Protocol):
    """The files that `foreach` reads."""

    async def rows(self, path: str) -> list[Json]:
        """The rows of a file in the workspace. Raises RunError E-STEP-FILE."""


@value(frozen=True, slots=True)
class Parts:
    """All of them. `calls` gives the tool calls that the action at a place is one of."""

    expressions: Expressions
    workflows: Workflows
    agents: Agents
    files: Files
    calls: Callable[[Place], ToolCalls]
