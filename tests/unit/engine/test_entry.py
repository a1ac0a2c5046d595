"""What comes in from models and tools, and how it stands on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.events import ApprovalResolved, Event, LimitReached, ModelCompleted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.tools import FileChange, ToolResult
from agentcli.engine.admission import Admission
from agentcli.engine.effect import expect
from agentcli.engine.limits import limit_error
from agentcli.engine.output import OutputSchema
from agentcli.engine.playback import Playback
from agentcli.engine.ports import ModelObserver
from agentcli.engine.recording import Recording
from agentcli.errors import DefinitionError, LimitError, StorageError
from tests.fakes.engine import FunctionTool, MarkingRedactor, Rig, answer, calls, says

CALL = ("look", {})


def asking(*ids: str, **changes: Any) -> ModelReply:
    """A reply that asks for one tool under these ids."""
    message = Message("assistant", "", tuple(ToolCall(one, "look") for one in ids))
    return replace(answer("", finish_reason="tool_calls", **changes), message=message)


async def test_no_call_has_the_id_of_another_in_its_conversation() -> None:
    rig = Rig([asking("a", "a", "a_2", ""), asking("a", "b", ""), answer()], [says("look", "x")])
    outcome = await rig.run()
    messages = rig.provider.requests[-1].conversation.messages
    asked = [[call.id for call in message.tool_calls] for message in messages if message.tool_calls]
    assert asked == [["a", "a_2", "a_2_2", ""], ["a_3", "b", "_2"]]
    assert [message.tool_call_id for message in messages if message.role == "tool"] == [*asked[0], *asked[1]]
    assert outcome.status == "completed"
    again = Rig((), rig.tools, playback=Playback(Recording(rig.recorded(), lambda event: event.seq), "refuse"))
    assert (await again.run()).status == "completed"


async def test_calls_beside_a_withheld_answer_are_not_made() -> None:
    look = says("look", "x")
    outcome = await Rig([calls(CALL, finish_reason="content_filter"), answer()], [look]).run()
    assert outcome.error is not None
    assert (outcome.error.code, look.called) == ("E-OUTPUT-FILTERED", [])


async def test_a_call_that_an_answer_was_cut_in_is_not_made() -> None:
    look = says("look", "x")
    whole, cut = ToolCall("c1", "look", {"at": 1}), ToolCall("c2", "look")
    reply = replace(answer("", finish_reason="length"), message=Message("assistant", "", (whole, cut)))
    rig = Rig([reply, answer("end")], [look])
    assert (await rig.run()).output == "end"
    assert look.called == [{"at": 1}]
    assert {done.call_id: done.status for done in rig.seen.of("tool.completed")} == {"c1": "ok", "c2": "error"}


async def test_text_beside_calls_is_kept_in_the_conversation() -> None:
    reply = replace(calls(CALL), message=Message("assistant", "I will look.", (ToolCall("c1", "look"),)))
    rig = Rig([reply, answer("seen")], [says("look", "x")])
    assert (await rig.run()).output == "seen"
    assert rig.provider.requests[1].conversation.messages[-2].content == "I will look."


async def test_an_agent_without_tools_is_told_that_there_is_none() -> None:
    rig = Rig([calls(CALL), answer("well")])
    assert (await rig.run()).output == "well"
    assert rig.seen.of("tool.completed")[0].result.endswith("none.")


async def test_very_many_calls_of_one_turn_are_all_answered() -> None:
    rig = Rig([calls(*[("look", {"n": n}) for n in range(500)]), answer("end")], [says("look", "x")])
    assert (await rig.run()).output == "end"
    assert len(rig.provider.requests[1].conversation.messages) == 3 + 500


@pytest.mark.parametrize("bad", ['{"n": NaN}', '{"n": -Infinity}', '{"n": 1e999}', '{"n": "\\ud800"}', "[" * 100_000])
async def test_an_answer_that_is_json_to_python_alone_is_repaired(bad: str) -> None:
    rig = Rig([answer(bad), answer('{"n": 1}')], schema={"type": "object"})
    assert (await rig.run()).output == {"n": 1}
    assert "it is" in rig.provider.requests[1].conversation.messages[-1].content


@pytest.mark.parametrize("schema", [{"type": "nothing"}, {"$ref": "https://example.org/schema.json"}])
def test_a_schema_that_cannot_be_used_is_a_definition_error(schema: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        OutputSchema(schema)
    assert caught.value.code == "E-TEMPLATE-SCHEMA"


async def test_a_cost_that_is_not_known_cannot_be_held_under_a_limit() -> None:
    replies = [calls(CALL, cost_usd=0.1), calls(CALL, cost_usd=None), answer()]
    outcome = await Rig(replies, [says("look", "x")], limits=Limits(cost_usd=1)).run()
    assert (outcome.status, outcome.turns, outcome.cost_usd) == ("limited", 2, None)
    assert outcome.error is not None
    assert outcome.error.code == "E-LIMIT-COST-USD"
    assert "price is not known" in outcome.error.why


async def test_a_file_whose_name_is_no_text_or_holds_a_secret_is_on_record_all_the_same() -> None:
    async def read(_: Mapping[str, Any]) -> ToolResult:
        return ToolResult("ok", files=(FileChange("s3cr3t.txt", b"x"), FileChange("caf\udce9.txt", b"y")))

    rig = Rig([calls(("read", {})), answer()], [FunctionTool("read", read)], redactor=MarkingRedactor({"k": "s3cr3t"}))
    assert (await rig.run()).status == "completed"
    (done,) = [event.body for event in rig.recorded() if event.body.type == "tool.completed"]
    assert [touch["path"] for touch in done.to_json()["files"]] == ["<secret:k>.txt", "caf?.txt"]


async def test_a_retry_belongs_to_its_call_and_is_noted_each_time_it_happens() -> None:
    async def retries(_request: ModelRequest, observer: ModelObserver) -> ModelReply:
        observer.retried("503", 0.5)
        return answer("new")

    rig = Rig([retries])
    await rig.run()
    record = rig.recorded()
    retried = [event for event in record if event.body.type == "model.retried"]
    assert [event.key for event in retried] == [event.key for event in record if event.body.type == "model.started"]
    upto = record[: retried[0].seq]
    again = Rig([retries], playback=Playback(Recording(upto, lambda event: event.seq), "live"))
    await again.run()
    assert [event.body.type for event in again.recorded()].count("model.retried") == 1


def test_what_cannot_be_encoded_is_made_fit_wherever_it_stands() -> None:
    admitted = Admission(MarkingRedactor()).admit({"a": [1, None, True, float("inf")], "b": ("x\ud800", "é\udfff")})
    assert admitted == {"a": [1, None, True, None], "b": ["x?", "é?"]}


def test_a_result_of_the_wrong_kind_is_damage_and_the_end_of_time_a_limit() -> None:
    resolved = ApprovalResolved("t", "c", "no", "user")
    assert expect(resolved, ApprovalResolved) is resolved
    with pytest.raises(StorageError, match=r"approval\.resolved"):
        expect(resolved, ModelCompleted)
    with pytest.raises(LimitError):
        expect(LimitReached("seconds", 5, 5), ModelCompleted)
    assert limit_error(LimitReached("seconds", 5, 5)).limit == "seconds"


def test_a_record_gives_its_events_once_and_in_its_order() -> None:
    rig_events = [Event("r", seq, 0, 0, ApprovalResolved("t", f"{seq}", "no", "user")) for seq in (1, 2, 3)]
    recording = Recording(rig_events, lambda event: event.seq)
    one, two, three = rig_events
    assert list(recording.reach(two)) == []
    assert list(recording.reach(one)) == [one, two]
    assert list(recording.reach(three)) == [three]
    assert recording.derived("", "approval.resolved", 1) is two
    assert recording.derived("", "approval.resolved", 3) is None
