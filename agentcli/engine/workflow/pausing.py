"""Waiting, through the door: a replay does not wait again."""

from __future__ import annotations

import asyncio

from agentcli.core.canonical import digest
from agentcli.core.events import Body, ClockRead, Event
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.scope import Scope


async def pause(door: Effects, seconds: float, scope: Scope) -> None:
    """Wait so many seconds; for none, do nothing. Raises LimitError where the run's time ends first."""
    if not seconds:
        return

    async def live(_started: Event) -> Body:
        await asyncio.sleep(seconds)
        return ClockRead(door.clock.now())

    asked = {"wait_s": seconds}
    effect = Effect(kind="clock", name="wait", request=digest(asked), describe=lambda: asked, live=live)
    expect(await door.perform(effect, scope), ClockRead)
