"""Custom agents: what their code asks for goes through the door, replays without the code, and happens once."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from agentcli.core.agents import Permissions
from agentcli.core.events import CodeAsked, CodeCompleted
from agentcli.core.limits import Limits
from agentcli.core.policies import Layer, Policy
from agentcli.errors import ModelError
from tests.fakes.coded import ALLOWED, CodeRig, Said, ask, call, ends, gives, same, say
from tests.fakes.engine import Answering, MarkingRedactor, answer, calls, says
from tests.fakes.engine import Said as Answered


async def test_code_gets_its_task_and_its_end_is_the_output() -> None:
    rig = CodeRig(gives(end=ends({"kind": "letter"})))
    outcome = await rig.run()
    assert (outcome.status, outcome.output, outcome.turns) == ("completed", {"kind": "letter"}, 0)
    assert rig.code.told == [{"code": "the code", "task": "What is it?", "inputs": {"folder": "docs"}}]
    assert rig.seen.types() == ["run.started", "code.started", "code.completed", "run.completed"]
    assert same(await rig.replayed(), outcome)


async def test_what_it_asks_for_is_done_through_the_door_and_replays() -> None:
    look = says("look", "seen")
    rig = CodeRig(gives(ask("which?"), call("look", at="x"), say("well")), [answer("red")], [look])
    outcome = await rig.run()
    assert outcome.output == [{"value": "red"}, {"value": "seen"}, {"value": None}]
    assert (outcome.turns, outcome.usage.total, look.called) == (1, 12, [{"at": "x"}])
    assert [(event.body.type, event.lane) for event in rig.seen.events[2:9]] == [
        ("code.asked", ""),
        ("turn.started", "ask.1/turn.1"),
        ("model.started", "ask.1/turn.1"),
        ("model.completed", "ask.1/turn.1"),
        ("code.asked", ""),
        ("tool.started", "call.2"),
        ("tool.completed", "call.2"),
    ]
    assert same(await rig.replayed(), outcome)
    assert len(look.called) == 1


async def test_each_question_is_a_conversation_of_its_own_with_instructions_and_tools() -> None:
    look, write = says("look", "seen"), says("write", "written")
    rig = CodeRig(
        gives(ask("a"), ask("b", instructions="Count.", tools=["look"]), ask("c", tools=[])),
        [calls(("look", {})), answer("1"), answer("2"), answer("3")],
        [look, write],
    )
    await rig.run()
    told = [[message.content for message in request.conversation.messages] for request in rig.provider.requests]
    assert told == [["Be brief.", "a"], ["Be brief.", "a", "", "seen"], ["Count.", "b"], ["Be brief.", "c"]]
    tools = [[tool.name for tool in request.head.tools] for request in rig.provider.requests]
    assert tools == [["look", "write"], ["look", "write"], ["look"], []]


async def test_without_instructions_there_is_no_system_prompt() -> None:
    rig = CodeRig(gives(ask("a")), [answer()], instructions="")
    await rig.run()
    assert [message.role for message in rig.provider.requests[0].conversation.messages] == ["user"]


async def test_a_model_that_was_given_some_tools_cannot_call_the_others() -> None:
    write = says("write", "written")
    rig = CodeRig(gives(ask("a", tools=[])), [calls(("write", {})), answer("ok")], [write], policy=ALLOWED)
    await rig.run()
    assert write.called == []
    assert "E-TOOL-UNKNOWN" in rig.seen.of("tool.completed")[0].result


async def test_an_answer_with_a_schema_is_a_value_and_one_that_does_not_fit_a_failure() -> None:
    schema = {"type": "object", "required": ["a"]}
    replies = [answer('{"a": 1}'), answer("no"), answer("neither"), answer("")]
    rig = CodeRig(gives(ask("x", schema=schema), ask("y", schema=schema), ask("z")), replies)
    outcome = await rig.run()
    first, second, third = outcome.output
    assert first == {"value": {"a": 1}}
    assert (second["failed"]["status"], third["failed"]["status"]) == ("error", "error")
    assert "does not fit" in second["failed"]["message"]
    assert rig.provider.requests[0].head.output_schema == schema
    assert same(await rig.replayed(), outcome)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (ask("x", schema={"type": "nonsense"}), "is not a valid JSON Schema"),
        (ask("x", tools=["look", "nope"]), "There is no tool `nope`."),
    ],
)
async def test_a_question_that_cannot_be_put_is_a_failure_for_the_code(asked: CodeAsked, why: str) -> None:
    rig = CodeRig(gives(asked), tools=[says("look", "seen")])
    outcome = await rig.run()
    assert why in outcome.output[0]["failed"]["message"]
    assert rig.provider.requests == []
    assert same(await rig.replayed(), outcome)


async def test_code_calls_no_tool_that_its_agent_has_not_and_never_keep_files_itself() -> None:
    rig = CodeRig(gives(call("nope"), call("keep_files", paths=["a"])), tools=[says("look", "seen")], policy=ALLOWED)
    outcome = await rig.run()
    assert [one["failed"]["message"][:14] for one in outcome.output] == ["E-TOOL-UNKNOWN"] * 2
    assert rig.code.kept == 0


async def test_the_calls_of_code_are_asked_about_and_denied_like_any_other() -> None:
    write = says("write", "written", effects="irreversible")
    asking = CodeRig(gives(call("write")), tools=[write], approver=Answering([Answered("no", reason="not now")]))
    outcome = await asking.run()
    assert outcome.output[0]["failed"]["status"] == "denied"
    assert "not now" in outcome.output[0]["failed"]["message"]
    assert same(await asking.replayed(), outcome)
    denying = CodeRig(gives(call("write")), tools=[write], policy=Policy([Layer("user", Permissions(deny=("write",)))]))
    assert (await denying.run()).output[0]["failed"]["status"] == "denied"
    nobody = CodeRig(gives(call("write")), tools=[write])
    assert ((await nobody.run()).exit_code, write.called) == (5, [])


async def test_limits_end_the_run_whatever_the_code_would_do_next() -> None:
    rig = CodeRig(gives(ask("a"), ask("b"), ask("c")), [answer(), answer()], limits=Limits(turns=2))
    outcome = await rig.run()
    assert (outcome.exit_code, outcome.error and outcome.error.code) == (4, "E-LIMIT-TURNS")
    assert same(await rig.replayed(), outcome)


async def test_a_provider_that_fails_ends_the_run_and_is_asked_again() -> None:
    first = CodeRig(gives(ask("a")), [ModelError("E-MODEL-UNREACHABLE", "No server answers.")])
    assert (await first.run()).exit_code == 7
    second = CodeRig(gives(ask("a")), [answer("there")]).gone_on(first)
    assert (await second.run()).output == [{"value": "there"}]


async def test_secrets_reach_neither_the_code_nor_the_record() -> None:
    redactor = MarkingRedactor({"KEY": "hunter2"})
    look = says("look", "it is hunter2")

    def steps(_begins: Mapping[str, Any]) -> Generator[Said, Any, Said]:
        given = yield call("look")
        return CodeCompleted(f"{given['value']} hunter2", None, printed="hunter2", trace="hunter2")

    rig = CodeRig(steps, tools=[look], redactor=redactor)
    outcome = await rig.run()
    assert outcome.output == "it is <secret:KEY> <secret:KEY>"
    assert rig.code.told[1] == {"value": "it is <secret:KEY>"}
    assert "hunter2" not in str([event.body for event in rig.recorded()])


async def test_more_than_so_many_requests_end_the_run() -> None:
    rig = CodeRig(gives(*[say("x")] * 4), most_requests=3)
    outcome = await rig.run()
    assert (outcome.exit_code, outcome.error and outcome.error.code) == (1, "E-CODE-REQUESTS")
    assert same(await rig.replayed(), outcome)
    assert (await CodeRig(gives(*[say("x")] * 3), most_requests=3).run()).status == "completed"


@pytest.mark.parametrize(
    "asked",
    [CodeAsked("ask", {}), CodeAsked("tool", {"name": "look"}), CodeAsked("approve", {"text": "x"})],  # type: ignore[arg-type]
)
async def test_a_record_of_what_is_no_request_is_damaged(asked: CodeAsked) -> None:
    outcome = await CodeRig(gives(asked), tools=[says("look", "seen")]).run()
    assert (outcome.exit_code, outcome.error and outcome.error.code) == (1, "E-JOURNAL-DAMAGED")


async def test_an_output_that_does_not_fit_fails() -> None:
    rig = CodeRig(gives(end=ends("no")), schema={"type": "object"})
    outcome = await rig.run()
    assert (outcome.exit_code, outcome.error and outcome.error.code) == (1, "E-CODE-OUTPUT")
    assert (await CodeRig(gives(end=ends({})), schema={"type": "object"}).run()).output == {}
