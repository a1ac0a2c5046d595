"""Workflows that stopped and go on: what had failed is tried again, what was done stays, and the whole replays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentcli.core.agents import Permissions
from agentcli.core.limits import Limits
from agentcli.core.policies import Layer
from agentcli.core.tools import ToolResult
from agentcli.engine.recording import Recording
from agentcli.errors import ModelError
from agentcli.workbench.agent_plan import PolicyPlan
from tests.fakes.engine import Answering, FunctionTool
from tests.fakes.engine import Said as Yes
from tests.fakes.flows import Flow, Said, described, forked, gone_on, loud, plan_of, replayed, told

HEAD = "version: 1\nkind: workflow\nname: flow\n"
DOWN = ModelError("E-MODEL-UNREACHABLE", "No server answers.")


def fails_on(*prompts: str) -> Any:
    """A model that cannot be reached for some prompts."""

    def says(prompt: str, earlier: int) -> Said:
        return DOWN if prompt in prompts else loud(prompt, earlier)

    return says


async def resumed(flow: Flow, **changes: Any) -> Flow:
    """The flow's record gone on with; the whole of it replays."""
    new = gone_on(flow, flow.recorded(), **changes)
    outcome = await new.run()
    _, second = await replayed(new)
    assert told(second) == told(outcome)
    return new


async def test_a_step_that_failed_is_tried_again_and_what_came_after_it_stays() -> None:
    text = HEAD + "on_error: continue\nconcurrency: 1\nsteps:\n- {id: a, prompt: a}\n- {id: b, needs: [], prompt: b}\n"
    first = Flow(plan_of(text), fails_on("a"))
    outcome = await first.run()
    assert (outcome.status, first.fate()) == ("failed", {"a": "failed", "b": "completed"})
    await replayed(first)
    second = await resumed(first, says=loud)
    assert second.model.asked == ["a"]
    assert second.fate() == {"b": "completed", "a": "completed"}


async def test_items_that_failed_are_tried_again_and_the_others_stay() -> None:
    text = (
        HEAD + 'on_error: continue\nconcurrency: 2\nsteps:\n- {id: a, foreach: [1, 2, 3, 4, 5], prompt: "{{ item }}"}\n'
    )
    first = Flow(plan_of(text), fails_on("1", "4"))
    assert (await first.run()).status == "failed"
    second = await resumed(first, says=loud)
    assert sorted(second.model.asked) == ["1", "4"]
    assert second.of("run.completed")[0].body.to_json()["output"] == ["1", "2", "3", "4", "5"]


async def test_a_tools_call_that_was_no_success_is_made_again() -> None:
    broken = [True]

    async def function(arguments: Mapping[str, Any]) -> ToolResult:
        if broken.pop():
            raise RuntimeError("it is broken")
        return ToolResult("mended")

    tool = FunctionTool("mend", function, "idempotent")
    text = HEAD + "steps:\n- {id: a, tool: mend}\n"
    first = Flow(plan_of(text, tools=[tool]), tools=[tool])
    assert (await first.run()).status == "failed"
    broken.append(False)
    second = await resumed(first)
    assert second.of("run.completed")[0].body.to_json()["output"] == "mended"


async def test_a_run_that_reached_its_limit_goes_on_with_a_higher_one() -> None:
    text = HEAD + 'steps:\n- {id: a, foreach: [1, 2, 3, 4], prompt: "{{ item }}"}\n'
    first = Flow(plan_of(text, limits=Limits(turns=2)))
    outcome = await first.run()
    assert (outcome.status, outcome.exit_code) == ("limited", 4)
    second = await resumed(first, plan=plan_of(text, limits=Limits(turns=9)))
    assert second.of("run.completed")[0].body.to_json()["status"] == "completed"
    assert sorted([*first.model.asked, *second.model.asked]) == ["1", "2", "3", "4"]


def counted(name: str, effects: Any = "irreversible") -> FunctionTool:
    """A tool that tells how often it was called."""

    async def function(arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(f"{name} {len(tool.called)}")

    tool = FunctionTool(name, function, effects)
    return tool


CALL = HEAD + "steps:\n- {id: a, tool: write}\n"


async def test_a_call_that_a_rule_refused_is_made_where_the_rule_is_gone() -> None:
    tool = counted("write")
    denying = PolicyPlan((Layer("user", Permissions(deny=("write",)), True),))
    first = Flow(plan_of(CALL, tools=[tool], policy=denying), tools=[tool])
    outcome = await first.run()
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, tool.called) == ("failed", "E-STEP-CALL", [])
    second = await resumed(first, plan=plan_of(CALL, tools=[tool]))
    assert (second.fate(), len(tool.called)) == ({"a": "completed"}, 1)


async def test_a_call_that_somebody_refused_is_asked_about_again() -> None:
    tool = counted("write")
    plan = plan_of(CALL, tools=[tool], policy=PolicyPlan(()))
    first = Flow(plan, tools=[tool], approver=Answering([Yes("no")]))
    assert (await first.run()).status == "failed"
    second = await resumed(first, approver=Answering([Yes("once")]))
    assert (second.fate(), second.approver.asked, len(tool.called)) == ({"a": "completed"}, ["write"], 1)


async def test_a_call_that_failed_is_approved_again_before_it_is_made_again() -> None:
    async def breaks(arguments: Mapping[str, Any]) -> ToolResult:
        raise RuntimeError("it is broken")

    tool = FunctionTool("write", breaks, "irreversible")
    first = Flow(plan_of(CALL, tools=[tool], policy=PolicyPlan(())), tools=[tool], approver=Answering([Yes("once")]))
    assert (await first.run()).status == "failed"
    second = gone_on(first, first.recorded())
    assert (await second.run()).exit_code == 5
    assert (len(tool.called), second.approver.asked) == (1, ["write"])


async def test_nobody_to_ask_ends_the_run_whatever_on_error_says_and_it_goes_on_with_an_approval() -> None:
    tool = counted("write")
    text = HEAD + "on_error: continue\nsteps:\n- {id: a, tool: write}\n- {id: b, needs: [], prompt: b}\n"
    first = Flow(plan_of(text, tools=[tool], policy=PolicyPlan(())), tools=[tool])
    outcome = await first.run()
    assert (outcome.status, outcome.exit_code, first.fate()) == ("denied", 5, {"a": "cancelled", "b": "cancelled"})
    await replayed(first)
    second = await resumed(first, approver=Answering([Yes("once")]))
    assert second.fate() == {"a": "completed", "b": "completed"}


async def test_only_the_answer_that_was_of_no_use_is_asked_for_again_not_that_of_another_item() -> None:
    gate = asyncio.Event()

    async def says(prompt: str, _earlier: int) -> Said:
        if prompt == "1":
            await gate.wait()
            return ""
        if prompt == "2":
            gate.set()
            await asyncio.sleep(0)
        return prompt

    text = HEAD + 'steps:\n- {id: a, foreach: [1, 2], prompt: "{{ item }}"}\n'
    first = Flow(plan_of(text), says)
    assert (await first.run()).status == "failed"
    done = [event.lane for event in first.recorded() if event.body.type == "model.completed"]
    second = await resumed(first, says=loud)
    assert ("2" in second.model.asked) == ("step.a/item.2/turn.1" not in done)
    assert "1" in second.model.asked


async def test_what_was_answered_under_a_limit_is_not_stopped_by_it_where_others_come_before_it_now() -> None:
    text = HEAD + "on_error: continue\nconcurrency: 1\nsteps:\n- {id: a, prompt: a}\n- {id: b, needs: [], prompt: b}\n"
    first = Flow(plan_of(text, limits=Limits(turns=None, tokens=12)), fails_on("a"))
    assert (await first.run()).status == "failed"
    second = await resumed(first, says=loud)
    assert (second.fate(), second.model.asked) == ({"b": "completed", "a": "completed"}, ["a"])


async def test_results_of_a_run_that_was_gone_on_with_may_be_passed_over_and_no_others() -> None:
    text = HEAD + "on_error: continue\nconcurrency: 1\nsteps:\n- {id: a, prompt: a}\n- {id: b, needs: [], prompt: b}\n"
    first = Flow(plan_of(text), fails_on("a"))
    await first.run()
    second = await resumed(first, says=loud)
    recording = Recording(second.recorded(), described)
    assert recording.due(()) is None
    assert [event.lane for event in recording.passed_over()] == ["step.b/turn.1"]
    left = recording.left()
    assert left is not None
    assert (left.lane, left.body.type) == ("step.a/turn.1", "model.completed")
    killed = Recording(first.recorded()[:-1], described)
    assert (killed.due(()), killed.passed_over()) == (None, ())


async def test_a_prompt_that_could_not_be_filled_in_is_replaced_by_a_fork_and_what_was_asked_before_stays() -> None:
    text = (
        HEAD
        + "on_error: continue\nsteps:\n- {id: a, prompt: a}\n- {id: b, foreach: [0, 1], prompt: '{{ 1 / item }}'}\n"
    )
    first = Flow(plan_of(text))
    outcome = await first.run()
    assert (outcome.status, first.model.asked) == ("failed", ["a", "1.0"])
    plan = replace(first.plan, prompts={"flow/b": "{{ item }} is no divisor"})
    fork = gone_on(first, first.recorded(), forked("parent", len(first.recorded())), plan=plan)
    outcome = await fork.run()
    assert (outcome.output, fork.model.asked) == (["0 IS NO DIVISOR", "1.0"], ["0 is no divisor"])
    assert told((await replayed(fork))[1]) == told(outcome)
