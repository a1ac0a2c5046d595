"""Ids for many runs that begin at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from agentcli.core.ids import RANDOM_BITS, run_id


class RunIds:
    """Draws ids, none of them twice: a thousand that begin in the same second would meet once in two thousand times."""

    def __init__(self, now: Callable[[], float], draw: Callable[[int], int] = secrets.randbits) -> None:
        self._now = now
        self._draw = draw
        self._second = 0
        self._drawn: set[str] = set()

    def new(self) -> str:
        """An id of this second."""
        now = self._now()
        if int(now) != self._second:
            self._second, self._drawn = int(now), set()
        while (found := run_id(now, self._draw(RANDOM_BITS))) in self._drawn:
            pass
        self._drawn.add(found)
        return found
