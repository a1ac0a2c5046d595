"""One tool call: arguments, policy, approval, secrets, limits, record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.agents import Permissions
from agentcli.core.limits import Limits
from agentcli.core.messages import Message, ToolCall
from agentcli.core.policies import Layer, Policy
from agentcli.core.tools import FileChange, FileTouch, ToolResult, ToolSpec
from agentcli.errors import ToolError, ToolRefusedError, ToolTimeoutError
from tests.fakes.engine import Answering, FunctionTool, MarkingRedactor, Rig, Said, answer, calls, forever, says


async def told(rig: Rig) -> Any:
    """The one tool result of a run with a single call."""
    await rig.run()
    (completed,) = rig.seen.of("tool.completed")
    return completed


async def test_an_unknown_tool_is_told_to_the_model_with_the_names_there_are() -> None:
    result = await told(Rig([calls(("lok", {})), answer()], [says("look", "x")]))
    assert (result.status, result.result) == (
        "error",
        "E-TOOL-UNKNOWN: There is no tool `lok`. Use one of these tools: look.",
    )


async def test_malformed_arguments_are_told_to_the_model() -> None:
    broken = Message("assistant", "", (ToolCall("c1", "look", {}, malformed='{"at": '),))
    reply = replace(answer("", finish_reason="tool_calls"), message=broken)
    result = await told(Rig([reply, answer()], [says("look", "x")]))
    assert (result.status, result.result.split(":")[0]) == ("error", "E-TOOL-ARGUMENTS")


async def test_arguments_that_do_not_fit_never_reach_the_tool() -> None:
    tool = says("look", "x", required=("at",))
    result = await told(Rig([calls(("look", {})), answer()], [tool]))
    assert (result.status, tool.called) == ("error", [])


async def test_a_reading_tool_is_allowed_and_a_changing_one_asks() -> None:
    approver = Answering([Said("once")])
    rig = Rig([calls(("read", {}), ("write", {})), answer()], approver=approver)
    rig.tools = [says("read", "r"), says("write", "w", effects="idempotent")]
    await rig.run()
    assert (approver.asked, approver.lanes) == (["write"], ["turn.1/call.2"])
    assert [done.status for done in rig.seen.of("tool.completed")] == ["ok", "ok"]


async def test_always_is_asked_once_in_a_run() -> None:
    approver = Answering([Said("always")])
    rig = Rig([calls(("write", {"n": 1})), calls(("write", {"n": 2})), answer()], approver=approver)
    rig.tools = [says("write", "w", effects="idempotent")]
    outcome = await rig.run()
    assert (outcome.status, approver.asked) == ("completed", ["write"])


async def test_always_never_covers_what_cannot_be_taken_back() -> None:
    approver = Answering([Said("always"), Said("once")])
    rig = Rig([calls(("wipe", {"n": 1})), calls(("wipe", {"n": 2})), answer()], approver=approver)
    rig.tools = [says("wipe", "w", effects="irreversible")]
    await rig.run()
    assert approver.asked == ["wipe", "wipe"]


async def test_what_a_flag_allows_is_on_record_as_answered_by_the_flag() -> None:
    rig = Rig([calls(("write", {})), answer()], policy=Policy(allow=["write"]))
    rig.tools = [says("write", "w", effects="idempotent")]
    await rig.run()
    (resolved,) = rig.seen.of("approval.resolved")
    assert (resolved.decision, resolved.by, resolved.reason) == ("once", "flag", "--allow write")


async def test_a_denied_call_is_told_to_the_model_and_nobody_is_asked() -> None:
    rules = Permissions(deny=("write",))
    rig = Rig([calls(("write", {})), answer()], policy=Policy([Layer("user", rules)], yes=True))
    rig.tools = [says("write", "w", effects="idempotent")]
    result = await told(rig)
    assert (result.status, result.result.split(":")[0], rig.approver.asked) == ("denied", "E-TOOL-DENIED", [])


async def test_a_refusal_is_told_with_its_reason_and_the_run_goes_on() -> None:
    rig = Rig([calls(("write", {})), answer()], approver=Answering([Said("no", reason="not today")]))
    rig.tools = [says("write", "w", effects="idempotent")]
    result = await told(rig)
    assert (result.status, result.result) == (
        "denied",
        "E-TOOL-REFUSED: The user refused `write`. The reason given: not today. Go on without this call.",
    )
    assert rig.tools[0].called == []


async def test_an_ask_that_nobody_can_answer_ends_the_run_as_denied() -> None:
    tool = says("write", "w", effects="idempotent")
    outcome = await Rig([calls(("write", {})), answer()], [tool], approver=Answering()).run()
    assert (outcome.status, outcome.exit_code, tool.called) == ("denied", 5, [])
    assert outcome.error is not None
    assert outcome.error.code == "E-APPROVAL-NOBODY"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ToolError("E-FILE-UNKNOWN", "There is no `a`."), "error"),
        (ToolRefusedError("E-PATH-OUTSIDE", "`..` is outside."), "denied"),
        (ToolTimeoutError("E-TOOL-TIMEOUT", "Too slow."), "timeout"),
        (RuntimeError("boom"), "error"),
        (TimeoutError("its own"), "error"),
    ],
)
async def test_whatever_a_tool_raises_is_the_result_of_its_call(error: Exception, status: str) -> None:
    async def fails(_: Mapping[str, Any]) -> ToolResult:
        raise error

    rig = Rig([calls(("bad", {})), answer()], [FunctionTool("bad", fails)])
    result = await told(rig)
    assert result.status == status
    assert str(error) in result.result


async def test_a_call_past_its_time_is_stopped() -> None:
    stopped = asyncio.Event()

    async def hangs(_: Mapping[str, Any]) -> ToolResult:
        try:
            return await forever()
        finally:
            stopped.set()

    rig = Rig([calls(("hang", {})), answer()], [FunctionTool("hang", hangs)], limits=Limits(tool_seconds=0.01))
    result = await told(rig)
    assert result.status == "timeout"
    assert stopped.is_set()


async def test_a_changing_call_is_announced_on_disk_before_it_happens() -> None:
    rig = Rig([calls(("write", {})), answer()], approver=Answering([Said("once")]))
    durable: list[bool] = []

    async def write(_: Mapping[str, Any]) -> ToolResult:
        assert rig.log is not None
        durable.append(rig.log.safe == len(rig.recorded()))
        return ToolResult("written")

    rig.tools = [FunctionTool("write", write, effects="irreversible")]
    await rig.run()
    assert durable == [True]


async def test_the_model_never_sees_a_secret_and_a_writing_tool_gets_the_real_one() -> None:
    redactor = MarkingRedactor({"key": "s3cr3t-value"})
    rig = Rig([], redactor=redactor, approver=Answering([Said("once")]))
    write = says("write", "written", effects="idempotent")
    rig.tools = [says("look", "the key is s3cr3t-value"), write]
    rig.provider.replies = [calls(("look", {})), calls(("write", {"text": "<secret:key>"})), answer("s3cr3t-value")]
    outcome = await rig.run()
    assert rig.provider.requests[1].conversation.messages[-1].content == "the key is <secret:key>"
    assert write.called == [{"text": "s3cr3t-value"}]
    assert outcome.output == "<secret:key>"
    assert "s3cr3t-value" not in str([event.to_json() for event in rig.recorded()])


async def test_a_reading_tool_is_never_given_a_secret() -> None:
    look = says("look", "x")
    rig = Rig([calls(("look", {"at": "<secret:key>"})), answer()], [look], redactor=MarkingRedactor({"key": "s3cr3t"}))
    result = await told(rig)
    assert (result.status, look.called) == ("denied", [])


async def test_a_file_too_large_to_be_held_is_on_record_by_a_keyed_digest() -> None:
    looked: list[bytes] = []

    class Looking(MarkingRedactor):
        def holds_secret(self, data: bytes) -> bool:
            looked.append(data)
            return False

    async def read(_: Mapping[str, Any]) -> ToolResult:
        return ToolResult("ok", files=(FileChange("big.log", digest="a" * 64, near=b"around"),))

    rig = Rig([calls(("read", {})), answer()], [FunctionTool("read", read)], redactor=Looking())
    (touch,) = (await told(rig)).files
    assert touch == FileTouch("big.log", Looking().keyed_digest(b"a" * 64), None, changed=False, masked=True)
    assert looked == [b"around"]


async def test_a_secret_in_either_content_is_looked_for() -> None:
    looked: list[bytes] = []

    class Looking(MarkingRedactor):
        def holds_secret(self, data: bytes) -> bool:
            looked.append(data)
            return True

    async def write(_: Mapping[str, Any]) -> ToolResult:
        return ToolResult("ok", files=(FileChange("a", b"old", b"new", changed=True),))

    await Rig([calls(("write", {})), answer()], [FunctionTool("write", write)], redactor=Looking()).run()
    assert looked == [b"old", b"new"]


async def test_no_placeholder_stands_in_any_argument_that_rules_are_held_against() -> None:
    class Moving(FunctionTool):
        @property
        def spec(self) -> ToolSpec:
            return ToolSpec("move", "", {"type": "object"}, "idempotent", subject="from", also=("to",))

    async def move(_: Mapping[str, Any]) -> ToolResult:
        return ToolResult("moved")

    tool = Moving("move", move, effects="idempotent")
    redactor = MarkingRedactor({"key": "s3cr3t"})
    rig = Rig([calls(("move", {"from": "a", "to": "<secret:key>"})), answer()], [tool], redactor=redactor)
    rig.approver = Answering([Said("once")])
    result = await told(rig)
    assert (result.status, tool.called) == ("denied", [])


async def test_snapshots_of_changed_files_are_kept_and_secret_ones_are_masked() -> None:
    async def write(_: Mapping[str, Any]) -> ToolResult:
        changes = (
            FileChange("a.txt", b"old", b"new", changed=True, mode=0o755),
            FileChange("b.txt", None, b"has s3cr3t", changed=True),
            FileChange("c.txt", b"read", mode=0o644),
        )
        return ToolResult("ok", files=changes)

    rig = Rig(
        [calls(("write", {})), answer()], [FunctionTool("write", write)], redactor=MarkingRedactor({"k": "s3cr3t"})
    )
    result = await told(rig)
    changed, secret, read = result.files
    assert [rig.journal.blob(digest) for digest in (changed.before, changed.after)] == [b"old", b"new"]
    assert (secret.masked, secret.before) == (True, None)
    assert secret.after not in rig.journal.blobs
    assert (read.changed, read.before in rig.journal.blobs) == (False, False)
    assert (changed.mode, secret.mode, read.mode) == (0o755, None, None)
