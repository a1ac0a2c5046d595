"""What a person is shown before they answer: by the tool itself, free of secrets, on record, and never in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentcli.core.tools import Preview, ToolResult
from agentcli.engine.previews import MAX_CHARS
from agentcli.errors import ToolError
from tests.fakes.engine import Answering, FunctionTool, MarkingRedactor, Rig, Said, answer, calls


@dataclass(slots=True)
class Showing(FunctionTool):
    """A tool that says what it would change."""

    shown: Any = None

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        if isinstance(self.shown, Exception):
            raise self.shown
        return self.shown(arguments) if callable(self.shown) else self.shown


async def written(_: Mapping[str, Any]) -> ToolResult:
    return ToolResult("written")


async def asked(shown: Any, arguments: Mapping[str, Any] | None = None, **options: Any) -> tuple[Rig, Any]:
    """The rig after a run with one call, and the preview that the approver was given."""
    rig = Rig([calls(("write", dict(arguments or {}))), answer()], approver=Answering([Said("once")]), **options)
    rig.tools = [Showing("write", written, effects="idempotent", shown=shown)]
    await rig.run()
    (requested,) = rig.seen.of("approval.requested")
    (preview,) = rig.approver.previews
    assert requested.preview == preview
    return rig, preview


async def test_the_person_and_the_record_get_what_the_tool_says() -> None:
    rig, preview = await asked(Preview("-old\n+new"))
    assert preview == "-old\n+new"
    assert rig.seen.of("approval.requested")[0].to_json()["preview"] == preview


async def test_a_tool_that_says_nothing_leaves_no_field() -> None:
    rig, preview = await asked(None)
    assert preview is None
    assert "preview" not in rig.seen.of("approval.requested")[0].to_json()


async def test_why_the_call_would_not_work_is_told_and_the_question_is_asked() -> None:
    assert (await asked(ToolError("E-FILE-UNKNOWN", "There is no file `a`.")))[1] == "(There is no file `a`.)"
    assert (await asked(RuntimeError("boom")))[1] == "(No preview: RuntimeError: boom)"


async def test_no_secret_is_shown_and_the_tool_gets_the_real_one() -> None:
    redactor = MarkingRedactor({"key": "s3cr3t-value"})
    given: list[Any] = []

    def shown(arguments: Mapping[str, Any]) -> Preview:
        given.append(arguments)
        return Preview("+key=s3cr3t-value", (b"key=s3cr3t-value",))

    _, preview = await asked(shown, {"text": "<secret:key>"}, redactor=redactor)
    assert given == [{"text": "s3cr3t-value"}]
    assert preview == "+key=<secret:key>"


async def test_the_files_behind_it_are_looked_through_first() -> None:
    looked: list[bytes] = []

    class Looking(MarkingRedactor):
        def holds_secret(self, data: bytes) -> bool:
            looked.append(data)
            return False

    await asked(Preview("x", (b"one", b"two")), redactor=Looking())
    assert looked == [b"one", b"two"]


async def test_a_preview_is_bounded() -> None:
    assert len((await asked(Preview("x" * (2 * MAX_CHARS))))[1]) == MAX_CHARS
