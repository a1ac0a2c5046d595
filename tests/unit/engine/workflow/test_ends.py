"""What ends a workflow's run whatever `on_error` says, and what being stopped from outside does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from agentcli.errors import StorageError
from tests.fakes.engine import FunctionTool
from tests.fakes.flows import Flow, described, gone_on, loud, plan_of, refuse, replayed, told
from tests.fakes.running_flows import HEAD, ran

LENIENT = (
    "on_error: continue\nconcurrency: 2\nsteps:\n"
    '- {id: a, foreach: [1, 2, 3], prompt: "{{ item }}", retry: {attempts: 3}, on_error: {fallback: f}}\n'
    "- {id: f, prompt: instead}\n- {id: n, needs: [], workflow: inner, retry: {attempts: 2}}\n"
)
INNER = (
    "version: 1\nkind: workflow\nname: inner\non_error: continue\nsteps:\n- {prompt: inside, retry: {attempts: 2}}\n"
)


async def test_a_divergence_ends_a_replay_through_tries_fallbacks_and_nested_workflows() -> None:
    flow, _ = await ran(LENIENT, INNER)
    for place in ("flow/a", "inner/step_1"):
        other = Flow(replace(flow.plan, prompts={place: "something else"}), refuse)
        other.playback = Playback(Recording(flow.recorded(), described), "refuse")
        outcome = await asyncio.wait_for(other.run(), 20)
        assert (outcome.exit_code, other.playback.divergence is not None) == (6, True)
        assert {event.body.type for event in other.recorded()} & {"step.retried", "step.failed"} == set()


async def test_a_journal_that_cannot_be_written_ends_the_run() -> None:
    flow = Flow(plan_of(HEAD + LENIENT, INNER))

    async def breaks(prompt: str, _earlier: int) -> str:
        if prompt == "2":
            assert flow.log is not None
            flow.log.fails = StorageError("E-JOURNAL-FULL", "The disk is full.")
        return prompt

    flow.model.says = breaks
    outcome = await asyncio.wait_for(flow.run(), 20)
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", "E-JOURNAL-FULL")
    assert "instead" not in flow.model.asked


STEPS = (
    "steps:\n- {id: a, prompt: a}\n- {id: b, needs: [], tool: hang}\n"
    "- {id: c, needs: [b], prompt: c}\n- {id: n, needs: [], workflow: nest}\n"
)
NEST = "version: 1\nkind: workflow\nname: nest\nsteps:\n- {id: i, foreach: [1, 2], tool: hang}\n"


class Hanging:
    """A tool that ends only when it is stopped."""

    def __init__(self) -> None:
        self.begun = self.stopped = 0
        self.busy = asyncio.Event()

    async def __call__(self, _arguments: Mapping[str, Any]) -> ToolResult:
        self.begun += 1
        if self.begun == 3:
            self.busy.set()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.stopped += 1


async def test_stopping_the_run_stops_every_tool_and_says_so_of_every_step_that_was_not_over() -> None:
    hanging = Hanging()
    tool = FunctionTool("hang", hanging, "idempotent")
    flow = Flow(plan_of(HEAD + STEPS, NEST, tools=[tool]), tools=[tool])
    task = asyncio.create_task(flow.run())
    await asyncio.wait_for(hanging.busy.wait(), 20)
    task.cancel()
    outcome = await asyncio.wait_for(task, 20)
    assert (outcome.status, outcome.exit_code, hanging.stopped) == ("cancelled", 130, 3)
    assert flow.fate() == {"a": "completed", "b": "cancelled", "c": "cancelled", "n/i": "cancelled", "n": "cancelled"}

    async def ends(_arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult("done")

    after = gone_on(flow, flow.recorded(), tools=[FunctionTool("hang", ends, "idempotent")])
    outcome = await asyncio.wait_for(after.run(), 20)
    assert (outcome.status, outcome.output, after.model.asked) == ("completed", ["done", "done"], ["c"])
    assert told((await replayed(after))[1]) == told(outcome)


@pytest.mark.parametrize("limits", [Limits(turns=1), Limits(turns=None, tokens=12)])
async def test_a_limit_of_the_whole_counts_what_all_steps_used_and_goes_on_where_it_is_raised(limits: Limits) -> None:
    text = HEAD + "on_error: continue\nsteps:\n- {id: a, prompt: a}\n- {id: n, workflow: inner}\n- {id: c, prompt: c}\n"
    flow = Flow(plan_of(text, INNER, limits=limits))
    outcome = await flow.run()
    assert (outcome.status, outcome.exit_code, flow.model.asked) == ("limited", 4, ["a"])
    more = gone_on(flow, flow.recorded(), plan=plan_of(text, INNER, limits=Limits(turns=2)))
    assert (await more.run()).status == "limited"
    assert more.model.asked == ["inside"]
    rest = gone_on(more, more.recorded(), plan=plan_of(text, INNER), says=loud)
    outcome = await rest.run()
    assert (outcome.status, outcome.output, rest.model.asked) == ("completed", "C", ["c"])
    assert told((await replayed(rest))[1]) == told(outcome)
