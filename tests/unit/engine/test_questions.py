"""A tool whose result is a person's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from tests.fakes.engine import Answering, FunctionTool, MarkingRedactor, Rig, answer, calls


@dataclass(slots=True)
class Asking(FunctionTool):
    """A tool that has a person for its result."""

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "Asks.", {"type": "object"}, "read-only", asks_person=True)


async def never(_: Any) -> ToolResult:
    raise AssertionError("a tool that asks a person was called")


def rig(*words: str, **options: Any) -> Rig:
    made = Rig([calls(("ask", {"question": "Why?"})), answer()], approver=Answering(words=list(words)), **options)
    made.tools = [Asking("ask", never)]
    return made


async def test_the_answer_is_the_result_of_the_call() -> None:
    asking = rig("because", limits=Limits(tool_seconds=0.000001))
    outcome = await asking.run()
    assert outcome.status == "completed"
    (completed,) = asking.seen.of("tool.completed")
    assert (completed.status, completed.result, asking.approver.asked) == ("ok", "because", ["Why?"])
    assert asking.approver.lanes == ["turn.1/call.1"]
    assert asking.provider.requests[1].conversation.messages[-1].content == "because"


async def test_the_answer_is_an_effect_between_the_call_and_its_result() -> None:
    asking = rig("because")
    await asking.run()
    types = [event.body.type for event in asking.recorded() if event.lane.endswith("call.1")]
    assert types == ["tool.started", "input.read", "tool.completed"]
    (read,) = [event for event in asking.recorded() if event.body.type == "input.read"]
    assert read.key is not None
    assert (read.key.kind, read.key.name, read.body.to_json()) == (
        "input",
        "ask",
        {"source": "ask", "value": "because"},
    )


async def test_a_replay_gives_the_recorded_answer_and_asks_nobody() -> None:
    asking = rig("because")
    await asking.run()
    again = rig()
    again.replies = ()
    again.playback = Playback(Recording(asking.recorded(), lambda event: event.seq), "refuse")
    outcome = await again.run()
    assert (outcome.status, outcome.output) == ("completed", "done")
    assert (again.playback.divergence, again.approver.asked, again.recorded()) == (None, [], [])


async def test_where_nobody_can_be_asked_the_run_ends_as_denied() -> None:
    asking = rig()
    outcome = await asking.run()
    assert (outcome.status, outcome.exit_code) == ("denied", 5)
    assert outcome.error is not None
    assert outcome.error.code == "E-INPUT-NOBODY"


async def test_a_secret_that_a_person_types_is_none_from_then_on() -> None:
    asking = rig("it is s3cr3t-value", redactor=MarkingRedactor({"key": "s3cr3t-value"}))
    await asking.run()
    (completed,) = asking.seen.of("tool.completed")
    assert completed.result == "it is <secret:key>"
    assert "s3cr3t-value" not in str([event.to_json() for event in asking.recorded()])
