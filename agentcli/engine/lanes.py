"""The lanes of a run: what goes on side by side, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Signal:
    """Something that other lanes wait for, given once (see `Lanes.give`)."""

    def __init__(self) -> None:
        self.given = False
        self.waiting: list[asyncio.Future[None]] = []


class Slots:
    """How many lanes may do something at the same time (see `Lanes.slot`); those inside count for `outer` too."""

    def __init__(self, limit: int, outer: Slots | None = None) -> None:
        self.free = limit
        self.outer = outer
        self.waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        """Who waits for a slot, each with the number of its coming."""

    def due(self) -> bool:
        """Whether somebody waits, and need not."""
        while self.waiting and self.waiting[0][1].done():  # cancelled
            self.waiting.popleft()
        return self.free > 0 and bool(self.waiting)


class Lanes:
    """Knows when every lane stands still at the door; only then the next one may go on.

    What a lane does between two effects may depend on what the others did before it: shared budgets, freed slots, an
    approval for the rest of the run. Where results are taken one at a time, each after all lanes have come to a stop, a
    replay meets the same dependences as the recorded run. How long it takes until those that a failure stops have ended
    is not on record: what follows from the failure, and a slot that came free, wait for a standstill too. `serve` is
    called at each standstill where nothing else is due; it answers whoever is, and returns what it answered.
    """

    def __init__(self, serve: Callable[[], Sequence[asyncio.Future[Any]]]) -> None:
        self._serve = serve
        self._open = 1
        self._still = 0
        self._leaving = 0
        """Lanes that were answered and have not moved yet, and those that were cancelled and have not ended yet."""
        self._freed: list[Slots] = []
        """Those of which a slot came free while others waited for one."""
        self._failed: list[tuple[int, asyncio.Future[None]]] = []
        """Who goes on with a failure, each with the number of its coming."""
        self._came = 0
        self._above: dict[asyncio.Task[None], asyncio.Task[Any] | None] = {}
        """The lane that each one was opened in."""

    @property
    def single(self) -> bool:
        """Whether there is but one lane, and none that is about to end: it need wait for nobody."""
        return self._open == 1 and not self._leaving

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, the lane stands at the door."""
        self._still += 1
        self.look()
        try:
            yield
        finally:
            self._still -= 1

    def look(self) -> None:
        """Something may have come to a stop, or be due."""
        if self._still < self._open or self._leaving:
            return
        for answered in self._fail() or self._pass_on() or self._serve():
            if not self.single:  # else it goes on at once, and no other could
                self._leave(answered)

    def _leave(self, answered: asyncio.Future[Any]) -> None:
        """Nobody else goes on before the lane that was answered has moved."""
        self._leaving += 1
        # Runs after the lane's own next step, which was scheduled when it was answered.
        answered.add_done_callback(self._left)

    def _left(self, _moved: asyncio.Future[Any]) -> None:
        self._leaving -= 1
        self.look()

    def stop_if_cancelled(self) -> None:
        """Raises CancelledError where this lane, or one that it was opened in, was told to end.

        What it waited for may have taken no notice of that, and lanes in lanes are told one after the other.
        """
        task = asyncio.current_task()
        while task is not None:
            if task.cancelling():
                raise asyncio.CancelledError
            task = self._above.get(task)

    # -- lanes that wait for each other -------------------------------------------------------------------------

    async def wait(self, signal: Signal) -> None:
        """Return when the signal was given. Waiting for another lane is standing still."""
        if not signal.given:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            signal.waiting.append(waiting)
            with self.still():
                await waiting
            self.stop_if_cancelled()

    def give(self, signal: Signal) -> None:
        """Let go on who waits for the signal, in the order in which they came."""
        signal.given = True
        for waiting in signal.waiting:
            if not waiting.done():  # cancelled
                waiting.set_result(None)
                self._leave(waiting)
        signal.waiting.clear()

    @asynccontextmanager
    async def slot(self, slots: Slots) -> AsyncIterator[None]:
        """Inside, the lane has one of the slots, and one of the outer ones; who came first gets the next free one."""
        await self._take(slots)
        try:
            if slots.outer is None:
                yield
            else:
                async with self.slot(slots.outer):
                    yield
        finally:
            self._give_back(slots)

    async def _take(self, slots: Slots) -> None:
        self.stop_if_cancelled()
        if slots.free and not slots.due():
            slots.free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        slots.waiting.append((self._number(), place))
        try:
            with self.still():
                await place
            self.stop_if_cancelled()
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was this lane's turn, and it cannot take it
                self._give_back(slots)
            raise

    def _give_back(self, slots: Slots) -> None:
        slots.free += 1
        if slots not in self._freed:
            self._freed.append(slots)

    def _pass_on(self) -> Sequence[asyncio.Future[None]]:
        """Of those for whom a slot is free, the one who came first has it now."""
        self._freed = [slots for slots in self._freed if slots.due()]
        if not self._freed:
            return ()
        slots = min(self._freed, key=lambda one: one.waiting[0][0])
        slots.free -= 1
        _, place = slots.waiting.popleft()
        place.set_result(None)
        return (place,)

    def _number(self) -> int:
        self._came += 1
        return self._came

    # -- lanes side by side -------------------------------------------------------------------------------------

    async def gather(self, jobs: Sequence[Callable[[], Awaitable[T]]], limit: int, *, stop: bool = False) -> list[T]:
        """Run the jobs side by side, at most `limit` at a time, each in lanes of its own; results in the jobs' order.

        All jobs are brought to their end, also when cancelled; then the first error in the jobs' order is raised. With
        `stop`, a job that fails has those that run cancelled, and no other begins. Jobs may wait for the door alone.
        """
        if len(jobs) == 1:  # the usual turn: it goes on in the lane that asks
            return [await jobs[0]()]
        todo, done, failed = deque(enumerate(jobs)), dict[int, T](), dict[int, Exception]()
        left = width = min(limit, len(jobs))
        tasks, came = list[asyncio.Task[None]](), list[int]()

        async def lane() -> None:
            nonlocal left
            task = asyncio.current_task()
            try:
                # A job may swallow the cancellation to tell how far it came; the next one must not begin.
                while todo and not (stop and failed) and task is not None and not task.cancelling():
                    index, job = todo.popleft()
                    try:
                        done[index] = await job()
                    except Exception as error:  # raised below, once every job has ended
                        failed[index] = error
                        if stop:
                            came.append(self._cancel(tasks))
            finally:
                left -= 1
                if left:
                    self._close(1)

        self._open += max(width - 1, 0)
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(lane()) for _ in range(width)]
                self._above.update(dict.fromkeys(tasks, asyncio.current_task()))
        finally:
            self._closed(tasks, max(left - 1, 0))  # those that were cancelled before they began
        await self._raise(failed, came)
        return [done[index] for index in range(len(jobs))]

    async def _raise(self, failed: Mapping[int, Exception], came: Sequence[int]) -> None:
        """The first error, if there is any; where others were stopped, when it is this failure's turn."""
        if came:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._failed.append((came[0], place))
            with self.still():
                await place
        if failed:
            raise failed[min(failed)]

    def _fail(self) -> Sequence[asyncio.Future[None]]:
        """Of those who go on with a failure, the one whose failure came first."""
        self._failed = [(came, place) for came, place in self._failed if not place.done()]
        if not self._failed:
            return ()
        _, place = min(self._failed, key=lambda one: one[0])
        place.set_result(None)
        return (place,)

    def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> int:
        """All but the one that tells. Nobody goes on before they have ended: how long that takes is not on record.

        Returns the number of the failure.
        """
        for task in tasks:
            if task is not asyncio.current_task() and not task.done() and not task.cancelling():
                self._leaving += 1
                task.add_done_callback(self._left)
                task.cancel()
        return self._number()

    def _closed(self, tasks: Iterable[asyncio.Task[None]], lanes: int) -> None:
        for task in tasks:
            del self._above[task]
        self._close(lanes)

    def _close(self, lanes: int) -> None:
        self._open -= lanes
        self.look()
