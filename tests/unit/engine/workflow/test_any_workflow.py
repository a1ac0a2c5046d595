"""Workflows of any shape: recorded and replayed, cut, forked or stopped anywhere and gone on with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentcli.core.events import Event, ModelCompleted, ToolCompleted
from agentcli.engine.lifecycle import RunOutcome
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from tests.fakes.any_flow import SHAPES, Shape, World, shape_of
from tests.fakes.flows import Flow, closed, described, forked, gone_on, refuse, replayed, told, with_record

WELL = 0
"""A world in which everything succeeds."""


def checked(outcome: RunOutcome) -> RunOutcome:
    """The outcome, which is one that a run may have."""
    assert outcome.exit_code in (0, 1, 4, 7), outcome.error
    assert outcome.error is None or outcome.error.code != "E-INTERNAL", outcome.error
    return outcome


def done(events: Sequence[Event]) -> Counter[object]:
    """What was completed, by its place."""
    ok = (event for event in events if event.result is not None and _is_use(event))
    return Counter(event.key for event in ok)


def _is_use(event: Event) -> bool:
    body = event.body
    if isinstance(body, ModelCompleted):
        return bool(body.message.content or body.message.tool_calls)
    return isinstance(body, ToolCompleted) and body.status == "ok"


async def same_again(flow: Flow, outcome: RunOutcome) -> None:
    """The whole record, strictly."""
    again, second = await replayed(flow)
    assert told(second) == told(outcome)
    shown = [event.seq for event in again.seen.events]
    assert shown == sorted(shown)


@given(SHAPES)
@settings(max_examples=150, deadline=None)
def test_a_replay_ends_as_the_run_did_shows_the_same_events_and_does_nothing(shape: Shape) -> None:
    async def scenario() -> None:
        first = World(shape).flow()
        outcome = checked(await asyncio.wait_for(first.run(), 20))
        again, second = await replayed(first)
        assert told(second) == told(outcome)
        assert again.seen.events == first.recorded()

    asyncio.run(scenario())


@given(SHAPES, st.floats(0, 1), st.sampled_from([WELL, 25]))
@settings(max_examples=150, deadline=None)
def test_a_workflow_cut_anywhere_goes_on_without_repeating_what_was_done(shape: Shape, where: float, luck: int) -> None:
    async def scenario() -> None:
        first = World(shape).flow()
        await asyncio.wait_for(first.run(), 20)
        kept = first.recorded()[: round(where * len(first.recorded()))]
        second = with_record(World(shape, luck).flow(), kept)
        outcome = checked(await asyncio.wait_for(second.run(), 20))
        whole = second.recorded()
        assert whole[: len(kept)] == kept
        assert max(done(whole).values(), default=0) <= 1
        await same_again(second, outcome)

    asyncio.run(scenario())


@given(SHAPES, st.lists(st.floats(0, 1), min_size=1, max_size=3), st.sampled_from([WELL, 25]))
@settings(max_examples=150, deadline=None)
def test_a_workflow_that_stopped_anywhere_and_was_resumed_replays_as_one(
    shape: Shape, cuts: list[float], luck: int
) -> None:
    async def scenario() -> None:
        flow = World(shape).flow()
        await asyncio.wait_for(flow.run(), 20)
        for where in cuts:
            kept = flow.recorded()[: max(1, round(where * len(flow.recorded())))]
            world = World(shape, luck)
            flow = gone_on(flow, kept, says=world.says, tools=world.tools())
            outcome = checked(await asyncio.wait_for(flow.run(), 20))
            assert max(done(flow.recorded()).values(), default=0) <= 1
        await same_again(flow, outcome)

    asyncio.run(scenario())


@given(SHAPES, st.floats(0, 1), st.integers(0, 5), st.sampled_from([WELL, 25]))
@settings(max_examples=150, deadline=None)
def test_a_workflow_forked_anywhere_with_another_prompt_for_a_step_replays(
    shape: Shape, where: float, step: int, luck: int
) -> None:
    async def scenario() -> None:
        first = World(shape).flow()
        await asyncio.wait_for(first.run(), 20)
        kept = first.recorded()[: max(1, round(where * len(first.recorded())))]
        plan = replace(first.plan, prompts={f"main/s{step}": "something else {{ inputs }}"})
        world = World(shape, luck)
        fork = gone_on(first, kept, forked("parent", len(kept)), plan=plan, says=world.says, tools=world.tools())
        outcome = checked(await asyncio.wait_for(fork.run(), 20))
        assert max(done(fork.recorded()).values(), default=0) <= 1
        await same_again(fork, outcome)

    asyncio.run(scenario())


@given(SHAPES, st.integers(1, 60))
@example(shape_of(1106, 4), 4)  # an answer came while all was being stopped, and nobody did what it asked for
@settings(max_examples=150, deadline=None)
def test_a_workflow_stopped_at_any_moment_says_so_of_every_step_and_goes_on(shape: Shape, turns: int) -> None:
    async def scenario() -> None:
        flow = World(shape).flow()
        task = asyncio.create_task(flow.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        outcome = await asyncio.wait_for(task, 20)
        if outcome.exit_code == 130:
            ends = [event.lane for event in flow.recorded() if event.body.type in ENDS]
            steps = {f"step.{step}" for step in flow.plan_steps()}
            assert steps <= set(ends)
        await replayed_as_far(flow)
        world = World(shape, WELL)
        after = gone_on(flow, flow.recorded(), says=world.says, tools=world.tools())
        await same_again(after, checked(await asyncio.wait_for(after.run(), 20)))

    asyncio.run(scenario())


ENDS = {"step.completed", "step.skipped", "step.failed", "step.cancelled"}


async def replayed_as_far(flow: Flow) -> None:
    """A record that ends because the run was stopped is gone through as far as it goes."""
    record = flow.recorded()
    again = Flow(flow.plan, refuse, [closed(tool) for tool in flow.tools])
    playback = again.playback = Playback(Recording(record, described), "stop")
    task = asyncio.create_task(again.run())
    playback._on_stop = task.cancel
    await asyncio.wait_for(task, 20)
    assert playback.divergence is None, playback.divergence
    assert playback.recording.left() is None
