"""What is done at the door: one effect, what becomes of it where it is in doubt, and its result as what it must be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from agentcli.core.canonical import Digest
from agentcli.core.events import Body, EffectKind, Event, LimitReached
from agentcli.core.values import value
from agentcli.engine.limits import limit_error
from agentcli.errors import DeniedError, StorageError

B = TypeVar("B", bound=Body)

Live = Callable[[Event], Awaitable[Body]]
"""Performs an effect; is given the event of its intent (for an effect without one: an event that is not recorded)."""


@value(frozen=True, slots=True)
class Effect:
    """Something to be done outside.

    `request` is the digest of `describe()`, the canonical request. `intent` makes the event that announces it, after
    `prepare` found out what it says; None for effects too small to need one. `durable` puts a barrier before the effect
    and one after its result. `repeatable` is what may be done again where it is not known whether it was done; what
    `continues` goes on then from where it stopped, under the intent that is on record.
    """

    kind: EffectKind
    name: str
    request: Digest
    describe: Callable[[], Any]
    live: Live
    intent: Callable[[], Body] | None = None
    durable: bool = False
    repeatable: bool = True
    continues: bool = False
    prepare: Callable[[], Awaitable[None]] | None = None


Settle = Callable[[Event], Awaitable[Body | None]]
"""Decides about an effect in doubt, given its intent: its result if that is known, None to do it again.

Raises DeniedError where nobody can tell.
"""


async def leave_in_doubt(started: Event) -> Body | None:
    """Nobody is asked: the run stops, and can be resumed by who knows. Raises DeniedError E-RUN-IN-DOUBT."""
    name = started.key.name if started.key else started.body.type
    raise DeniedError(
        "E-RUN-IN-DOUBT",
        f"Whether `{name}` (event {started.seq}) has happened is not known.",
        why="It was begun, its result is not on record, and it must not be done twice.",
        fix=f"`agentcli resume RUN` with `--in-doubt retry`, or `--tool-result {started.seq}=@FILE` if it did happen.",
    )


def expect(body: Body, kind: type[B]) -> B:
    """An effect's result as what it must be. Raises LimitError where the run's time ended instead."""
    if isinstance(body, kind):
        return body
    if isinstance(body, LimitReached):
        raise limit_error(body)
    raise StorageError(
        "E-JOURNAL-DAMAGED",
        f"The record holds `{body.type}` where `{kind.type}` belongs.",
        why="The journal was changed, or written by another program.",
        fix="Check it with `agentcli runs verify`.",
    )
