"""Lanes that wait for each other: for a signal, and for one of a few slots."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agentcli.core.canonical import digest
from agentcli.core.events import ClockRead, Event
from agentcli.engine.effect import Effect
from agentcli.engine.effects import Effects
from agentcli.engine.lanes import Lanes, Signal, Slots
from agentcli.engine.scope import Scope
from tests.fakes.engine import RUN, forever
from tests.unit.engine.test_lanes import door, effect, playback

Work = Callable[[], Awaitable[None]]


def working(it: Effects, slots: Slots, order: list[str]) -> Callable[[str, int], Work]:
    """Jobs that do one effect each in a slot, and tell when they have it."""

    def job(name: str, waits: int) -> Work:
        async def work() -> None:
            async with it.slot(slots):
                order.append(name)
                await it.perform(effect(waits), Scope(name))

        return work

    return job


async def test_slots_go_to_who_came_first_and_a_replay_gives_them_in_the_same_order() -> None:
    async def work(it: Effects) -> list[str]:
        order: list[str] = []
        job = working(it, Slots(2), order)
        await asyncio.wait_for(it.gather([job(f"{n}", (7 * n) % 5) for n in range(8)], 8), 5)
        return order

    first, journal = door()
    order = await work(first)
    assert order == [f"{n}" for n in range(8)]
    again, _ = door(playback(journal.events(RUN)))
    assert await work(again) == order


async def test_slots_within_slots_count_for_both_and_nobody_waits_for_ever() -> None:
    it, journal = door()
    outer, busy, most = Slots(3), [0], [0]
    inner = [Slots(2, outer), Slots(2, outer)]

    def job(slots: Slots, name: str) -> Work:
        async def work() -> None:
            for number in range(3):
                async with it.slot(slots):
                    busy[0] += 1
                    most[0] = max(most[0], busy[0])
                    await it.perform(effect(number), Scope(f"{name}.{number}"))
                    busy[0] -= 1

        return work

    jobs = [job(inner[n % 2] if n < 6 else outer, f"{n}") for n in range(8)]
    await asyncio.wait_for(it.gather(jobs, 8), 5)
    assert (most[0], len(journal.events(RUN)), outer.free, inner[0].free) == (3, 24, 3, 2)


async def test_who_is_cancelled_while_it_waits_is_passed_over() -> None:
    it, _ = door()
    slots, order = Slots(1), list[str]()
    job = working(it, slots, order)

    async def fails() -> None:
        await it.perform(effect(1), Scope("fails"))
        raise ValueError("stop")

    async def stopped_part() -> None:
        with pytest.raises(ValueError, match="stop"):
            await it.gather([fails, job("stopped", 0)], 2, stop=True)

    await asyncio.wait_for(it.gather([job("first", 4), stopped_part, job("last", 0)], 3), 5)
    assert (order, slots.free) == (["first", "last"], 1)


async def test_who_is_cancelled_at_the_moment_it_has_its_turn_passes_the_slot_on() -> None:
    lanes = Lanes(list)
    slots, got = Slots(1), list[str]()

    async def takes(name: str) -> None:
        async with lanes.slot(slots):
            got.append(name)

    async with lanes.slot(slots):
        lanes._open += 2
        one, two = asyncio.create_task(takes("one")), asyncio.create_task(takes("two"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with lanes.still():  # all stand still: one has the slot
        assert slots.free == 0
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        lanes._close(1)
        await asyncio.wait_for(two, 5)
    assert (got, slots.free) == (["two"], 1)


async def test_lanes_in_a_lane_that_is_being_stopped_do_not_go_on() -> None:
    """A slot that comes free in the moment of a failure starts nothing in what the failure stops."""
    it, journal = door()
    slots, begun = Slots(1), list[str]()

    async def fails() -> None:
        async with it.slot(slots):
            await it.perform(effect(3), Scope("fails"))
        raise ValueError("stop")

    async def branch() -> None:
        job = working(it, slots, begun)
        await it.gather([job(f"{n}", 0) for n in range(3)], 3)

    with pytest.raises(ValueError, match="stop"):
        await asyncio.wait_for(it.gather([fails, branch], 2, stop=True), 5)
    assert (begun, [event.lane for event in journal.events(RUN)], slots.free) == ([], ["fails"], 1)


async def test_when_the_whole_is_cancelled_lanes_of_lanes_begin_nothing_more() -> None:
    it, journal = door()
    slots, begun = Slots(1), list[str]()

    async def holds() -> None:
        async with it.slot(slots):
            await forever()

    async def branch() -> None:
        job = working(it, slots, begun)
        await it.gather([job(f"{n}", 0) for n in range(3)], 3)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.gather([holds, branch], 2)
    assert (begun, journal.events(RUN), slots.free) == ([], [], 1)


async def test_a_signal_lets_go_on_who_waits_and_who_comes_later() -> None:
    async def work(it: Effects) -> list[str]:
        order: list[str] = []
        signal = Signal()

        async def waits(name: str, before: int) -> None:
            for number in range(before):
                await it.perform(effect(number), Scope(f"{name}.{number}"))
            await it.wait(signal)
            order.append(name)
            await it.perform(effect(0), Scope(name))

        async def gives() -> None:
            await it.perform(effect(5), Scope("gives"))
            order.append("given")
            it.give(signal)

        jobs = [lambda: waits("one", 0), gives, lambda: waits("two", 0), lambda: waits("late", 3)]
        await asyncio.wait_for(it.gather(jobs, 4), 5)
        return order

    first, journal = door()
    order = await work(first)
    assert (order[:3], sorted(order)) == (["given", "one", "two"], ["given", "late", "one", "two"])
    again, _ = door(playback(journal.events(RUN)))
    assert await work(again) == order


async def test_who_is_cancelled_waits_for_no_signal_any_more() -> None:
    it, _ = door()
    signal = Signal()

    async def fails() -> None:
        await it.perform(effect(1), Scope("fails"))
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        await it.gather([fails, lambda: it.wait(signal)], 2, stop=True)
    it.give(signal)
    await asyncio.wait_for(it.wait(signal), 5)


def dying(turns: int) -> Effect:
    """An effect that ends only when it is cancelled, and takes its time then."""

    async def live(_event: Event) -> ClockRead:
        try:
            return await forever()
        finally:
            for _ in range(turns):
                await asyncio.sleep(0)

    return Effect("clock", "now", digest("now"), lambda: "now", live, intent=lambda: ClockRead(-1))


@pytest.mark.parametrize("slow", [0, 1])
async def test_of_two_failures_at_once_the_first_one_counts_however_long_it_takes_to_stop_the_others(slow: int) -> None:
    async def work(it: Effects) -> list[str]:
        ended: list[str] = []
        signal = Signal()

        async def fails(number: int) -> None:
            await it.wait(signal)
            raise ValueError(f"{number} failed")

        async def branch(number: int) -> None:
            hangs = dying(9 if number == slow else 0)
            jobs = [lambda: fails(number), lambda: it.perform(hangs, Scope(f"{number}"))]
            try:
                await it.gather(jobs, 2, stop=True)
            finally:
                ended.append(f"{number}")

        async def gives() -> None:
            await it.perform(effect(5), Scope("gives"))
            it.give(signal)

        with pytest.raises(ValueError, match="0 failed"):
            await asyncio.wait_for(it.gather([lambda: branch(0), lambda: branch(1), gives], 3, stop=True), 5)
        return ended

    first, journal = door()
    ended = await work(first)
    again, _ = door(playback(journal.events(RUN)))
    assert await work(again) == ended == ["0", "1"]
