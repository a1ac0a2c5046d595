"""The tools of each part of a plan: of an agent, of a call by hand, of each agent and workflow of a workflow's run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentcli.tools.registry import Selection, ToolRegistry
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.own_code import OwnCode, selected

if TYPE_CHECKING:
    from agentcli.workbench.workflow_plan import FlowPlan


def part_tools(
    registry: ToolRegistry, code: OwnCode, tool_seconds: float
) -> Callable[[str, AgentPlan | CallPlan | FlowPlan], Selection]:
    """What `Parts.tools` is for plans whose code is loaded. Raises DefinitionError when a part is asked for.

    `tool_seconds` is the time of a call where the part sets none.
    """

    def tools(key: str, part: AgentPlan | CallPlan | FlowPlan) -> Selection:
        seconds = part.limits.tool_seconds if isinstance(part, (AgentPlan, CallPlan)) else tool_seconds
        return selected(registry, part.uses, seconds, code.part(key))

    return tools
