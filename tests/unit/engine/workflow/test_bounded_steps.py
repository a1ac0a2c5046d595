"""What a workflow, its steps and those inside of them may use up; each run is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult
from tests.fakes.engine import FunctionTool
from tests.fakes.flows import Said, a_call
from tests.fakes.running_flows import (
    INNER,
    code,
    echo,
    ran,
)

# -- limits


async def test_a_limit_of_the_run_ends_it_whatever_on_error_says() -> None:
    text = 'on_error: continue\nsteps:\n- {id: a, foreach: [1, 2, 3, 4], prompt: "{{ item }}"}\n- b\n'
    flow, outcome = await ran(text, limits=Limits(turns=2))
    assert (outcome.status, outcome.exit_code, code(outcome)) == ("limited", 4, "E-LIMIT-TURNS")
    assert flow.fate()["step_2"] == "cancelled"
    reasons = {event.lane: event.body.to_json()["reason"] for event in flow.of("step.cancelled")}
    assert reasons == {
        "step.a": "The run was stopped by its limit of 2 turns.",
        "step.step_2": "The workflow was stopped.",
    }


async def test_a_limit_of_a_step_is_a_failure_of_that_step() -> None:
    text = (
        'on_error: continue\nsteps:\n- {id: a, foreach: [1, 2, 3], prompt: "{{ item }}", limits: {turns: 2}}\n'
        "- {needs: [], prompt: b}\n"
    )
    flow, outcome = await ran("concurrency: 1\n" + text)
    assert (outcome.status, code(outcome)) == ("failed", "E-STEPS-FAILED")
    fate = flow.fate()
    assert [fate[f"a/item.{n}"] for n in (1, 2, 3)] == ["completed", "completed", "failed"]
    assert fate["step_2"] == "completed"


async def test_a_steps_limit_is_its_own_failure_also_where_the_runs_is_used_up() -> None:
    def calls_for_ever(_prompt: str, _earlier: int) -> Said:
        return a_call("echo", text="x")

    text = "on_error: continue\nsteps:\n- {id: a, prompt: a, limits: {turns: 2}}\n"
    _, outcome = await ran(text, says=calls_for_ever, tools=[echo()], limits=Limits(turns=3))
    assert (outcome.status, code(outcome)) == ("failed", "E-STEPS-FAILED")


async def test_a_nested_workflows_limit_is_a_failure_of_the_step_around_it() -> None:
    inner = INNER + "limits: {turns: 1}\n"
    text = (
        "on_error: continue\nconcurrency: 1\nsteps:\n- {id: n, workflow: inner, inputs: {of: x}}\n"
        "- {needs: [], prompt: b}\n"
    )
    flow, outcome = await ran(text, inner)
    assert (outcome.status, flow.fate()["step_2"]) == ("failed", "completed")


# -- time


class Hangs:
    """A tool that never ends by itself the first so many times; tells how often it was stopped."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.stopped = 0

    async def __call__(self, _arguments: Mapping[str, Any]) -> ToolResult:
        if self.stopped >= self.times:
            return ToolResult("done")
        try:
            return await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.stopped += 1
            raise


@pytest.mark.parametrize("around", ["timeout: 0.01", "limits: {seconds: 0.01}"])
async def test_a_step_that_takes_too_long_fails_and_its_tool_is_stopped(around: str) -> None:
    hangs = Hangs(9)
    text = f"on_error: continue\nsteps:\n- {{id: a, tool: hang, {around}}}\n- {{needs: [], prompt: b}}\n"
    flow, outcome = await ran(text, tools=[FunctionTool("hang", hangs)])
    assert (hangs.stopped, outcome.exit_code, flow.fate()) == (1, 1, {"a": "failed", "step_2": "completed"})
    reached = flow.of("limit.reached")[0]
    assert (reached.result is not None, reached.body.to_json()["limit"]) == (True, "step_seconds")
    assert flow.of("step.failed")[0].body.to_json()["error"]["code"] == "E-STEP-TIMEOUT"


async def test_a_try_that_took_too_long_is_followed_by_another_with_time_of_its_own() -> None:
    hangs = Hangs(1)
    text = "steps:\n- {id: a, tool: hang, timeout: 0.01, retry: {attempts: 2}}\n"
    _, outcome = await ran(text, tools=[FunctionTool("hang", hangs)])
    assert (outcome.output, hangs.stopped) == ("done", 1)


@pytest.mark.parametrize("inside", ["timeout: 5", "timeout: 0.01"])
@pytest.mark.parametrize("around", ["timeout: 5", "timeout: 0.01"])
async def test_of_two_times_the_shorter_one_ends_a_step(inside: str, around: str) -> None:
    inner = f"version: 1\nkind: workflow\nname: inner\nsteps:\n- {{id: i, tool: hang, {inside}}}\n"
    hangs = Hangs(0 if inside == around == "timeout: 5" else 9)
    _, outcome = await ran(
        f"steps:\n- {{id: n, workflow: inner, {around}}}\n", inner, tools=[FunctionTool("hang", hangs)]
    )
    assert code(outcome) == (None if not hangs.times else "E-STEP-TIMEOUT")


async def test_the_time_of_a_nested_workflow_holds_for_all_of_its_steps() -> None:
    inner = "version: 1\nkind: workflow\nname: inner\nlimits: {seconds: 0.01}\nsteps:\n- {id: i, tool: hang}\n"
    hangs = Hangs(9)
    _, outcome = await ran("steps:\n- {id: n, workflow: inner}\n", inner, tools=[FunctionTool("hang", hangs)])
    assert (code(outcome), hangs.stopped) == ("E-STEP-TIMEOUT", 1)


async def test_a_call_has_no_more_time_than_its_step_gives_it() -> None:
    hangs = Hangs(9)
    text = "steps:\n- {id: a, tool: hang, limits: {tool_seconds: 0.01}}\n"
    _, outcome = await ran(text, tools=[FunctionTool("hang", hangs)])
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.why) == (
        "E-STEP-CALL",
        "`hang` did not end within 0.01 s and was stopped.",
    )


async def test_the_time_of_the_run_ends_it() -> None:
    text = "on_error: continue\nsteps:\n- {id: a, tool: hang, timeout: 5, retry: {attempts: 3}}\n"
    _, outcome = await ran(text, tools=[FunctionTool("hang", Hangs(9))], limits=Limits(turns=None, seconds=0.01))
    assert (outcome.status, code(outcome)) == ("limited", "E-LIMIT-SECONDS")
