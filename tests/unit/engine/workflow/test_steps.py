"""What a workflow's steps do, on what, and what they come to; each run is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.engine import answer
from tests.fakes.flows import Flow, Said, a_call
from tests.fakes.running_flows import (
    DOWN,
    INNER,
    code,
    echo,
    failing,
    ran,
)

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
    text = (
        f"inputs: {{kind: {{}}, names: {{type: array}}}}\nsteps:\n"
        f'- {{foreach: {foreach}, prompt: "{{{{ item }}}}{{{{ index }}}}"}}\n'
    )
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
        return a_call("echo", text="x") if earlier % 2 == 0 else (answer("") if earlier < 2 else "at last")

    text = "steps:\n- {id: a, prompt: a, retry: {attempts: 2}}\n"
    flow, outcome = await ran(text, says=reply, tools=[echo()])
    assert outcome.output == "at last"
    assert names(flow, ["tool.started"]) == ["step.a/turn.1/call.1", "step.a/attempt.2/turn.1/call.1"]
    assert [len(request.conversation.messages) for request in flow.model.requests] == [2, 4, 2, 4]
