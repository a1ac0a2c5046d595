"""Workflows carried out in tests, each of them replayed as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from agentcli.core.tools import ToolResult
from agentcli.engine.lifecycle import RunOutcome
from agentcli.errors import ModelError
from tests.fakes.engine import FunctionTool
from tests.fakes.flows import Flow, Said, loud, plan_of, replayed, told

HEAD = "version: 1\nkind: workflow\nname: flow\n"
INNER = (
    "version: 1\nkind: workflow\nname: inner\ninputs: {of: {}}\nconcurrency: 3\n"
    "steps:\n- {foreach: [1, 2, 3], prompt: '{{ inputs.of }}{{ item }}'}\n"
)
DOWN = ModelError("E-MODEL-UNREACHABLE", "No server answers.")


async def ran(text: str, *others: str, **parts: Any) -> tuple[Flow, RunOutcome]:
    """The workflow carried out, and replayed."""
    of_plan = {name: parts.pop(name) for name in ("inputs", "limits", "agent_limits") if name in parts}
    flow = Flow(plan_of(HEAD + text, *others, tools=parts.get("tools", ()), **of_plan), **parts)
    outcome = await asyncio.wait_for(flow.run(), 20)
    again, second = await replayed(flow)
    assert told(second) == told(outcome)
    assert again.seen.events == flow.recorded()
    return flow, outcome


def code(outcome: RunOutcome) -> str | None:
    return outcome.error.code if outcome.error is not None else None


def failing(*prompts: str, times: int = 99) -> Any:
    """A model that fails for some prompts, so many times each."""

    def reply(prompt: str, earlier: int) -> Said:
        return DOWN if prompt in prompts and earlier < times else loud(prompt, earlier)

    return reply


def echo(name: str = "echo") -> FunctionTool:
    """A tool that gives back its argument `text`."""

    async def function(arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(str(arguments["text"]))

    return FunctionTool(name, function)
