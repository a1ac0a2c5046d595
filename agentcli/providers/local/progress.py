"""How far a download is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from agentcli.core.values import value

Phase = Literal["waiting", "hub", "index", "verifying", "done"]
"""Another process is pulling the same model; bytes come from the model hub; from the package index; hashing; there."""


@value(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes. `rate` is bytes a second since the phase began; None where it is not known yet."""

    model: str
    phase: Phase
    done: int
    total: int
    rate: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """At the present rate."""
        return (self.total - self.done) / self.rate if self.rate else None


Told = Callable[[Progress], None]


class Meter:
    """Reports progress, with the rate of the present phase."""

    def __init__(self, model: str, total: int, told: Told, clock: Callable[[], float] = time.monotonic) -> None:
        self._model, self._total, self._told, self._clock = model, total, told, clock
        self._phase: Phase = "waiting"
        self._began = clock()
        self._from = 0

    def begin(self, phase: Phase, done: int) -> None:
        """A phase starts, with this much there already."""
        self._phase, self._from, self._began = phase, done, self._clock()
        self._told(Progress(self._model, phase, done, self._total))

    def at(self, done: int) -> None:
        """This much is there now."""
        elapsed = self._clock() - self._began
        rate = (done - self._from) / elapsed if elapsed > 0 and done > self._from else None
        self._told(Progress(self._model, self._phase, done, self._total, rate))
