"""The agent loop: turn by turn until an answer or a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.canonical import decode
from agentcli.core.limits import Limits
from agentcli.core.models import ModelReply, ModelRequest, Usage
from agentcli.core.tools import ToolResult
from agentcli.engine.ports import ModelObserver
from agentcli.errors import ModelError
from tests.fakes.engine import FunctionTool, Rig, answer, calls, says

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


async def test_an_answer_without_tool_calls_ends_the_run() -> None:
    rig = Rig([answer("42")])
    outcome = await rig.run()
    assert (outcome.status, outcome.output, outcome.exit_code, outcome.turns) == ("completed", "42", 0, 1)
    assert rig.seen.types() == ["run.started", "turn.started", "model.started", "model.completed", "run.completed"]


async def test_a_tool_result_reaches_the_model_in_the_next_turn() -> None:
    rig = Rig([calls(("look", {"at": "x"})), answer("seen")], [says("look", "it is blue")])
    outcome = await rig.run()
    assert outcome.output == "seen"
    told = rig.provider.requests[1].conversation.messages[-1]
    assert (told.role, told.content, told.tool_call_id) == ("tool", "it is blue", "c1")


async def test_calls_of_one_turn_run_side_by_side_and_answer_in_their_order() -> None:
    second_began = asyncio.Event()

    async def slow(_: Mapping[str, Any]) -> ToolResult:
        await second_began.wait()
        return ToolResult("slow")

    async def quick(_: Mapping[str, Any]) -> ToolResult:
        second_began.set()
        return ToolResult("quick")

    rig = Rig(
        [calls(("slow", {}), ("quick", {})), answer()], [FunctionTool("slow", slow), FunctionTool("quick", quick)]
    )
    await asyncio.wait_for(rig.run(), 5)
    assert [message.content for message in rig.provider.requests[1].conversation.messages[-2:]] == ["slow", "quick"]


async def test_no_more_than_five_calls_of_a_turn_run_at_once() -> None:
    running, most = 0, 0

    async def counted(_: Mapping[str, Any]) -> ToolResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ToolResult("ok")

    rig = Rig([calls(*[("count", {})] * 12), answer()], [FunctionTool("count", counted)])
    await rig.run()
    assert most == 5
    assert len(rig.seen.of("tool.completed")) == 12


@pytest.mark.parametrize(
    ("limits", "code", "used"),
    [
        (Limits(turns=2), "E-LIMIT-TURNS", 2),
        (Limits(tokens=20), "E-LIMIT-TOKENS", 24),
        (Limits(cost_usd=0.15), "E-LIMIT-COST-USD", 0.2),
    ],
)
async def test_a_limit_stops_the_run_before_the_next_turn(limits: Limits, code: str, used: float) -> None:
    rig = Rig([calls(("look", {}), cost_usd=0.1) for _ in range(5)], [says("look", "x")], limits=limits)
    outcome = await rig.run()
    assert (outcome.status, outcome.exit_code, outcome.turns) == ("limited", 4, 2)
    assert outcome.error is not None
    assert outcome.error.code == code
    assert rig.seen.of("limit.reached")[0].used == used


async def test_a_final_answer_counts_also_where_it_used_up_the_tokens() -> None:
    outcome = await Rig([answer("long", usage=Usage(1000, 1000))], limits=Limits(tokens=100)).run()
    assert (outcome.status, outcome.output) == ("completed", "long")


async def test_time_that_runs_out_in_a_model_call_is_a_recorded_result() -> None:
    rig = Rig(limits=Limits(seconds=5))

    async def late(_request: ModelRequest, _observer: ModelObserver) -> ModelReply:
        raise AssertionError("asked after the deadline")

    async def eats_the_time(_: Mapping[str, Any]) -> ToolResult:
        rig.clock.seconds += 6
        return ToolResult("ok")

    rig.provider.replies = [calls(("eat", {})), late]
    rig.tools = [FunctionTool("eat", eats_the_time)]
    outcome = await rig.run()
    assert (outcome.status, outcome.exit_code) == ("limited", 4)
    assert outcome.error is not None
    assert outcome.error.code == "E-LIMIT-SECONDS"
    last = [event for event in rig.recorded() if event.body.type == "limit.reached"]
    assert last[0].key is not None
    assert last[0].key.kind == "model"


async def test_a_model_failure_is_on_record_and_ends_the_run_with_seven() -> None:
    rig = Rig([ModelError("E-MODEL-UNREACHABLE", "No server answers.", why="refused", fix="Start it.")])
    outcome = await rig.run()
    assert (outcome.status, outcome.exit_code) == ("failed", 7)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.fix) == ("E-MODEL-UNREACHABLE", "Start it.")
    assert rig.seen.types()[-2:] == ["model.failed", "run.completed"]


async def test_a_fault_in_the_provider_is_no_silent_failure() -> None:
    outcome = await Rig([ZeroDivisionError("oops")]).run()
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.why) == ("E-INTERNAL", "Oops.")
    assert isinstance(outcome.cause, ZeroDivisionError)


async def test_an_answer_that_fits_the_schema_becomes_a_value() -> None:
    outcome = await Rig([answer('```json\n{"n": 3}\n```')], schema=SCHEMA).run()
    assert outcome.output == {"n": 3}


async def test_an_answer_that_breaks_the_schema_is_repaired_once_by_the_model() -> None:
    rig = Rig([answer('{"n": "three"}'), answer('{"n": 3}')], schema=SCHEMA)
    outcome = await rig.run()
    assert outcome.output == {"n": 3}
    asked = rig.provider.requests[1].conversation.messages[-1]
    assert asked.role == "user"
    assert "$['n']" in asked.content
    assert [event.lane for event in rig.recorded() if event.body.type == "model.started"] == ["turn.1", "turn.2/repair"]


@pytest.mark.parametrize("bad", ["no json", '{"n": "x"}', "{}", '{"n": 1, "m": 2}'])
async def test_a_second_answer_that_breaks_the_schema_fails_the_run(bad: str) -> None:
    outcome = await Rig([answer(bad), answer(bad)], schema=SCHEMA).run()
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.code == "E-OUTPUT-SCHEMA"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer("   "), "E-OUTPUT-EMPTY"),
        (answer("part", finish_reason="content_filter"), "E-OUTPUT-FILTERED"),
    ],
)
async def test_what_is_no_answer_is_not_taken_for_one(reply: ModelReply, code: str) -> None:
    outcome = await Rig([reply]).run()
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == code


async def test_an_answer_cut_by_the_token_cap_is_given_with_a_warning() -> None:
    rig = Rig([answer("half an", finish_reason="length")])
    outcome = await rig.run()
    assert outcome.output == "half an"
    assert rig.seen.of("warning")[0].code == "W-OUTPUT-CUT"


async def test_an_unknown_price_makes_the_cost_unknown() -> None:
    outcome = await Rig([calls(("look", {}), cost_usd=None), answer(cost_usd=0.1)], [says("look", "x")]).run()
    assert outcome.cost_usd is None


async def test_requests_are_recorded_as_what_each_adds() -> None:
    rig = Rig([calls(("look", {})), calls(("look", {})), answer()], [says("look", "x")])
    await rig.run()
    deltas = [event.body.request for event in rig.recorded() if event.body.type == "model.started"]
    assert [(delta.kept, len(delta.added)) for delta in deltas] == [(0, 2), (2, 2), (4, 2)]
    seqs = [event.seq for event in rig.recorded() if event.body.type == "model.started"]
    assert [delta.previous for delta in deltas] == [None, *seqs[:2]]


async def test_every_request_can_be_rebuilt_from_the_record() -> None:
    rig = Rig([calls(("look", {})), calls(("look", {})), answer()], [says("look", "x")])
    await rig.run()
    asked = [event for event in rig.recorded() if event.body.type == "model.started"]
    for event, request in zip(asked, rig.provider.requests, strict=True):
        assert rig.journal.conversation(event.run, event.seq) == list(request.conversation.messages)
        assert decode(rig.journal.blob(event.body.request.head)) == request.head.to_json()
