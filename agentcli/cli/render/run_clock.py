"""How much time a run has taken at each of its events."""

from __future__ import annotations

from agentcli.core.events import Event, RunForked, RunResumed


class RunClock:
    """Counts a run's own time. Between its eras, when nobody was at work on it, none passes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._mono: float | None = None

    def at(self, event: Event) -> float:
        """Seconds from the run's first event to this one. Ask for each event, in their order."""
        resumed = isinstance(event.body, RunResumed | RunForked)
        if self._mono is not None and not resumed:
            self.seconds += max(event.mono - self._mono, 0.0)
        self._mono = event.mono if self._mono is None or resumed else max(event.mono, self._mono)
        return self.seconds
