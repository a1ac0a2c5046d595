"""What a workflow's steps do: every word of the format, carried out, and each run replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult
from agentcli.engine.lifecycle import RunOutcome
from agentcli.errors import ModelError
from tests.fakes.engine import FunctionTool, answer
from tests.fakes.flows import Flow, Said, loud, plan_of, replayed, told

HEAD = "version: 1\nkind: workflow\nname: flow\n"
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


# -- order, results and names


async def test_steps_follow_each_other_and_each_sees_what_those_before_it_came_to() -> None:
    flow, outcome = await ran('steps:\n- a\n- "{{ steps.step_1.output }}b"\n- "{{ steps.step_2.output }}c"\n')
    assert (outcome.output, flow.model.asked) == ("ABC", ["a", "Ab", "ABc"])


async def test_the_output_is_what_the_template_says_and_fallbacks_stand_in_where_it_says_nothing() -> None:
    _, outcome = await ran('steps: [a, b]\noutput: "{{ steps }}"\n')
    assert outcome.output == {
        "step_1": {"status": "completed", "output": "A", "error": None, "reason": ""},
        "step_2": {"status": "completed", "output": "B", "error": None, "reason": ""},
    }
    text = "steps:\n- {id: a, prompt: a, on_error: {fallback: b}}\n- {id: b, prompt: b}\n"
    assert (await ran(text))[1].output == "A"
    assert (await ran(text, says=failing("a")))[1].output == "B"


async def test_an_output_that_cannot_be_made_fails_the_run_and_no_file() -> None:
    _, outcome = await ran('steps: [a]\noutput: "{{ steps.step_1.output / 2 }}"\n')
    assert (outcome.exit_code, code(outcome)) == (1, "E-TEMPLATE-RENDER")


async def test_results_are_in_the_order_of_the_definition_whenever_they_came() -> None:
    async def slow_first(prompt: str, _earlier: int) -> Said:
        for _ in range(30 - 5 * int(prompt)):
            await asyncio.sleep(0)
        return prompt

    flow, outcome = await ran('steps:\n- {foreach: [1, 2, 3, 4], prompt: "{{ item }}"}\n', says=slow_first)
    done = [event.lane for event in flow.of("step.completed")]
    assert (done[0], outcome.output) == ("step.step_1/item.4", ["1", "2", "3", "4"])


async def test_now_is_when_the_run_began_also_when_it_is_replayed() -> None:
    flow, outcome = await ran('steps:\n- "{{ now() }}"\n')
    assert flow.model.asked == ["2026-11-18T11:06:40.000Z"]
    assert outcome.output == "2026-11-18T11:06:40.000Z"


# -- when


@pytest.mark.parametrize(("when", "fate"), [("false", "skipped"), ("'{{ steps.a.output == \"A\" }}'", "completed")])
async def test_a_step_is_carried_out_when_its_condition_holds_and_those_that_need_it_go_on(
    when: str, fate: str
) -> None:
    text = f'steps:\n- {{id: a, prompt: a}}\n- {{id: b, when: {when}, prompt: b}}\n- "{{{{ steps.b.output }}}}c"\n'
    flow, outcome = await ran(text)
    assert (flow.fate()["b"], outcome.output) == (fate, "C" if fate == "skipped" else "BC")
    reasons = [event.body.to_json() for event in flow.of("step.skipped")]
    assert reasons == ([{"because": "when", "reason": "Its `when` is false."}] if fate == "skipped" else [])


async def test_a_condition_is_asked_for_each_item() -> None:
    flow, outcome = await ran('steps:\n- {foreach: [1, 2, 3], when: "{{ item != 2 }}", prompt: "{{ item }}"}\n')
    assert (outcome.output, sorted(flow.model.asked)) == (["1", None, "3"], ["1", "3"])


# -- foreach


@pytest.mark.parametrize(
    ("foreach", "output"),
    [
        ("[x, y]", ["X0", "Y1"]),
        ("[]", []),
        ("{range: 2}", ["10", "21"]),
        ("{range: [4, 5]}", ["40", "51"]),
        ("{range: [5, 4]}", []),
        ("{file: 'rows.{{ inputs.kind }}'}", ["{'A': 1}0"]),
        ('"{{ inputs.names }}"', ["ANN0", "BOB1"]),
    ],
)
async def test_a_step_is_carried_out_for_every_item(foreach: str, output: list[str]) -> None:
    text = f'inputs: {{kind: {{}}, names: {{type: array}}}}\nsteps:\n- {{foreach: {foreach}, prompt: "{{{{ item }}}}{{{{ index }}}}"}}\n'
    files = {"rows.jsonl": [{"a": 1}]}
    flow, outcome = await ran(text, inputs={"kind": "jsonl", "names": ["ann", "bob"]}, files=files)
    assert (outcome.status, outcome.output) == ("completed", output)
    assert flow.of("step.started")[0].body.to_json()["items"] == len(output)


@pytest.mark.parametrize(
    ("foreach", "wrong"),
    [
        ('"{{ steps.a.output }}"', "is text"),
        ('"{{ 5 }}"', "is a number"),
        ('"{{ none }}"', "is null"),
        ('"{{ true }}"', "is true or false"),
        ('"{{ {} }}"', "is a mapping"),
        ("{range: 1000000}", "held in memory"),
        ("{range: [1, 100001]}", "held in memory"),
    ],
)
async def test_what_is_no_list_or_too_long_a_one_fails_the_step(foreach: str, wrong: str) -> None:
    _, outcome = await ran(f"steps:\n- {{id: a, prompt: a}}\n- {{id: b, foreach: {foreach}, prompt: b}}\n")
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (1, "E-STEP-FOREACH")
    assert wrong in outcome.error.why


async def test_failed_items_leave_null_and_the_others_go_on() -> None:
    text = 'on_error: continue\nsteps:\n- {id: a, foreach: [1, 2, 3], prompt: "{{ item }}"}\n- {id: b, prompt: b}\n'
    flow, outcome = await ran(text + 'output: "{{ steps.a.output }}"\n', says=failing("2"))
    assert (outcome.status, code(outcome), outcome.output) == ("failed", "E-STEPS-FAILED", ["1", None, "3"])
    fate = flow.fate()
    assert (fate["a/item.2"], fate["a"], fate["b"]) == ("failed", "failed", "skipped")
    assert flow.of("step.failed")[1].body.to_json()["error"]["what"] == "1 of 3 items failed."


async def test_with_stop_a_failed_item_stops_the_others() -> None:
    async def second_fails(prompt: str, _earlier: int) -> Said:
        if prompt != "2":
            await asyncio.get_running_loop().create_future()
        return DOWN

    flow, outcome = await ran('steps:\n- {id: a, foreach: [1, 2, 3], prompt: "{{ item }}"}\n- b\n', says=second_fails)
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.what) == (7, "Step `a`: No server answers.")
    assert flow.fate() == {"a/item.2": "failed", "a": "failed", "step_2": "cancelled"}


# -- failures


async def test_a_step_that_needs_a_failed_one_is_skipped_and_so_is_who_needs_that() -> None:
    text = "on_error: continue\nsteps:\n- {id: a, prompt: a}\n- {id: b, prompt: b}\n- {id: c, prompt: c}\n- {id: d, needs: [], prompt: d}\n"
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
    text = f'steps:\n- {{prompt: "{{{{ round }}}}", until: {{condition: "{{{{ false }}}}", rounds: 2, otherwise: {otherwise}}}}}\n'
    _, outcome = await ran(text)
    assert (outcome.status, code(outcome), outcome.output) == (
        (status, "E-STEP-ROUNDS", None) if status == "failed" else (status, None, "2")
    )


# -- switch


TYPES = {str: "string", int: "integer", bool: "boolean"}
SWITCH = 'steps:\n- {{id: s, switch: "{{{{ inputs.kind }}}}", cases: {{bug: fix it, "2": {{tool: echo, with: {{text: two}}}}, "true": yes it is}}{more}}}\n'


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
        '- {id: c, prompt: c}\n- {id: d, needs: [a], prompt: "{{ steps.a.output }} {{ steps.a.status }}, {{ steps.a.error }}"}\n'
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


INNER = "version: 1\nkind: workflow\nname: inner\ninputs: {of: {}}\nconcurrency: 3\nsteps:\n- {foreach: [1, 2, 3], prompt: '{{ inputs.of }}{{ item }}'}\n"


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


# -- output schemas


SCHEMA = "output: {schema: {type: object, required: [n]}}"


@pytest.mark.parametrize(
    ("step", "text", "output"),
    [
        (f"{{id: a, tool: echo, with: {{text: '{{{{ inputs.t }}}}'}}, {SCHEMA}}}", '{"n": 1}', {"n": 1}),
        (f"{{id: a, tool: echo, with: {{text: '{{{{ inputs.t }}}}'}}, {SCHEMA}}}", '{"m": 1}', None),
        (f"{{id: a, tool: echo, with: {{text: '{{{{ inputs.t }}}}'}}, {SCHEMA}}}", "no JSON", None),
        (f"{{id: a, prompt: '{{{{ inputs.t }}}}', {SCHEMA}}}", '{"n": 1}', {"n": 1}),
        (f"{{id: a, prompt: '{{{{ inputs.t }}}}', {SCHEMA}}}", '{"m": 1}', None),
        (f"{{id: a, workflow: inner, inputs: {{of: '{{{{ inputs.t }}}}'}}, {SCHEMA}}}", '{"n": 1}', None),
    ],
)
async def test_an_output_fits_its_schema_or_the_step_fails(step: str, text: str, output: Any) -> None:
    flow, outcome = await ran(
        f"inputs: {{t: {{}}}}\nsteps:\n- {step}\n", INNER, inputs={"t": text}, tools=[echo()], says=lambda p, _: p
    )
    assert outcome.output == output
    assert code(outcome) == (None if output else "E-OUTPUT-SCHEMA")
    if "prompt" in step and output is None:
        assert len(flow.model.asked) == 2, "it is repaired once"


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
    text = 'on_error: continue\nsteps:\n- {id: a, foreach: [1, 2, 3], prompt: "{{ item }}", limits: {turns: 2}}\n- {needs: [], prompt: b}\n'
    flow, outcome = await ran("concurrency: 1\n" + text)
    assert (outcome.status, code(outcome)) == ("failed", "E-STEPS-FAILED")
    fate = flow.fate()
    assert [fate[f"a/item.{n}"] for n in (1, 2, 3)] == ["completed", "completed", "failed"]
    assert fate["step_2"] == "completed"


async def test_a_steps_limit_is_its_own_failure_also_where_the_runs_is_used_up() -> None:
    def calls_for_ever(_prompt: str, _earlier: int) -> Said:
        from tests.fakes.flows import a_call

        return a_call("echo", text="x")

    text = "on_error: continue\nsteps:\n- {id: a, prompt: a, limits: {turns: 2}}\n"
    _, outcome = await ran(text, says=calls_for_ever, tools=[echo()], limits=Limits(turns=3))
    assert (outcome.status, code(outcome)) == ("failed", "E-STEPS-FAILED")


async def test_a_nested_workflows_limit_is_a_failure_of_the_step_around_it() -> None:
    inner = INNER + "limits: {turns: 1}\n"
    text = "on_error: continue\nconcurrency: 1\nsteps:\n- {id: n, workflow: inner, inputs: {of: x}}\n- {needs: [], prompt: b}\n"
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


async def test_the_time_of_the_run_ends_it() -> None:
    text = "on_error: continue\nsteps:\n- {id: a, tool: hang, timeout: 5, retry: {attempts: 3}}\n"
    _, outcome = await ran(text, tools=[FunctionTool("hang", Hangs(9))], limits=Limits(turns=None, seconds=0.01))
    assert (outcome.status, code(outcome)) == ("limited", "E-LIMIT-SECONDS")


# -- who is asked


async def test_a_step_is_asked_of_its_agent_with_that_ones_inputs_and_instructions() -> None:
    flow, _ = await ran("agent: other\nsteps:\n- {id: a, prompt: a}\n- {id: b, agent: third, prompt: b}\n")
    heads = [request.conversation.messages[0].content for request in flow.model.requests]
    assert heads == ["You are other.", "You are third."]


async def test_the_model_of_a_step_is_asked_instead_of_the_agents() -> None:
    flow, _ = await ran("steps:\n- {id: a, prompt: a}\n- {id: b, prompt: b, model: 'fake:large'}\n")
    assert [request.head.models for request in flow.model.requests] == [("fake:model",), ("fake:large",)]


def names(flow: Flow, kinds: Sequence[str]) -> list[str]:
    return [event.lane for event in flow.seen.events if event.body.type in kinds]


async def test_a_conversation_of_a_step_calls_tools_and_each_try_begins_anew() -> None:
    def reply(_prompt: str, earlier: int) -> Said:
        from tests.fakes.flows import a_call

        return a_call("echo", text="x") if earlier % 2 == 0 else (answer("") if earlier < 2 else "at last")

    text = "steps:\n- {id: a, prompt: a, retry: {attempts: 2}}\n"
    flow, outcome = await ran(text, says=reply, tools=[echo()])
    assert outcome.output == "at last"
    assert names(flow, ["tool.started"]) == ["step.a/turn.1/call.1", "step.a/attempt.2/turn.1/call.1"]
    assert [len(request.conversation.messages) for request in flow.model.requests] == [2, 4, 2, 4]
