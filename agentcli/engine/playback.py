"""Answers effects from a recording, one at a time in the order in which their results came.

A result is handed out only when every lane has blocked at the door: shared budgets, freed slots and `on_error: stop`
depend on the order of completion, and answering all lanes at once would replay parallel runs wrongly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from agentcli.core.canonical import Digest
from agentcli.core.events import EffectKey, Event
from agentcli.engine.recording import Recording, first_difference
from agentcli.errors import DivergenceError


@dataclass(frozen=True, slots=True)
class Asked:
    """What the run asks for now, at some place."""

    key: EffectKey
    request: Digest
    describe: Callable[[], Any]


class Playback:
    """One pass over a recording. `then` says what an effect gets once the record has ended: live, or a divergence."""

    def __init__(self, recording: Recording, then: Literal["live", "refuse"]) -> None:
        self.recording = recording
        self.over = False
        self._then = then
        self._lanes = 1
        self._waiting: dict[EffectKey, tuple[Asked, asyncio.Future[Event | None]]] = {}

    def open_lanes(self, more: int) -> None:
        """So many more lanes run from now on."""
        self._lanes += more

    def close_lane(self) -> None:
        """A lane has ended; the others may have been waiting for it."""
        self._lanes -= 1
        self._deliver()

    async def answer(self, asked: Asked) -> Event | None:
        """The recorded result, or None: perform it live. Raises DivergenceError."""
        if self.over:
            return None
        answer: asyncio.Future[Event | None] = asyncio.get_running_loop().create_future()
        self._waiting[asked.key] = asked, answer
        try:
            self._deliver()
            return await answer
        finally:
            self._waiting.pop(asked.key, None)

    def _deliver(self) -> None:
        if self.over or not self._waiting or len(self._waiting) < self._lanes:
            return
        if not self.recording.order:
            self._end()
            return
        key = self.recording.order.popleft()
        event = self.recording.results[key]
        if key not in self._waiting:
            self._fail_all(lambda asked: _unasked(event, asked))
            return
        asked, answer = self._waiting.pop(key)
        if self.recording.request_digest(key) == asked.request:
            answer.set_result(event)
        else:
            answer.set_exception(self._difference(event, asked))

    def _end(self) -> None:
        if self._then == "refuse":
            self._fail_all(_unrecorded)
            return
        self.over = True
        waiting, self._waiting = self._waiting, {}
        for _, answer in waiting.values():
            answer.set_result(None)

    def _fail_all(self, error: Callable[[Asked], DivergenceError]) -> None:
        waiting, self._waiting = self._waiting, {}
        for asked, answer in waiting.values():
            answer.set_exception(error(asked))

    def _difference(self, event: Event, asked: Asked) -> DivergenceError:
        current = asked.describe()
        path, recorded, now = first_difference(self.recording.describe(event), current) or ("$", None, current)
        return DivergenceError(
            "E-REPLAY-DIFFERENT",
            f"The request to {asked.key.kind} `{asked.key.name}` is not the recorded one.",
            why=f"It differs at {path}.",
            fix="Use `fork` to go on live from here.",
            at=event.seq,
            path=path,
            recorded=recorded,
            current=now,
        )


def _unrecorded(asked: Asked) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-UNRECORDED",
        f"The run now asks for {asked.key.kind} `{asked.key.name}`, which is not on record.",
        why="The recorded run ended, or took another way, before this point.",
        fix="Use `fork` to go on live from here.",
        at=None,
        path="$",
        recorded=None,
        current=asked.describe(),
    )


def _unasked(event: Event, asked: Asked) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-UNASKED",
        f"The record goes on with `{event.body.type}` in lane `{event.lane}`, which nothing asks for now.",
        why=f"The run now asks for {asked.key.kind} `{asked.key.name}` instead.",
        fix="Compare the template with the one in the run's manifest.",
        at=event.seq,
        path="$",
        recorded=event.body.to_json(),
        current=asked.describe(),
    )
