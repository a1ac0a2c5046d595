"""Answers effects from a recording, one at a time in the order in which their results came.

A result is handed out only when every lane has blocked at the door: shared budgets, freed slots and `on_error: stop`
depend on the order of completion, and answering all lanes at once would replay parallel runs wrongly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from agentcli.core.canonical import Digest
from agentcli.core.events import EffectKey, Event
from agentcli.core.values import value
from agentcli.engine.recording import Recording, first_difference
from agentcli.errors import DivergenceError

ANSWERS_AT_ONCE = 50
"""After so many recorded results the event loop gets a turn: a lane that is alone waits for nobody."""


@value(frozen=True, slots=True)
class Asked:
    """What the run asks for now, at some place."""

    key: EffectKey
    request: Digest
    describe: Callable[[], Any]


Answer = asyncio.Future[Event | None]
"""What an effect waits for: the event of its recorded result, or None to perform it live."""


class Playback:
    """One pass over a recording. `then` says what an effect gets once the record has ended.

    `live`: it is performed, and `over` is set. `refuse`: a divergence, unless the recorded run was stopped in the midst
    of just that. `stop`: nothing; `wanted` then holds what the run asked for at the end, and `on_stop` is called, which
    is to cancel the run.

    `divergence` is set at the first one: from then on nothing is answered any more, whatever becomes of that error on
    its way up. `answered` counts the results given.
    """

    def __init__(
        self,
        recording: Recording,
        then: Literal["live", "refuse", "stop"],
        on_stop: Callable[[], object] | None = None,
    ) -> None:
        self.recording = recording
        self.over = False
        self.divergence: DivergenceError | None = None
        self.wanted: list[Asked] = []
        self.answered = 0
        self._then = then
        self._on_stop = on_stop
        self._waiting: dict[EffectKey, tuple[Asked, Answer]] = {}
        self._cancelled: set[EffectKey] = set()
        """Where lanes were cancelled since the last result was given."""

    def ask(self, asked: Asked) -> Answer:
        """The recorded result, when its turn has come, or None: perform it live. Fails with DivergenceError."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting[asked.key] = asked, answer
        answer.add_done_callback(partial(self._give_up, asked.key))
        return answer

    def _give_up(self, key: EffectKey, answer: Answer) -> None:
        """A lane that is cancelled at the door was so when it was recorded: a result that it left then is no one's."""
        if answer.cancelled() and key in self._waiting:
            del self._waiting[key]
            self._cancelled.add(key)
            while self.recording.order and self.recording.order[0] in self._cancelled:
                self.recording.order.popleft()
                self.answered += 1

    def knows(self, key: EffectKey) -> bool:
        """Whether it is to be asked: the record has not ended, or holds a result that is late."""
        return not self.over or key in self.recording.late

    def deliver(self) -> list[Answer]:
        """Every lane waits: give the next result to who asked for it. Returns what was answered."""
        for key, answer in [(key, answer) for key, (_, answer) in self._waiting.items() if answer.cancelled()]:
            self._give_up(key, answer)
        if not self._waiting:
            return []
        if self.divergence is None and (due := self.recording.due(self._waiting)) is not None:
            return self._give(due)
        asks = [asked for asked, _ in self._waiting.values()]
        if self.divergence is None and self.recording.order:
            return self._diverge(_unasked(self.recording.results[self.recording.order[0]], asks[0]))
        return self._end(asks)

    def _end(self, asks: list[Asked]) -> list[Answer]:
        """What is asked for now is not on record."""
        if self.divergence is None and self._then == "live":
            self.over = True
            return self._answer_all(lambda answer: answer.set_result(None))
        if self.divergence is None and self._on_stop is not None and self._was_stopped_here(asks):
            if not self.wanted:
                self.wanted = asks
                self._on_stop()
            return []
        return self._diverge(self.divergence or _unrecorded(asks[0]))

    def _was_stopped_here(self, asks: list[Asked]) -> bool:
        """Whether the recorded run, too, got no further: what it asks for had been begun, and never ended."""
        return self._then == "stop" or all(self.recording.begun(asked.key) for asked in asks)

    def take(self, key: EffectKey, request: Digest) -> Event | None:
        """The next recorded result, if it is that of this effect with this very request; None leaves it on record.

        Every lane must have come to a stop: for who is alone, `ask` and `deliver` would come to the same.
        """
        recording = self.recording
        if self.divergence is not None or recording.late or not recording.order or recording.order[0] != key:
            return None
        if recording.asked(key).request != request:
            return None
        recording.order.popleft()
        self._cancelled.clear()
        self.answered += 1
        return recording.results[key]

    def _give(self, key: EffectKey) -> list[Answer]:
        self._cancelled.clear()
        asked, answer = self._waiting[key]
        if self.recording.asked(key).request != asked.request:
            return self._diverge(self._difference(asked))
        del self._waiting[key]
        self.answered += 1
        answer.set_result(self.recording.results[key])
        return [answer]

    def _diverge(self, error: DivergenceError) -> list[Answer]:
        self.divergence = error
        return self._answer_all(lambda answer: answer.set_exception(error))

    def _answer_all(self, settle: Callable[[Answer], None]) -> list[Answer]:
        answers = [answer for _, answer in self._waiting.values()]
        self._waiting.clear()
        for answer in answers:
            settle(answer)
        return answers

    def _difference(self, asked: Asked) -> DivergenceError:
        current = asked.describe()
        path, recorded, now = first_difference(self.recording.request(asked.key), current) or ("$", None, current)
        return DivergenceError(
            "E-REPLAY-DIFFERENT",
            f"The request {_for_what(asked.key)} is not the recorded one.",
            why=f"It differs at {path}.",
            fix="Use `agentcli fork` to go on live from here.",
            at=self.recording.asked(asked.key).seq,
            path=path,
            recorded=recorded,
            current=now,
        )


def _unrecorded(asked: Asked) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-UNRECORDED",
        f"The run now makes a request {_for_what(asked.key)}, which is not on record.",
        why="The recorded run ended, or took another way, before this point.",
        fix="Use `agentcli fork` to go on live from here.",
        at=None,
        path="$",
        recorded=None,
        current=asked.describe(),
    )


def _unasked(event: Event, asked: Asked) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-UNASKED",
        f"The record goes on with `{event.body.type}` in lane `{event.lane}`, which nothing asks for now.",
        why=f"The run now makes a request {_for_what(asked.key)} instead.",
        fix="Compare the template with the one in the run's manifest.",
        at=event.seq,
        path="$",
        recorded=event.body.to_json(),
        current=asked.describe(),
    )


def _for_what(key: EffectKey) -> str:
    """Whom or what a request is made to or for."""
    if key.kind == "model":
        return "to the model"
    return f"for an approval of `{key.name}`" if key.kind == "approval" else f"to `{key.name}`"
