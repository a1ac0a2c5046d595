"""A run's first and last event, whatever happens between them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.runs import RunEnd
from agentcli.core.tools import ToolResult
from agentcli.engine.lifecycle import Interrupt
from agentcli.engine.ports import ModelObserver
from agentcli.errors import StorageError
from tests.fakes.engine import FunctionTool, MarkingRedactor, Rig, answer, calls, forever, run_start
from tests.fakes.journal import MemoryRunLog


class FullAtTheEnd(MemoryRunLog):
    """A log whose disk fills with the last commit."""

    async def end(self, end: RunEnd) -> None:
        raise StorageError("E-JOURNAL-FULL", "The disk is full.")


@pytest.mark.parametrize(("exit_code", "word"), [(130, "interrupt"), (143, "SIGTERM")])
async def test_a_cancelled_run_is_ended_on_record_and_says_by_what(exit_code: int, word: str) -> None:
    asked = asyncio.Event()

    async def hangs(_request: ModelRequest, _observer: ModelObserver) -> ModelReply:
        asked.set()
        reply: ModelReply = await forever()
        return reply

    rig = Rig([hangs], interrupt=Interrupt(exit_code))
    task = asyncio.create_task(rig.run())
    await asked.wait()
    task.cancel()
    outcome = await task
    assert (outcome.status, outcome.exit_code) == ("cancelled", exit_code)
    assert outcome.error is not None
    assert word in outcome.error.what
    assert rig.recorded()[-1].body.type == "run.completed"
    assert [event.body.type for event in rig.recorded()].count("model.completed") == 0


async def test_cancelling_stops_the_tool_that_is_running() -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def hangs(_: Mapping[str, Any]) -> ToolResult:
        begun.set()
        try:
            return await forever()
        finally:
            stopped.set()

    rig = Rig([calls(("hang", {}))], [FunctionTool("hang", hangs)])
    task = asyncio.create_task(rig.run())
    await begun.wait()
    task.cancel()
    assert (await task).status == "cancelled"
    assert stopped.is_set()


async def test_a_journal_that_fails_stops_the_run_and_leaves_it_interrupted() -> None:
    rig = Rig([calls(("look", {})), answer()])

    async def breaks(_: Mapping[str, Any]) -> ToolResult:
        assert rig.log is not None
        rig.log.fails = StorageError("E-JOURNAL-FULL", "The disk is full.", fix="Make room.")
        return ToolResult("x")

    rig.tools = [FunctionTool("look", breaks)]
    outcome = await rig.run()
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.code == "E-JOURNAL-FULL"
    assert rig.seen.types()[-1] != "run.completed"
    assert len(rig.provider.requests) == 1


async def test_nobody_sees_the_end_before_it_is_safe_on_disk() -> None:
    rig = Rig([answer("42")])
    rig.log = FullAtTheEnd(rig.journal, run_start())
    outcome = await rig.run()
    assert outcome.exit_code == 1
    assert "run.completed" not in rig.seen.types()


async def test_streamed_text_is_shown_word_by_word_and_holds_no_secret() -> None:
    async def streams(_request: ModelRequest, observer: ModelObserver) -> ModelReply:
        for piece in ("the ke", "y s3cr", "3t is", " out"):
            observer.delta(piece)
        return answer("the key s3cr3t is out")

    rig = Rig([streams], redactor=MarkingRedactor({"k": "s3cr3t"}))
    await rig.run()
    deltas = rig.seen.of("model.delta")
    assert "".join(delta.text for delta in deltas) == "the key <secret:k> is out"
    assert [delta.index for delta in deltas] == list(range(len(deltas)))
    started = [event.seq for event in rig.recorded() if event.body.type == "model.started"]
    assert {event.seq for event in rig.seen.events if event.body.type == "model.delta"} == set(started)
    assert "model.delta" not in [event.body.type for event in rig.recorded()]


async def test_a_retry_voids_what_was_streamed_and_is_on_record() -> None:
    async def retries(_request: ModelRequest, observer: ModelObserver) -> ModelReply:
        observer.delta("gone ")
        observer.retried("503", 0.5)
        observer.delta("kept ")
        observer.fell_back("fake:other", "429")
        observer.delta("new")
        return answer("new", attempts=3)

    rig = Rig([retries])
    await rig.run()
    assert rig.seen.types()[3:-2] == ["model.delta", "model.retried", "model.delta", "model.fallback", "model.delta"]
    assert [delta.index for delta in rig.seen.of("model.delta")] == [0, 0, 0]
    assert "model.retried" in [event.body.type for event in rig.recorded()]


async def test_what_canonical_json_cannot_hold_is_made_fit_on_entry() -> None:
    rig = Rig([calls(("look", {"x": "a\ud800b", "n": float("nan")})), answer("bad \udfff end")])

    async def look(arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(f"got {arguments['x']}")

    rig.tools = [FunctionTool("look", look)]
    outcome = await rig.run()
    assert outcome.output == "bad ? end"
    assert rig.tools[0].called == [{"x": "a?b", "n": None}]
