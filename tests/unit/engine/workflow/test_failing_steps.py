"""Steps that fail, are tried again, repeated, or replaced by others; each run is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.tools import ToolResult
from tests.fakes.engine import FunctionTool
from tests.fakes.flows import Said
from tests.fakes.running_flows import (
    INNER,
    code,
    echo,
    failing,
    ran,
)

# -- failures


async def test_a_step_that_needs_a_failed_one_is_skipped_and_so_is_who_needs_that() -> None:
    text = (
        "on_error: continue\nsteps:\n- {id: a, prompt: a}\n- {id: b, prompt: b}\n- {id: c, prompt: c}\n"
        "- {id: d, needs: [], prompt: d}\n"
    )
    flow, outcome = await ran(text, says=failing("a"))
    assert flow.fate() == {"a": "failed", "b": "skipped", "c": "skipped", "d": "completed"}
    assert [event.body.to_json()["reason"] for event in flow.of("step.skipped")] == [
        "It needs `a`, which failed.",
        "It needs `b`, which was skipped.",
    ]
    assert outcome.error is not None
    assert (outcome.error.what, outcome.error.why) == ("1 of 4 steps failed.", "`a`: No server answers.")


async def test_with_stop_a_failed_step_stops_the_others_and_their_tools() -> None:
    stopped: list[str] = []

    async def hangs(_arguments: Mapping[str, Any]) -> ToolResult:
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            stopped.append("the tool")

    text = "steps:\n- {id: a, prompt: a}\n- {id: b, needs: [], tool: hang}\n- {id: c, needs: [b], prompt: c}\n"
    flow, outcome = await ran(text, says=failing("a"), tools=[FunctionTool("hang", hangs)])
    assert (outcome.exit_code, stopped) == (7, ["the tool"])
    assert flow.fate() == {"a": "failed", "b": "cancelled", "c": "cancelled"}


async def test_a_steps_own_word_counts_more_than_the_workflows() -> None:
    text = "steps:\n- {id: a, prompt: a, on_error: continue}\n- {id: b, needs: [], prompt: b}\n"
    flow, _ = await ran(text, says=failing("a"))
    assert flow.fate() == {"a": "failed", "b": "completed"}


async def test_two_steps_that_fail_at_once_end_the_run_with_the_first_ones_error() -> None:
    text = "steps:\n- {id: a, needs: [], prompt: '{{ 1 / 0 }}'}\n- {id: b, needs: [], prompt: '{{ 2 / 0 }}'}\n"
    flow, outcome = await ran(text)
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (1, "E-TEMPLATE-RENDER")
    assert outcome.error.what.startswith("Step `a`: ")
    assert flow.fate() == {"a": "failed", "b": "cancelled"}


@pytest.mark.parametrize(
    "where", ["prompt: '{{ 1 / 0 }}'", "tool: echo, with: {text: '{{ 1 / 0 }}'}", "when: '{{ 1 / 0 }}', prompt: a"]
)
async def test_an_expression_that_fails_is_a_failure_of_its_step(where: str) -> None:
    text = f"on_error: continue\nsteps:\n- {{id: a, {where}}}\n- {{id: b, needs: [], prompt: b}}\n"
    flow, outcome = await ran(text, tools=[echo()])
    assert (outcome.exit_code, code(outcome)) == (1, "E-STEPS-FAILED")
    assert flow.fate() == {"a": "failed", "b": "completed"}


# -- retry


async def test_a_failed_step_is_tried_again_after_delays_that_double_and_a_replay_does_not_wait() -> None:
    text = "steps:\n- {id: a, prompt: a, retry: {attempts: 3, delay: 0.001}}\n"
    flow, outcome = await ran(text, says=failing("a", times=2))
    assert (outcome.output, flow.model.asked) == ("A", ["a", "a", "a"])
    retried = [event.body.to_json() for event in flow.of("step.retried")]
    assert [(body["attempt"], body["wait_s"]) for body in retried] == [(1, 0.001), (2, 0.002)]
    assert [event.lane for event in flow.of("model.started")] == [
        "step.a/turn.1", "step.a/attempt.2/turn.1", "step.a/attempt.3/turn.1",
    ]  # fmt: skip


async def test_after_the_last_try_the_failure_counts() -> None:
    flow, outcome = await ran("steps:\n- {prompt: a, retry: {attempts: 2}}\n", says=failing("a"))
    assert (outcome.exit_code, len(flow.model.asked), len(flow.of("step.retried"))) == (7, 2, 1)


async def test_each_item_is_tried_again_by_itself() -> None:
    text = 'steps:\n- {foreach: [1, 2], prompt: "{{ item }}", retry: {attempts: 2}}\n'
    flow, outcome = await ran(text, says=failing("2", times=1))
    assert (outcome.output, sorted(flow.model.asked)) == (["1", "2"], ["1", "2", "2"])


# -- until


async def test_an_action_is_repeated_until_its_condition_holds() -> None:
    text = 'steps:\n- {prompt: "{{ last }}{{ round }}", until: "{{ output | length == 3 }}"}\n'
    flow, outcome = await ran(text)
    assert (outcome.output, flow.model.asked) == ("123", ["1", "12", "123"])


@pytest.mark.parametrize(("otherwise", "status"), [("fail", "failed"), ("keep", "completed")])
async def test_a_condition_that_never_holds_fails_or_keeps_the_last_output(otherwise: str, status: str) -> None:
    text = (
        f"steps:\n"
        f'- {{prompt: "{{{{ round }}}}", until: {{condition: "{{{{ false }}}}", rounds: 2, otherwise: {otherwise}}}}}\n'
    )
    _, outcome = await ran(text)
    assert (outcome.status, code(outcome), outcome.output) == (
        (status, "E-STEP-ROUNDS", None) if status == "failed" else (status, None, "2")
    )


# -- switch


TYPES = {str: "string", int: "integer", bool: "boolean"}
SWITCH = (
    "steps:\n"
    '- {{id: s, switch: "{{{{ inputs.kind }}}}", cases: {{bug: fix it, "2": {{tool: echo, with: {{text: two}}}}, '
    '"true": yes it is}}{more}}}\n'
)


@pytest.mark.parametrize(
    ("kind", "more", "output"),
    [
        ("bug", "", "FIX IT"),
        (2, "", "two"),
        (True, "", "YES IT IS"),
        ("other", ", default: what is it", "WHAT IS IT"),
        ("Bug", ", default: what is it", "WHAT IS IT"),
    ],
)
async def test_a_switch_takes_the_case_of_its_value(kind: Any, more: str, output: str) -> None:
    text = f"inputs: {{kind: {{type: {TYPES[type(kind)]}}}}}\n{SWITCH.format(more=more)}"
    _, outcome = await ran(text, inputs={"kind": kind}, tools=[echo()])
    assert outcome.output == output


async def test_a_switch_without_the_case_fails() -> None:
    _, outcome = await ran(
        f"inputs: {{kind: {{}}}}\n{SWITCH.format(more='')}", inputs={"kind": "other"}, tools=[echo()]
    )
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.what) == ("E-STEP-CASE", "Step `s`: There is no case for 'other'.")


# -- fallback


async def test_fallbacks_take_the_place_of_a_failed_step_one_after_the_other() -> None:
    text = (
        "steps:\n- {id: a, prompt: a, on_error: {fallback: b}}\n- {id: b, prompt: b, on_error: {fallback: c}}\n"
        "- {id: c, prompt: c}\n"
        '- {id: d, needs: [a], prompt: "{{ steps.a.output }} {{ steps.a.status }}, {{ steps.a.error }}"}\n'
    )
    flow, outcome = await ran(text, says=failing("a", "b"))
    assert outcome.output == "C COMPLETED, NO SERVER ANSWERS."
    assert [event.body.to_json()["then"] for event in flow.of("step.failed")] == ["fallback", "fallback"]
    flow, outcome = await ran(text)
    assert (outcome.output, flow.fate()["b"], flow.fate()["c"]) == ("A COMPLETED, ", "skipped", "skipped")
    flow, outcome = await ran("on_error: continue\n" + text, says=failing("a", "b", "c"))
    assert (outcome.status, flow.fate()["d"]) == ("failed", "skipped")


# -- tools and nested workflows


async def test_a_tools_arguments_keep_their_types_and_its_failure_says_why() -> None:
    tool = echo()
    text = 'steps:\n- {id: a, tool: echo, with: {text: "{{ [1, 2] }}", n: 3, deep: {x: "{{ 5 }}"}}}\n'
    _, outcome = await ran(text, tools=[tool])
    assert (outcome.output, tool.called[0]["text"], tool.called[0]["deep"]) == ("[1, 2]", [1, 2], {"x": 5})
    _, outcome = await ran("steps:\n- {id: a, tool: echo}\n", tools=[echo()])
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.what) == ("E-STEP-CALL", "Step `a`: The call of `echo` was no success.")
    assert "KeyError" in outcome.error.why


async def test_a_nested_workflow_gets_its_inputs_and_gives_its_output_within_the_outer_ones_concurrency() -> None:
    busy: list[int] = [0, 0]

    async def counts(prompt: str, _earlier: int) -> Said:
        busy[0] += 1
        busy[1] = max(busy)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        busy[0] -= 1
        return prompt

    text = "concurrency: 2\nsteps:\n- {id: n, foreach: [a, b], workflow: inner, inputs: {of: '{{ item }}'}}\n"
    flow, outcome = await ran(text, INNER, says=counts)
    assert (outcome.output, busy[1]) == ([["a1", "a2", "a3"], ["b1", "b2", "b3"]], 2)
    assert {event.step for event in flow.of("model.started")} == {"n.step_1"}


async def test_what_is_wrong_with_the_inputs_of_a_nested_workflow_fails_its_step() -> None:
    flow, outcome = await ran(
        "on_error: continue\nsteps:\n- {id: n, workflow: inner}\n- {needs: [], prompt: b}\n", INNER
    )
    assert (outcome.exit_code, flow.fate()) == (1, {"n": "failed", "step_2": "completed"})


async def test_a_failed_step_inside_fails_the_step_outside_which_may_try_the_whole_again() -> None:
    inner = "version: 1\nkind: workflow\nname: inner\non_error: continue\nsteps: [a, b]\n"
    flow, outcome = await ran(
        "steps:\n- {id: n, workflow: inner, retry: {attempts: 2}}\n", inner, says=failing("a", times=1)
    )
    assert (outcome.output, flow.model.asked) == ("B", ["a", "a", "b"])
    assert flow.of("step.retried")[0].body.to_json()["error"]["code"] == "E-STEPS-FAILED"
