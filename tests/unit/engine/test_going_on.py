"""Runs that stopped and go on: what counts, what is asked again, and under whose terms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.agents import Permissions
from agentcli.core.events import Body, Event, LimitReached, RunForked, RunResumed, ToolCompleted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message
from agentcli.core.policies import Layer, Policy
from agentcli.core.tools import ToolResult
from agentcli.engine.lifecycle import RunOutcome
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from agentcli.errors import ModelError
from tests.fakes.engine import RUN, Answering, FunctionTool, Rig, Said, answer, calls, forever, run_start, says
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

NO_MANIFEST = "0" * 64


def marker(seq: int, body: Body | None = None) -> Event:
    return Event(RUN, seq, 0.0, 1_000.0, body or RunResumed(NO_MANIFEST, {}))


def described(event: Event) -> Any:
    return {"seq": event.seq}


def gone_on(before: Sequence[Event], rig: Rig, then: Any = "live", body: Body | None = None) -> Rig:
    """The rig, with these events on record and a new era after them."""
    events = [*before, marker(len(before) + 1, body)]
    journal = InMemoryJournal()
    rig.log = journal.logs[RUN] = MemoryRunLog(journal, run_start())
    rig.journal = journal
    for event in events:
        rig.log.append(event)
    rig.later = rig.later or [rig.terms()]
    rig.playback = Playback(Recording(events, described), then)
    return rig


async def replayed(rig: Rig) -> RunOutcome:
    """The rig's whole record once more, under the same terms, with nothing to answer live."""
    again = Rig((), rig.tools, limits=rig.limits, policy=rig.policy, schema=rig.schema, later=rig.later)
    again.playback = Playback(Recording(rig.recorded(), described), "refuse")
    outcome = await again.run()
    assert again.playback.divergence is None
    assert not again.playback.recording.order
    assert again.recorded() == []
    return outcome


def same(one: RunOutcome, other: RunOutcome) -> bool:
    return (one.status, one.output, one.error, one.turns, one.usage) == (
        other.status,
        other.output,
        other.error,
        other.turns,
        other.usage,
    )


async def test_a_limit_that_was_raised_stops_the_run_no_more_and_the_whole_replays() -> None:
    tool = says("look", "seen")
    first = Rig([calls(("look", {}))], [tool], limits=Limits(turns=1))
    assert (await first.run()).status == "limited"
    second = Rig([answer("found")], [tool], limits=Limits(turns=1))
    second.later = [replace(second.terms(), limits=Limits(turns=5))]
    gone_on(first.recorded(), second)
    outcome = await second.run()
    assert (outcome.status, outcome.output, outcome.turns) == ("completed", "found", 2)
    assert len(tool.called) == 1
    assert same(await replayed(second), outcome)


async def test_a_failure_of_the_provider_is_asked_again_and_shown_no_more() -> None:
    first = Rig([ModelError("E-MODEL-UNREACHABLE", "No server answers.")])
    assert (await first.run()).exit_code == 7
    second = gone_on(first.recorded(), Rig([answer("there")]))
    outcome = await second.run()
    assert outcome.output == "there"
    assert second.seen.types("turn.started") == [
        "run.started", "model.started", "run.resumed", "model.started", "model.completed", "run.completed",
    ]  # fmt: skip
    assert same(await replayed(second), outcome)


@pytest.mark.parametrize("reply", [answer(""), answer("no", finish_reason="content_filter")])
async def test_an_answer_that_was_of_no_use_is_asked_for_again(reply: Any) -> None:
    first = Rig([reply])
    assert (await first.run()).status == "failed"
    second = gone_on(first.recorded(), Rig([answer("better")]))
    outcome = await second.run()
    assert outcome.output == "better"
    assert same(await replayed(second), outcome)


async def test_a_repair_that_failed_is_tried_again() -> None:
    schema = {"type": "object"}
    first = Rig([answer("no"), answer("neither")], schema=schema)
    assert (await first.run()).status == "failed"
    second = gone_on(first.recorded(), Rig([answer("{}")], schema=schema))
    outcome = await second.run()
    assert outcome.output == {}
    assert same(await replayed(second), outcome)


async def test_a_question_that_nobody_answered_is_put_again() -> None:
    tool = says("write", "written", effects="idempotent")
    first = Rig([calls(("write", {}))], [tool])
    assert (await first.run()).status == "denied"
    second = gone_on(first.recorded(), Rig([answer()], [tool], approver=Answering([Said("once")])))
    outcome = await second.run()
    assert (outcome.status, len(tool.called), second.approver.asked) == ("completed", 1, ["write"])
    assert same(await replayed(second), outcome)


async def test_an_approval_that_no_call_has_used_is_asked_for_again() -> None:
    tool = says("write", "written", effects="idempotent")
    first = Rig([calls(("write", {})), answer()], [tool], approver=Answering([Said("once")]))
    await first.run()
    resolved = next(event for event in first.recorded() if event.body.type == "approval.resolved")
    second = gone_on(first.recorded()[: resolved.seq], Rig([answer()], [tool]))
    tool.called.clear()
    assert (await second.run()).status == "denied"
    assert (tool.called, second.approver.asked) == ([], ["write"])


async def test_an_approval_for_the_rest_of_the_run_ends_where_the_run_stopped() -> None:
    tool = says("write", "written", effects="idempotent")
    first = Rig(
        [calls(("write", {})), calls(("write", {})), answer()], [tool], approver=Answering([Said("always")])
    )  # fmt: skip
    await first.run()
    done = [event for event in first.recorded() if event.body.type == "tool.completed"]
    second = gone_on(first.recorded()[: done[0].seq], Rig([calls(("write", {})), answer()], [tool]))
    assert (await second.run()).status == "denied"
    assert second.approver.asked == ["write"]


async def test_what_was_called_stays_under_its_own_rules_and_what_is_called_goes_by_the_new_ones() -> None:
    tool = says("read", "text")
    first = Rig([calls(("read", {})), calls(("read", {})), answer()], [tool])
    await first.run()
    done = [event for event in first.recorded() if event.body.type == "tool.completed"]
    second = Rig([calls(("read", {})), answer("well")], [tool])
    denying = Policy((Layer("user", Permissions(deny=("read",))),))
    second.later = [replace(second.terms(), policy=denying)]
    gone_on(first.recorded()[: done[0].seq], second)
    tool.called.clear()
    outcome = await second.run()
    results = [body.status for body in second.seen.of("tool.completed")]
    assert (outcome.output, results, tool.called) == ("well", ["ok", "denied"], [])
    assert same(await replayed(second), outcome)


async def test_a_fork_goes_on_with_other_words_and_another_model_and_the_whole_replays() -> None:
    tool = says("look", "seen")
    first = Rig([calls(("look", {})), answer("old")], [tool])
    await first.run()
    cut = next(event.seq for event in first.recorded() if event.body.type == "tool.completed")
    second = Rig([answer("new")], [tool])
    head = replace(second.terms().head, models=("fake:other",))
    opening = (Message("system", "Be long."), Message("user", "What else?"))
    second.later = [replace(second.terms(), head=head, opening=opening)]
    gone_on(first.recorded()[:cut], second, body=RunForked("parent", cut, NO_MANIFEST, {}))
    outcome = await second.run()
    asked = second.provider.requests[0]
    assert asked.head.models == ("fake:other",)
    assert [message.content for message in asked.conversation.messages] == ["Be long.", "What else?", "", "seen"]
    assert outcome.output == "new"
    assert same(await replayed(second), outcome)


def wipe(function: Any) -> FunctionTool:
    return FunctionTool("wipe", function, "irreversible")


def killed_in_a_call() -> list[Event]:
    """The record of a run that was killed while a tool was at work."""

    async def scenario() -> list[Event]:
        tool = says("wipe", "gone", effects="irreversible")
        first = Rig([calls(("wipe", {})), answer()], [tool], approver=Answering([Said("once")]))
        await first.run()
        started = next(event for event in first.recorded() if event.body.type == "tool.started")
        return first.recorded()[: started.seq]

    return asyncio.run(scenario())


IN_A_CALL = killed_in_a_call()


async def test_a_call_that_may_have_happened_is_not_repeated_by_itself() -> None:
    tool = says("wipe", "gone", effects="irreversible")
    rig = gone_on(IN_A_CALL, Rig([answer()], [tool], approver=Answering([Said("once")])))
    outcome = await rig.run()
    assert (outcome.exit_code, tool.called) == (5, [])
    assert outcome.error is not None
    assert outcome.error.code == "E-RUN-IN-DOUBT"


async def test_a_call_that_may_have_happened_is_repeated_when_somebody_says_so() -> None:
    tool = says("wipe", "gone", effects="irreversible")
    asked: list[int] = []

    async def again(started: Event) -> Body | None:
        asked.append(started.seq)
        return None

    rig = gone_on(IN_A_CALL, Rig([answer("done")], [tool], approver=Answering([Said("once")]), settle=again))
    outcome = await rig.run()
    assert (outcome.output, len(tool.called), asked) == ("done", 1, [IN_A_CALL[-1].seq])
    assert same(await replayed(rig), outcome)


async def test_a_call_that_did_happen_gets_the_result_that_is_told() -> None:
    tool = says("wipe", "gone", effects="irreversible")

    async def known(started: Event) -> Body | None:
        return ToolCompleted("wipe", "c1", "ok", "it was gone", None, 0.0)

    rig = gone_on(IN_A_CALL, Rig([answer("done")], [tool], approver=Answering([Said("once")]), settle=known))
    outcome = await rig.run()
    assert (outcome.output, tool.called) == ("done", [])
    assert rig.provider.requests[0].conversation.messages[-1].content == "it was gone"
    assert same(await replayed(rig), outcome)


async def test_a_call_that_only_reads_is_repeated_without_a_question() -> None:
    tool = says("wipe", "gone", effects="idempotent")
    rig = gone_on(IN_A_CALL, Rig([answer()], [tool], approver=Answering([Said("once")])))
    assert (await rig.run()).status == "completed"
    assert len(tool.called) == 1


async def test_an_irreversible_call_that_ran_out_of_time_is_in_doubt() -> None:
    async def never(_arguments: Any) -> ToolResult:
        await forever()
        raise AssertionError("it ended")

    limits = Limits(tool_seconds=0.01)
    rig = Rig([calls(("wipe", {}))], [wipe(never)], limits=limits, approver=Answering([Said("once")]))
    outcome = await rig.run()
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (5, "E-RUN-IN-DOUBT")
    assert not rig.seen.of("tool.completed")


async def test_an_irreversible_call_that_ran_out_of_time_can_be_settled_at_once() -> None:
    async def never(_arguments: Any) -> ToolResult:
        await forever()
        raise AssertionError("it ended")

    async def known(started: Event) -> Body | None:
        return ToolCompleted("wipe", "c1", "ok", "it was gone", None, 0.0)

    rig = Rig([calls(("wipe", {})), answer("done")], [wipe(never)], limits=Limits(tool_seconds=0.01), settle=known)
    rig.approver = Answering([Said("once")])
    outcome = await rig.run()
    assert outcome.output == "done"
    assert same(await replayed(rig), outcome)


async def test_the_time_that_was_taken_counts_and_the_time_between_does_not() -> None:
    events = [
        Event(RUN, 1, 0.0, 100.0, LimitReached("x", 0, 0)),
        Event(RUN, 2, 0.0, 103.5, LimitReached("x", 0, 0)),
        marker(3),
        Event(RUN, 4, 0.0, 1_002.0, LimitReached("x", 0, 0)),
    ]
    assert Recording(events, described).spent == 5.5


async def test_a_run_that_stops_at_the_end_of_its_record_tells_what_it_wants_next() -> None:
    tool = says("look", "seen")
    first = Rig([calls(("look", {})), answer("old")], [tool])
    await first.run()
    cut = next(event.seq for event in first.recorded() if event.body.type == "tool.completed")
    second = Rig((), [tool])
    gone_on(first.recorded()[:cut], second, then="stop")
    assert second.playback is not None
    running = asyncio.create_task(second.run())
    second.playback._on_stop = running.cancel
    outcome = await running
    assert outcome.status == "cancelled"
    assert [asked.key.kind for asked in second.playback.wanted] == ["model"]
