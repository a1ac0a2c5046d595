"""The one door: everything that is not deterministic enters the engine here, and is recorded on its way in.

An effect is found by its place (lane, kind, name, ordinal) and checked by the digest of its request. Without a playback
the door performs every effect live and appends its result. With one it answers from the record; when the record ends it
goes on live (resume, fork) or refuses (replay).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from agentcli.core.canonical import Digest, digest
from agentcli.core.events import Body, EffectKey, Event, LimitReached
from agentcli.engine.effect import Effect, Settle, leave_in_doubt
from agentcli.engine.lanes import Lanes, Signal, Slots
from agentcli.engine.limits import STEP_SECONDS
from agentcli.engine.playback import ANSWERS_AT_ONCE, Asked, Playback
from agentcli.engine.ports import Clock, EventSink, RunLog
from agentcli.engine.scope import Scope

T = TypeVar("T")


@dataclass(slots=True)
class _Held:
    events: list[Event]

    def handle(self, event: Event) -> None:
        self.events.append(event)


class Effects:
    """The door of one run.

    `playback` answers from a recording as far as it goes; `seq` is that of the last event already on disk. `deadline`
    is a time of `clock.monotonic()` after which no effect may go on, and the seconds allowed; running into it is
    itself a recorded result. `settle` is asked about what may have happened already.
    """

    def __init__(
        self,
        run: str,
        log: RunLog,
        clock: Clock,
        *,
        sinks: Sequence[EventSink] = (),
        parent: str | None = None,
        playback: Playback | None = None,
        seq: int = 0,
        settle: Settle = leave_in_doubt,
    ) -> None:
        self.run = run
        self.clock = clock
        self.settle = settle
        self.deadline: tuple[float, float] | None = None
        self.began: float | None = None
        """When the run's first event was recorded: Unix seconds; the same in every replay and resumption of it."""
        self._log = log
        self._sinks = tuple(sinks)
        self._parent = parent
        self._playback = playback
        self._seq = seq
        self._lanes = Lanes(self._serve)
        self._done: deque[asyncio.Future[None]] = deque()
        """Who waits to record a result, first come first."""
        self._ordinals: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        """By lane: how many effects of a kind and name there were, and how many events that are none, by their type."""

    # -- events -------------------------------------------------------------------------------------------------

    def emit(self, body: Body, scope: Scope) -> Event:
        """Append an event that follows from what is already recorded. On record once: resuming does not repeat it."""
        ordinal = self._next(scope.lane, "", body.type)
        playback = self._playback
        if playback and (recorded := playback.recording.derived(scope.lane, body.type, ordinal)) is not None:
            event = self._reach(playback, recorded)
        else:
            event = self._append(self._event(body, scope))
        self.began = event.time if self.began is None else self.began
        return event

    def note(self, body: Body, started: Event) -> None:
        """Append what happened while an effect is performed: a part of it, which only a replay shows again."""
        scope = Scope(started.lane, started.turn, started.step)
        self._append(self._event(body, scope, started.key))

    def tell(self, body: Body, scope: Scope, seq: int) -> None:
        """Show a live-only event (`model.delta`) to who follows the run; `seq` is the event's that it belongs to."""
        self._tell(Event(self.run, seq, self.clock.now(), self.clock.monotonic(), body, *self._place(scope)))

    async def barrier(self) -> None:
        """Returns when everything so far is safe on disk."""
        await self._log.barrier()

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Events appended inside are shown only after it, and not at all if it fails."""
        sinks, held = self._sinks, _Held([])
        self._sinks = (held,)
        try:
            yield
        finally:
            self._sinks = sinks
        for event in held.events:
            self._tell(event)

    @property
    def spent(self) -> float:
        """Seconds that the run took on record, before this process went on with it."""
        return self._playback.recording.spent if self._playback is not None else 0.0

    @property
    def era(self) -> int:
        """Which of its terms (see `Terms`) the run as a whole goes by now."""
        return self._playback.recording.era if self._playback is not None else 0

    def era_at(self, key: EffectKey) -> int:
        """Which of the run's terms an effect goes by."""
        return self._playback.recording.era_at(key) if self._playback is not None else 0

    def turn_era(self, lane: str) -> int:
        """Which of the run's terms (see `Terms`) the turn of a lane goes by; 0 are those it began with."""
        return self._playback.recording.turn_era(lane) if self._playback is not None else 0

    @property
    def retries(self) -> int:
        """How often the run was gone on with so that what had failed in it is tried again."""
        return self._playback.recording.retries if self._playback is not None else 0

    def keeps_turn(self, lane: str) -> bool:
        """See `Recording.keeps_turn`."""
        return self._playback is not None and self._playback.recording.keeps_turn(lane)

    def era_of(self, lane: str) -> int:
        """The same for the tool call of a lane."""
        return self._playback.recording.era_of(lane) if self._playback is not None else 0

    def limit_time(self, seconds: float) -> None:
        """The run has so many seconds, those on record included; effects beyond them end as `limit.reached`."""
        self.deadline = (self.clock.monotonic() + seconds - self.spent, seconds)

    def leave(self, scope: Scope) -> None:
        """Nothing more happens in this lane: what was counted there need not be remembered."""
        self._ordinals.pop(scope.lane, None)

    def _next(self, lane: str, kind: str, name: str) -> int:
        ordinals = self._ordinals[lane]
        ordinal = ordinals[kind, name] = ordinals.get((kind, name), -1) + 1
        return ordinal

    def _place(self, scope: Scope) -> tuple[str, str | None, int | None, str | None]:
        return scope.lane, self._parent, scope.turn, scope.step

    def _event(
        self,
        body: Body,
        scope: Scope,
        key: EffectKey | None = None,
        request: Digest | None = None,
        result: Digest | None = None,
    ) -> Event:
        now, mono = self.clock.now(), self.clock.monotonic()
        return Event(self.run, self._seq + 1, now, mono, body, *self._place(scope), key, request, result)

    def _append(self, event: Event) -> Event:
        self._log.append(event)
        self._seq = event.seq
        return self._tell(event)

    def _tell(self, event: Event) -> Event:
        for sink in self._sinks:
            sink.handle(event)
        return event

    # -- effects ------------------------------------------------------------------------------------------------

    async def perform(self, effect: Effect, scope: Scope) -> Body:
        """The effect's result, from the record or live. A run past its deadline gets `LimitReached`."""
        self._lanes.stop_if_cancelled()
        key = EffectKey(scope.lane, effect.kind, effect.name, self._next(scope.lane, effect.kind, effect.name))
        if self._playback is not None and self._playback.knows(key):
            if (recorded := await self._recorded(self._playback, key, effect)) is not None:
                return self._reach(self._playback, recorded).body
            for event in self._playback.recording.rest():
                self._tell(event)
        return await self._live(key, effect, scope)

    async def _recorded(self, playback: Playback, key: EffectKey, effect: Effect) -> Event | None:
        if (intent := playback.recording.intents.get(key)) is not None:
            self._reach(playback, intent)
        recorded = playback.take(key, effect.request) if self._lanes.single else None
        if recorded is None:
            answer = playback.ask(Asked(key, effect.request, effect.describe))
            with self._lanes.still():
                recorded = await answer
        if playback.answered % ANSWERS_AT_ONCE == 0:
            await asyncio.sleep(0)  # who wants to stop the run gets a word in
        return recorded

    def _reach(self, playback: Playback, recorded: Event) -> Event:
        """The run is at a recorded event again: show it, as soon as those before it have been shown."""
        for event in playback.recording.reach(recorded):
            self._tell(event)
        return recorded

    async def _live(self, key: EffectKey, effect: Effect, scope: Scope) -> Body:
        begun = self._playback.recording.begun(key) if self._playback is not None else None
        known = await self._settled(begun, effect)
        started = self._event(LimitReached("", 0, 0), scope, key, effect.request)
        if begun is not None and effect.continues:
            started = begun
        elif known is None and effect.intent is not None:
            if effect.prepare is not None:
                await effect.prepare()
            started = self._append(self._event(effect.intent(), scope, key, effect.request))
        with self._lanes.still():
            if known is None and effect.intent is not None and effect.durable:
                await self._log.barrier()
            body = known or await self._in_time(effect, started, scope)
            try:
                await self._turn()
            finally:  # it did happen: on record also where the run is cancelled meanwhile
                self._append(self._event(body, scope, key, effect.request, digest(body.to_json())))
        if effect.durable:
            await self._log.barrier()
        return body

    async def _settled(self, begun: Event | None, effect: Effect) -> Body | None:
        """The result of an effect that was begun before, if that is known; None to perform it."""
        if begun is None or effect.repeatable:
            return None
        with self._lanes.still():
            return await self.settle(begun)

    async def _in_time(self, effect: Effect, started: Event, scope: Scope) -> Body:
        ends = self._ends(scope)
        if ends is None:
            return await effect.live(started)
        limit, at, allowed = ends
        if (left := at - self.clock.monotonic()) > 0:
            try:
                async with asyncio.timeout(left) as timeout:
                    return await effect.live(started)
            except TimeoutError:
                if not timeout.expired():
                    raise
        return LimitReached(limit, round(allowed + self.clock.monotonic() - at, 3), allowed)

    def _ends(self, scope: Scope) -> tuple[str, float, float] | None:
        """The limit that ends first, when that is, and how many seconds it allows."""
        ends = [("seconds", *self.deadline)] if self.deadline is not None else []
        if scope.deadline is not None:
            ends.append((STEP_SECONDS, scope.deadline.at, scope.deadline.seconds))
        return min(ends, key=lambda end: end[1], default=None)

    # -- lanes --------------------------------------------------------------------------------------------------

    async def gather(self, jobs: Sequence[Callable[[], Awaitable[T]]], limit: int, *, stop: bool = False) -> list[T]:
        """See `Lanes.gather`."""
        return await self._lanes.gather(jobs, limit, stop=stop)

    async def wait(self, signal: Signal) -> None:
        """Return when the signal was given; the lane stands still meanwhile."""
        await self._lanes.wait(signal)

    def give(self, signal: Signal) -> None:
        """Let go on who waits for the signal, and whoever will."""
        self._lanes.give(signal)

    def slot(self, slots: Slots) -> AbstractAsyncContextManager[None]:
        """One of the slots, as soon as one is free; first come first served."""
        return self._lanes.slot(slots)

    async def _turn(self) -> None:
        """Results are recorded one at a time, each when all lanes stand still: the order in which replay gives them."""
        if not self._lanes.single:
            self._lanes.stop_if_cancelled()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._done.append(turn)
            self._lanes.look()
            await turn

    def _serve(self) -> Sequence[asyncio.Future[Any]]:
        if self._playback is not None:
            answered = self._playback.deliver()
            if answered or not self._playback.over:
                return answered
        while self._done:
            turn = self._done.popleft()
            if not turn.done():  # cancelled
                turn.set_result(None)
                return [turn]
        return []
