"""The lanes of a run: what goes on side by side, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
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
        self.waiting: deque[asyncio.Future[None]] = deque()


def stop_if_cancelled() -> None:
    """Raises CancelledError where this task was told to end, and what it waited for took no notice of that."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Lanes:
    """Knows when every lane stands still at the door; only then the next one may go on.

    What a lane does between two effects may depend on what the others did before it: shared budgets, freed slots, an
    approval for the rest of the run. Where results are taken one at a time, each after all lanes have come to a stop, a
    replay meets the same dependences as the recorded run. `serve` is called at each standstill; it answers whoever is
    due, and returns what it answered.
    """

    def __init__(self, serve: Callable[[], Sequence[asyncio.Future[Any]]]) -> None:
        self._serve = serve
        self._open = 1
        self._still = 0
        self._leaving = 0
        """Lanes that were answered and have not moved yet, and those that were cancelled and have not ended yet."""

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
        for answered in self._serve():
            if not self.single:  # else it goes on at once, and no other could
                self._leave(answered)

    def _leave(self, answered: asyncio.Future[Any]) -> None:
        """Nobody else goes on before the lane that was answered has moved."""
        self._leaving += 1
        # Runs after the lane's own next step, which was scheduled when it was answered.
        answered.add_done_callback(self._left)

    def _left(self, _answered: asyncio.Future[Any]) -> None:
        self._leaving -= 1
        self.look()

    # -- lanes that wait for each other -------------------------------------------------------------------------

    async def wait(self, signal: Signal) -> None:
        """Return when the signal was given. Waiting for another lane is standing still."""
        if not signal.given:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            signal.waiting.append(waiting)
            with self.still():
                await waiting

    def give(self, signal: Signal) -> None:
        """Let go on who waits for the signal, in the order in which they came."""
        signal.given = True
        for waiting in signal.waiting:
            self._answer(waiting)
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
            self._pass_on(slots)

    async def _take(self, slots: Slots) -> None:
        if slots.free:
            slots.free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        slots.waiting.append(place)
        try:
            with self.still():
                await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was this lane's turn, and it cannot take it
                self._pass_on(slots)
            raise

    def _pass_on(self, slots: Slots) -> None:
        while slots.waiting:
            if self._answer(slots.waiting.popleft()):
                return
        slots.free += 1

    def _answer(self, waiting: asyncio.Future[None]) -> bool:
        """Whether somebody still waited there, and goes on now."""
        if waiting.done():  # cancelled
            return False
        waiting.set_result(None)
        self._leave(waiting)
        return True

    # -- lanes side by side -------------------------------------------------------------------------------------

    async def gather(self, jobs: Sequence[Callable[[], Awaitable[T]]], limit: int, *, stop: bool = False) -> list[T]:
        """Run the jobs side by side, at most `limit` at a time, each in lanes of its own; results in the jobs' order.

        All jobs are brought to their end, also when cancelled; then the first error in the jobs' order is raised. With
        `stop`, a job that fails has those that run cancelled, and no other begins. Jobs may wait for the door alone.
        """
        if len(jobs) == 1:  # the usual turn: it goes on in the lane that asks
            return [await jobs[0]()]
        todo = deque(enumerate(jobs))
        done: dict[int, T] = {}
        failed: dict[int, Exception] = {}
        left = width = min(limit, len(jobs))
        tasks: list[asyncio.Task[None]] = []

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
                            self._cancel(tasks)
            finally:
                left -= 1
                if left:
                    self._close(1)

        self._open += max(width - 1, 0)
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(lane()) for _ in range(width)]
        finally:
            self._close(max(left - 1, 0))  # those that were cancelled before they began
        if failed:
            raise failed[min(failed)]
        return [done[index] for index in range(len(jobs))]

    def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """All but the one that tells. Nobody goes on before they have ended: how long that takes is not on record."""
        for task in tasks:
            if task is not asyncio.current_task() and not task.done() and not task.cancelling():
                self._leaving += 1
                task.add_done_callback(self._left)
                task.cancel()

    def _close(self, lanes: int) -> None:
        self._open -= lanes
        self.look()
