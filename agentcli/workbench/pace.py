"""A recorded run at the times at which it happened: when to show which event, and showing them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from math import isfinite

from agentcli.core.events import EffectKey, Event, ModelCompleted, ModelDelta, RunForked, RunResumed
from agentcli.engine.ports import EventSink
from agentcli.workbench.streamed import pieces

Moment = tuple[float, Event]
"""Seconds since the run began, and what happened then."""


def moments(events: Iterable[Event]) -> list[Moment]:
    """Every event with its time, and the pieces of streamed answers with theirs.

    The time between two eras of a run is left out: nothing happened in it. Time never goes back, whatever it says.
    """
    found: list[Moment] = []
    begun: dict[EffectKey, Moment] = {}
    now, mono = 0.0, None
    for event in events:
        gap = event.mono - mono if mono is not None and not isinstance(event.body, (RunResumed, RunForked)) else 0.0
        now += max(gap, 0.0) if isfinite(gap) else 0.0
        mono = event.mono
        if isinstance(event.body, ModelCompleted) and event.key in begun:
            found += _streamed(begun[event.key], event.body, now)
        elif event.key is not None:
            begun[event.key] = now, event
        found.append((now, event))
    return sorted(found, key=lambda moment: moment[0])


def _streamed(begun: Moment, body: ModelCompleted, until: float) -> list[Moment]:
    at, started = begun
    found = []
    for index, (text, wait_ms) in enumerate(pieces(body.message.content, body.deltas)):
        at = min(at + wait_ms / 1000, until)
        shown = replace(started, body=ModelDelta(text, index), key=None, request=None)
        found.append((at, shown))
    return found


async def play(
    shown: Sequence[Moment], sinks: Sequence[EventSink], speed: float, wait: Callable[[float], Awaitable[object]]
) -> None:
    """Tell `sinks` each event when its time has come, `speed` times as fast as it was. `wait` waits for seconds."""
    before = 0.0
    for at, event in shown:
        if at > before:
            await wait((at - before) / speed)
            before = at
        for sink in sinks:
            sink.handle(event)
