"""Lanes: who goes on when, also in lanes of lanes and where some are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agentcli.core.canonical import digest
from agentcli.core.events import ClockRead, Event
from agentcli.engine.effect import Effect
from agentcli.engine.effects import Effects
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from agentcli.engine.scope import Scope
from agentcli.errors import DivergenceError
from tests.fakes.engine import RUN, ManualClock, forever, run_start
from tests.fakes.journal import InMemoryJournal

Work = Callable[[Effects], Awaitable[list[str]]]


def effect(waits: int, durable: bool = False) -> Effect:
    async def live(_event: Event) -> ClockRead:
        for _ in range(waits):
            await asyncio.sleep(0)
        return ClockRead(waits)

    return Effect("clock", "now", digest("now"), lambda: "now", live, durable=durable)


def door(playback: Playback | None = None) -> tuple[Effects, InMemoryJournal]:
    journal = InMemoryJournal()
    return Effects(RUN, journal.begin(run_start()), ManualClock(), playback=playback), journal


def playback(events: list[Event]) -> Playback:
    return Playback(Recording(events, lambda event: event.seq), "refuse")


async def tree(it: Effects) -> list[str]:
    """Three lanes, each of which opens two more after its first effect; returns the order in which they went on."""
    order: list[str] = []

    async def leaf(name: str, waits: int) -> None:
        await it.perform(effect(waits, durable=waits % 2 == 0), Scope(name))
        order.append(name)

    async def branch(number: int) -> None:
        await leaf(f"{number}", 3 - number)
        await it.gather([lambda n=n: leaf(f"{number}.{n}", (number + n) % 3) for n in range(3)], 2)
        await leaf(f"{number}.end", number)

    await it.gather([lambda n=n: branch(n) for n in range(4)], 3)
    return order


async def test_lanes_of_lanes_go_on_in_the_recorded_order() -> None:
    first, journal = door()
    order = await tree(first)
    assert len(order) == 20
    again, _ = door(playback(journal.events(RUN)))
    assert await asyncio.wait_for(tree(again), 5) == order


async def many(it: Effects) -> None:
    for _ in range(1000):
        await it.perform(effect(0), Scope("a"))


async def test_a_replay_of_a_single_lane_can_be_stopped_in_the_midst() -> None:
    first, journal = door()
    await many(first)
    recorded = playback(journal.events(RUN))
    work = asyncio.create_task(many(door(recorded)[0]))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert 0 < recorded.answered < 1000


async def test_after_some_lanes_were_cancelled_the_others_go_on() -> None:
    it, _ = door()

    async def hangs() -> None:
        await forever()

    for delay in (0.0, 0.01):  # before and after the lanes began
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(delay):
                await it.gather([hangs, hangs, hangs], 3)
    assert len(await asyncio.wait_for(tree(it), 5)) == 20


async def test_a_lane_cancelled_while_it_waits_for_its_turn_leaves_its_result_on_record() -> None:
    it, journal = door()
    gate = asyncio.Event()

    async def waits_elsewhere() -> None:
        await gate.wait()

    async def quick() -> None:
        await it.perform(effect(0), Scope("quick"))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.gather([waits_elsewhere, quick], 2)
    assert [event.lane for event in journal.events(RUN)] == ["quick"]
    await asyncio.wait_for(it.gather([quick, quick], 2), 5)
    assert len(journal.events(RUN)) == 3


async def test_a_lane_cancelled_at_the_door_of_a_playback_gets_nothing() -> None:
    first, journal = door()
    await first.perform(effect(0), Scope("a"))
    record = playback(journal.events(RUN))
    it, _ = door(record)

    async def asks(lane: str) -> None:
        await it.perform(effect(0), Scope(lane))

    async def waits_elsewhere() -> None:
        await forever()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.gather([waits_elsewhere, lambda: asks("a")], 2)
    assert record.deliver() == []
    assert record.divergence is None


async def test_the_first_divergence_stands_and_nothing_is_answered_after_it() -> None:
    first, journal = door()
    await first.gather([lambda n=n: first.perform(effect(n), Scope(f"{n}")) for n in range(3)], 3)
    record = playback(journal.events(RUN))
    it, _ = door(record)
    errors: list[DivergenceError] = []

    async def asks(lane: str) -> None:
        for _ in range(2):
            try:
                await it.perform(effect(0), Scope(lane))
            except DivergenceError as error:
                errors.append(error)

    await asyncio.wait_for(it.gather([lambda n=n: asks(n) for n in ("0", "other", "2")], 3), 5)
    assert record.divergence is not None
    assert {id(error) for error in errors} == {id(record.divergence)}
    assert record.divergence.code == "E-REPLAY-UNASKED"


async def stopped(it: Effects, deaf: bool = False) -> list[str]:
    """Four lanes of which the first fails; then one effect more. Returns which of the others ended.

    When it fails, one of them has a result that waits for its turn, and the others are in the midst of something.
    """
    came: list[str] = []

    async def fails() -> None:
        await it.perform(effect(3), Scope("fails"))
        raise ValueError("stop")

    async def works(name: str, performed: Effect) -> None:
        try:
            await it.perform(performed, Scope(name))
            await it.perform(effect(0), Scope(name))
        finally:
            came.append(name)

    async def branches() -> None:
        for _ in range(8):  # until then nobody's turn comes
            await asyncio.sleep(0)
        await it.gather([lambda n=n: works(f"branch.{n}", effect(9)) for n in range(2)], 2)

    jobs = [fails, lambda: works("waits", effect(4)), branches, lambda: works("long", hanging(deaf)), branches]
    with pytest.raises(ValueError, match="stop"):
        await it.gather(jobs, 4, stop=True)
    await it.perform(effect(0), Scope("after"))
    return sorted(came)


def hanging(deaf: bool) -> Effect:
    """An effect that ends when it is cancelled; a deaf one with a result all the same."""

    async def live(_event: Event) -> ClockRead:
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            if not deaf:
                raise
        return ClockRead(0)

    return Effect("clock", "now", digest("now"), lambda: "now", live, intent=lambda: ClockRead(-1))


@pytest.mark.parametrize("deaf", [False, True])
async def test_when_a_lane_fails_the_others_are_stopped_and_a_replay_stops_them_at_the_same_point(deaf: bool) -> None:
    first, journal = door()
    came = await asyncio.wait_for(stopped(first, deaf), 5)
    assert came == ["branch.0", "branch.1", "long", "waits"]
    record = journal.events(RUN)
    lanes = [event.lane for event in record if event.result is not None]
    assert lanes == ["fails", "waits", *["long"] * deaf, "after"], "what happened is on record, and nothing more"
    again, journal = door(once_more := playback(record))
    assert await asyncio.wait_for(stopped(again, deaf), 5) == came
    assert (once_more.divergence, list(once_more.recording.order), journal.events(RUN)) == (None, [], [])


async def test_a_lane_that_is_being_stopped_does_not_go_on_with_a_result_that_comes_meanwhile() -> None:
    it, journal = door()
    gate, went_on = asyncio.Event(), []

    async def fails() -> None:
        await it.perform(effect(6), Scope("fails"))
        gate.set()
        raise ValueError("stop")

    async def open_gate(_event: Event) -> ClockRead:
        await gate.wait()
        return ClockRead(0)

    async def waits() -> None:
        await it.perform(Effect("clock", "now", digest("now"), lambda: "now", open_gate), Scope("waits"))
        went_on.append("waits")

    async def branch() -> None:
        await it.gather([waits, lambda: it.perform(effect(0), Scope("short"))], 2)

    with pytest.raises(ValueError, match="stop"):
        await asyncio.wait_for(it.gather([fails, branch], 2, stop=True), 5)
    assert went_on == []
    assert [event.lane for event in journal.events(RUN)] == ["short", "fails", "waits"]
