"""A run's time and a call's time, and what else may end it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult, ToolSpec
from tests.fakes.engine import Answering, FunctionTool, Rig, Said, answer, calls, forever, says
from tests.unit.engine.test_going_on import gone_on, replayed, same


class Thinking(Answering):
    """An approver who never answers."""

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Said:
        self.asked.append(spec.name)
        return await forever()


async def test_the_runs_time_also_ends_a_question_that_nobody_answers() -> None:
    write = says("write", "w", effects="irreversible")
    rig = Rig([calls(("write", {}))], [write], approver=Thinking(), limits=Limits(seconds=0.01))
    outcome = await rig.run()
    assert (outcome.status, rig.approver.asked) == ("limited", ["write"])
    assert rig.seen.types()[-3:] == ["approval.requested", "limit.reached", "run.completed"]


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        (Limits(seconds=0.01, tool_seconds=5), "limited", "E-LIMIT-SECONDS"),
        (Limits(seconds=5, tool_seconds=0.01), "completed", None),
        (Limits(seconds=0.01, tool_seconds=0.01), "limited", "E-LIMIT-SECONDS"),
    ],
)
async def test_the_shorter_of_two_times_ends_a_call(limits: Limits, status: str, code: str | None) -> None:
    async def hangs(_: Mapping[str, Any]) -> ToolResult:
        return await forever()

    rig = Rig([calls(("hang", {}), ("hang", {})), answer()], [FunctionTool("hang", hangs)], limits=limits)
    outcome = await rig.run()
    assert (outcome.status, outcome.error.code if outcome.error else None) in [(status, code), ("limited", code)]


async def test_a_signal_is_no_timeout() -> None:
    begun = asyncio.Event()

    async def hangs(_: Mapping[str, Any]) -> ToolResult:
        begun.set()
        return await forever()

    rig = Rig([calls(("hang", {}))], [FunctionTool("hang", hangs)], limits=Limits(seconds=60, tool_seconds=60))
    task = asyncio.create_task(rig.run())
    await begun.wait()
    task.cancel()
    outcome = await task
    assert (outcome.status, rig.seen.of("tool.completed"), rig.seen.of("limit.reached")) == ("cancelled", [], [])


async def test_the_time_that_is_held_is_that_of_who_goes_on() -> None:
    async def hangs(_: Any) -> ToolResult:
        return await forever()

    first = Rig([calls(("look", {}))], [FunctionTool("look", hangs)], limits=Limits(seconds=0.01))
    assert (await first.run()).status == "limited"
    second = Rig([], [FunctionTool("look", hangs)], limits=Limits(seconds=0.01))
    second.later = [replace(second.terms(), limits=Limits(seconds=0.02))]
    outcome = await gone_on(first.recorded(), second).run()
    assert second.seen.of("limit.reached")[-1].allowed == 0.02
    assert same(await replayed(second), outcome)
