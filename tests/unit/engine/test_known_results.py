"""What a tool itself knows of its call: a timeout after which nothing is in doubt, changes that nobody saw."""

from __future__ import annotations

from typing import Any

from agentcli.core.tools import ToolResult
from tests.fakes.engine import Answering, FunctionTool, Rig, Said, answer, calls


def wipe(function: Any) -> FunctionTool:
    return FunctionTool("wipe", function, "irreversible")


async def test_an_irreversible_tool_that_gives_a_timeout_back_knows_what_it_did() -> None:
    async def stopped(_arguments: Any) -> ToolResult:
        return ToolResult("stopped, and nothing was changed", "timeout")

    rig = Rig([calls(("wipe", {})), answer("done")], [wipe(stopped)], approver=Answering([Said("once")]))
    outcome = await rig.run()
    assert outcome.output == "done"
    assert [body.status for body in rig.seen.of("tool.completed")] == ["timeout"]


async def test_what_a_call_may_have_changed_unseen_is_on_record() -> None:
    async def unseen(_arguments: Any) -> ToolResult:
        return ToolResult("done", unseen=True)

    rig = Rig([calls(("wipe", {})), answer("done")], [wipe(unseen)], approver=Answering([Said("once")]))
    assert (await rig.run()).output == "done"
    (body,) = rig.seen.of("tool.completed")
    assert body.unseen
