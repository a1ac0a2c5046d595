"""A record at the times at which it happened."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.event_bodies import Body
from agentcli.core.events import (
    EffectKey,
    Event,
    ModelCompleted,
    ModelDelta,
    ModelStarted,
    RunForked,
    RunStarted,
    TurnStarted,
)
from agentcli.core.messages import Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.workbench.pace import moments, play
from agentcli.workbench.streamed import pieces

KEY = EffectKey("", "model", "model", 0)


@dataclass
class Follower:
    """A clock that only waiting moves, and what was shown when."""

    now: float = 0.0
    seen: list[tuple[float, str]] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        text = event.body.text if isinstance(event.body, ModelDelta) else event.body.type
        self.seen.append((round(self.now, 3), text))

    async def wait(self, seconds: float) -> None:
        self.now += seconds


def event(seq: int, mono: float, body: Body, key: EffectKey | None = None) -> Event:
    return Event("r", seq, 0.0, mono, body, key=key)


def answer(text: str, *deltas: int) -> ModelCompleted:
    return ModelCompleted(Message("assistant", text), Usage(), "stop", "a:b", 1.0, 0.0, 1, deltas)


STARTED = RunStarted("agent", "a", None, "t", {}, "0" * 64)
ASKED = ModelStarted("a", "b", RequestDelta(None, 0, (), "0" * 64))


async def shown(*events: Event, speed: float = 1.0) -> list[tuple[float, str]]:
    follower = Follower()
    await play(moments(events), [follower], speed, follower.wait)
    return follower.seen


async def test_each_event_comes_at_its_time_and_each_piece_at_its_own() -> None:
    asked, answered = event(2, 10.5, ASKED, KEY), event(3, 12.5, answer("Hello.", 2, 500, 4, 1000), KEY)
    assert await shown(event(1, 10.0, STARTED), asked, answered) == [
        (0.0, "run.started"),
        (0.5, "model.started"),
        (1.0, "He"),
        (2.0, "llo."),
        (2.5, "model.completed"),
    ]


async def test_four_times_as_fast() -> None:
    assert await shown(event(1, 10.0, STARTED), event(2, 14.0, TurnStarted()), speed=4.0) == [
        (0.0, "run.started"),
        (1.0, "turn.started"),
    ]


async def test_the_time_between_two_eras_is_left_out() -> None:
    forked = RunForked("r", 1, "0" * 64, {})
    seen = await shown(event(1, 10.0, STARTED), event(2, 9000.0, forked), event(3, 9001.0, TurnStarted()))
    assert [at for at, _ in seen] == [0.0, 0.0, 1.0]


@given(st.lists(st.floats(), min_size=1, max_size=8), st.lists(st.integers(-5, 10**9), max_size=8))
def test_time_never_goes_back_whatever_the_record_says(monos: list[float], deltas: list[int]) -> None:
    events = [event(n + 1, mono, ASKED, KEY) for n, mono in enumerate(monos)]
    times = [at for at, _ in moments([*events, event(len(monos) + 1, monos[-1], answer("abc", *deltas), KEY)])]
    assert times == sorted(times)
    assert times[0] == 0.0


@given(st.text(), st.lists(st.integers(-5, 20), max_size=9))
def test_pieces_are_the_whole_text(text: str, deltas: list[int]) -> None:
    assert "".join(piece for piece, _ in pieces(text, deltas)) == (text if deltas else "")
