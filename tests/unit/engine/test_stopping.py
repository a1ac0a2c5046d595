"""What stops a run from outside: a signal at any moment, a journal that fails at any point."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.limits import Limits
from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.runs import RunEnd
from agentcli.core.tools import ToolResult
from agentcli.engine.lifecycle import RunOutcome, to_the_end
from agentcli.engine.ports import ModelObserver
from agentcli.errors import DeniedError, StorageError
from tests.fakes.engine import (
    RUN,
    Answering,
    FunctionTool,
    MarkingRedactor,
    Reply,
    Rig,
    Said,
    answer,
    calls,
    forever,
    run_start,
)
from tests.fakes.journal import MemoryRunLog


class FailingLog(MemoryRunLog):
    """A log that takes so many operations, and fails from then on."""

    left = 0

    def _check(self) -> None:
        if self.left == 0:
            self.fails = StorageError("E-JOURNAL-FULL", "The disk is full.")
        self.left -= 1
        super()._check()


class SlowLog(MemoryRunLog):
    """A log whose disk takes its time."""

    async def barrier(self) -> None:
        await asyncio.sleep(0)
        await super().barrier()


class HeldLog(MemoryRunLog):
    """A log whose end waits until it is let go."""

    def hold(self) -> None:
        self.ending, self.go = asyncio.Event(), asyncio.Event()

    async def end(self, end: RunEnd) -> None:
        self.ending.set()
        await self.go.wait()
        await super().end(end)


def working(rig: Rig) -> list[int]:
    """Gives the rig two tools, of which one changes the world; returns where performed calls are listed."""
    done: list[int] = []

    async def function(arguments: Mapping[str, Any]) -> ToolResult:
        await asyncio.sleep(0)
        done.append(arguments["n"])
        return ToolResult("ok")

    rig.tools = [FunctionTool("look", function), FunctionTool("write", function, "irreversible")]
    rig.approver = Answering([Said("once")] * 9)
    rig.provider.replies = replies()
    return done


def replies() -> list[Reply]:
    some = [("look", {"n": 0}), ("write", {"n": 1}), ("write", {"n": 2}), ("none", {}), ("look", {"n": 3})]
    return [calls(*some), answer("end")]


async def recorded_operations() -> int:
    rig = Rig()
    working(rig)
    log = FailingLog(rig.journal, run_start())
    log.left, rig.log = 10_000, log
    assert (await rig.run()).exit_code == 0
    return 10_000 - log.left


@pytest.mark.parametrize("point", range(60))
async def test_a_journal_that_fails_at_any_point_stops_the_run_in_order(point: int) -> None:
    rig = Rig()
    done = working(rig)
    log = FailingLog(rig.journal, run_start())
    rig.journal.logs[RUN], rig.log = log, log
    log.left = min(point, await recorded_operations() - 1)
    outcome = await asyncio.wait_for(rig.run(), 5)
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.code == "E-JOURNAL-FULL"
    assert not log.owned
    assert log.finish is None
    assert "run.completed" not in rig.seen.types()
    announced = [event.body for event in rig.recorded()[: log.safe] if event.body.type == "tool.started"]
    safe = [body.arguments.get("n") for body in announced]
    assert {1, 2} & set(done) <= set(safe), "what changes the world is announced on disk first"


@pytest.mark.parametrize("moment", range(40))
async def test_a_run_cancelled_at_any_moment_ends_on_record_and_loses_nothing(moment: int) -> None:
    rig = Rig()
    done = working(rig)
    rig.log = SlowLog(rig.journal, run_start())
    rig.journal.logs[RUN] = rig.log
    task = asyncio.create_task(rig.run())
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    if moment == 0:  # it had not begun
        with pytest.raises(asyncio.CancelledError):
            await task
        return
    outcome = await asyncio.wait_for(task, 5)
    record = rig.recorded()
    assert outcome.status in ("cancelled", "completed")
    assert record[-1].body.type == "run.completed"
    assert rig.log.finish is not None
    assert rig.log.finish.status == outcome.status
    begun = {e.key: e.body.arguments["n"] for e in record if e.body.type == "tool.started" and e.key is not None}
    ended = [begun[e.key] for e in record if e.body.type == "tool.completed" and e.key is not None]
    assert sorted(ended) == sorted(done)


async def test_cancelling_comes_too_late_while_the_end_is_written() -> None:
    rig = Rig([answer("42")])
    log = HeldLog(rig.journal, run_start())
    log.hold()
    rig.journal.logs[RUN], rig.log = log, log
    task = asyncio.create_task(rig.run())
    await log.ending.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    log.go.set()
    outcome = await task
    assert (outcome.status, outcome.output, task.cancelling()) == ("completed", "42", 0)
    assert rig.seen.types()[-1] == "run.completed"


async def cancelled_in(rig: Rig, begun: asyncio.Event) -> RunOutcome:
    task = asyncio.create_task(rig.run())
    await begun.wait()
    task.cancel()
    return await asyncio.wait_for(task, 5)


async def test_work_that_must_end_keeps_its_error() -> None:
    async def closes() -> None:
        await asyncio.sleep(0)
        raise OSError("the model would not go")

    task = asyncio.create_task(to_the_end(closes()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(OSError, match="would not go"):
        await task


async def test_a_run_told_twice_to_stop_stops_once() -> None:
    rig = Rig()
    working(rig)
    task = asyncio.create_task(rig.run())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    assert ((await task).status, task.cancelling()) == ("cancelled", 0)


async def test_the_end_of_a_cancelled_run_waits_for_every_call_to_clean_up() -> None:
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def quick(_: Mapping[str, Any]) -> ToolResult:
        return await forever()

    async def slow(_: Mapping[str, Any]) -> ToolResult:
        begun.set()
        try:
            return await forever()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            assert rig.seen.types()[-1] != "run.completed"
            cleaned.set()

    rig = Rig([calls(("quick", {}), ("slow", {}))], [FunctionTool("quick", quick), FunctionTool("slow", slow)])
    assert (await cancelled_in(rig, begun)).status == "cancelled"
    assert cleaned.is_set()


async def test_a_call_that_ends_in_spite_of_cancellation_is_on_record_and_no_other_begins() -> None:
    begun = asyncio.Event()

    async def stubborn(arguments: Mapping[str, Any]) -> ToolResult:
        if arguments["n"] == 4:
            begun.set()
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return ToolResult("half of it")

    rig = Rig([calls(*[("do", {"n": n}) for n in range(8)])], [FunctionTool("do", stubborn)])
    outcome = await cancelled_in(rig, begun)
    assert outcome.status == "cancelled"
    assert [done.result for done in rig.seen.of("tool.completed")] == ["half of it"] * 5
    assert len(rig.tools[0].called) == 5
    assert rig.recorded()[-1].body.type == "run.completed"


async def test_a_tool_whose_own_work_was_cancelled_has_failed_and_the_run_goes_on() -> None:
    async def gives_up(_: Mapping[str, Any]) -> ToolResult:
        raise asyncio.CancelledError

    rig = Rig([calls(("do", {})), answer("so be it")], [FunctionTool("do", gives_up)])
    outcome = await rig.run()
    assert outcome.output == "so be it"
    assert [done.status for done in rig.seen.of("tool.completed")] == ["error"]


async def test_what_a_tool_may_not_survive_ends_the_run_after_the_other_calls() -> None:
    async def cannot(_: Mapping[str, Any]) -> ToolResult:
        raise DeniedError("E-SANDBOX-NONE", "There is no sandbox.")

    rig = Rig()
    done = working(rig)
    rig.tools = [*rig.tools, FunctionTool("bare", cannot)]
    rig.provider.replies = [calls(("bare", {}), ("look", {"n": 7}))]
    outcome = await rig.run()
    assert (outcome.status, outcome.exit_code, done) == ("denied", 5, [7])


async def test_an_unforeseen_error_keeps_no_secret_and_a_provider_timeout_is_one() -> None:
    async def times_out(_request: ModelRequest, _observer: ModelObserver) -> ModelReply:
        raise TimeoutError("after Bearer s3cr3t")

    redactor = MarkingRedactor({"key": "s3cr3t"})
    rig = Rig([times_out], limits=Limits(seconds=60), redactor=redactor)
    outcome = await rig.run()
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.why) == ("E-INTERNAL", "After Bearer <secret:key>.")
    assert "s3cr3t" not in str([event.to_json() for event in rig.recorded()])


class Breaking(MemoryRunLog):
    """A log with a mistake in it."""

    async def end(self, end: RunEnd) -> None:
        raise ZeroDivisionError("oops")


async def test_a_mistake_at_the_very_end_is_told_too() -> None:
    rig = Rig([answer("42")])
    rig.log = Breaking(rig.journal, run_start())
    outcome = await rig.run()
    assert (outcome.status, outcome.error and outcome.error.code, rig.log.owned) == ("failed", "E-INTERNAL", False)
