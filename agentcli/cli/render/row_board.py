"""What has become of the rows of a run for each of them; how far that is, how fast, and for how long yet.

Of a row that was completed nothing is kept but that it is.
"""

from __future__ import annotations

from collections import Counter

from agentcli.cli.render.run_clock import RunClock
from agentcli.cli.render.step_board import ENOUGH
from agentcli.core.events import Event, RowCompleted, RowsRead, RowStarted, RunResumed, RunStarted
from agentcli.core.runs import RunStatus
from agentcli.core.values import value


@value(frozen=True, slots=True)
class Failure:
    """A row that was not completed. `seq` is that of the event which says so, `run` its own run, where it had one."""

    row: int
    seq: int
    run: str | None
    status: RunStatus
    reason: str
    seconds: float


class RowBoard:
    """All rows. `failures` are those that came to another end than they should, by their numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.all_read = False
        self.completed = 0
        self.failures: dict[int, Failure] = {}
        self.at_work: dict[int, tuple[int, str | None]] = {}
        """Rows that have begun and not ended: the seq of that event, and their runs."""
        self.tokens = 0
        self.cost_usd: float | None = 0.0
        self.limits: dict[str, float] = {}
        self.seconds = 0.0
        """The run's own time at the last event."""
        self._clock = RunClock()
        self._ends = self._ends_before = 0
        self._since = 0.0

    def take(self, event: Event) -> None:
        """The event happened. Give it each event, in their order."""
        self.seconds = self._clock.at(event)
        body = event.body
        if isinstance(body, RunStarted):
            self.limits = dict(body.limits)
        elif isinstance(body, RunResumed):
            self._go_on(body)
        elif isinstance(body, RowsRead):
            self.count += body.count
            self.all_read = not body.more
            self._since = self.seconds
        elif isinstance(body, RowStarted):
            self.at_work[body.row] = (event.seq, body.child)
        elif isinstance(body, RowCompleted):
            self._end(event.seq, body)

    def _go_on(self, body: RunResumed) -> None:
        given = (body.changes or {}).get("limits")
        if isinstance(given, dict):
            self.limits = {name: limit for name, limit in given.items() if limit is not None}
        self._ends_before, self._since = self._ends, self.seconds

    def _end(self, seq: int, body: RowCompleted) -> None:
        self._ends += 1
        self.at_work.pop(body.row, None)
        self.failures.pop(body.row, None)
        if body.status == "completed":
            self.completed += 1
        else:
            reason = f"{body.error.what} ({body.error.code})" if body.error is not None else ""
            self.failures[body.row] = Failure(body.row, seq, body.child, body.status, reason, body.duration_s)
        self.tokens += body.usage.total
        self.cost_usd = None if self.cost_usd is None or body.cost_usd is None else self.cost_usd + body.cost_usd

    @property
    def over(self) -> int:
        """How many rows are done with."""
        return self.completed + len(self.failures)

    @property
    def states(self) -> Counter[str]:
        """How many rows are in each state; what has not begun is `pending`."""
        states = Counter[str](failure.status for failure in self.failures.values())
        begun = {"completed": self.completed, "running": len(self.at_work)}
        states.update({state: number for state, number in begun.items() if number})
        if pending := self.count - self.over - len(self.at_work):
            states["pending"] = pending
        return states

    @property
    def done(self) -> float:
        """How much is done, from 0 to 1."""
        return self.over / self.count if self.count else 0.0

    def rate(self, seconds: float) -> float | None:
        """Rows a second, at this time of the run; None where there were too few of them to tell."""
        ends, took = self._ends - self._ends_before, seconds - self._since
        return ends / took if ends >= ENOUGH and took > 0 else None

    def left(self, seconds: float) -> float | None:
        """Seconds until the end, if it goes on like this; None where nobody can tell."""
        rate, todo = self.rate(seconds), self.count - self.over
        return todo / rate if rate and todo and self.all_read else None
