"""What has become of each step of a workflow, from the events of its run; how far that is, how fast, how long yet.

Nothing is kept for each item of a list, and a frame of the screen costs the rows that it shows: lists may be of 100,000
items, graphs of 10,000 steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agentcli.cli.render.run_clock import RunClock
from agentcli.cli.render.step_rows import STATES, Row, State
from agentcli.core.events import (
    Body,
    Event,
    ModelCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
)
from agentcli.core.places import Place, place_of

ENOUGH = 3
"""So many must be done before a rate is worth telling."""

ENDS: dict[type[Body], State] = {
    StepCompleted: "completed",
    StepSkipped: "skipped",
    StepFailed: "failed",
    StepCancelled: "cancelled",
}


class Board:
    """All steps. `rows` are in the order of the workflow, those of a nested one below the step that it is."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.by_state: dict[State, dict[str, Row]] = {state: {} for state in STATES}
        """The rows of each state, in the order in which they came to it."""
        self.tokens = 0
        self.cost_usd: float | None = 0.0
        self.limits: dict[str, float] = {}
        self.seconds = 0.0
        """The run's own time at the last event."""
        self._clock = RunClock()
        self._by_path: dict[str, Row] = {}
        self._steps = 0
        self._steps_over = 0
        self._unknown = 0
        """Steps that are not over and of which nobody knows how much they are."""
        self._units = self._units_done = 0
        self._done_before: int | None = None
        self._since = 0.0

    # -- what happens -------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """The event happened. Give it each event, in their order."""
        self.seconds = self._clock.at(event)
        body = event.body
        if isinstance(body, RunStarted):
            self._begin(body)
        elif isinstance(body, RunResumed | RunForked):
            self._go_on(body)
        elif (place := place_of(event.lane)) is not None:
            self._at_step(place, body)

    def _begin(self, body: RunStarted) -> None:
        self.limits = dict(body.limits)
        for step in body.steps:
            self._add(Row(step.id, step.name, step.items))

    def _go_on(self, body: RunResumed | RunForked) -> None:
        """What was done before says nothing of how fast it goes now."""
        given = (body.changes or {}).get("limits")
        if isinstance(given, dict):
            self.limits = {name: limit for name, limit in given.items() if limit is not None}
        self._done_before, self._since = self._units_done, self.seconds

    def _at_step(self, place: Place, body: Body) -> None:
        row = self._by_path.get(place.path) or self._nested(place.path)
        before = (row.is_over, row.units, row.units_done)
        if isinstance(body, StepStarted):
            self._started(row, place, body)
        elif (state := ENDS.get(type(body))) is not None:
            self._ended(row, place, body, state)
        elif isinstance(body, StepRetried):
            row.attempt = body.attempt + 1 if place.is_step else 1
            row.reason = reason_of(body)
        else:
            self._at_work(row, place, body)
        self._count(row, before)

    def _started(self, row: Row, place: Place, body: StepStarted) -> None:
        if place.is_item:
            return
        row.action = body.action
        row.active += 1
        if body.items is not None:
            row.items = (row.items or 0) + body.items
        if body.items is not None or body.action == "workflow":  # another step waits until it has a slot
            self._move(row, "running")

    def _ended(self, row: Row, place: Place, body: Body, state: State) -> None:
        if place.is_item:
            row.over += 1
            row.failed += state == "failed"
            return
        row.active = max(row.active - 1, 0)
        row.passes += 1
        row.reason = reason_of(body)
        if row.begun is not None:
            row.ended = self.seconds
        self._move(row, state if not row.active else "running")

    def _at_work(self, row: Row, place: Place, body: Body) -> None:
        row.round = place.number("round")
        if row.state == "pending" or (row.active and row.is_over):  # for the next item of a list around it
            self._move(row, "running")
        if isinstance(body, ModelCompleted):
            self.tokens += body.usage.total
            self.cost_usd = None if self.cost_usd is None or body.cost_usd is None else self.cost_usd + body.cost_usd
            for path in _around(place.path):
                if path in self._by_path:
                    self._by_path[path].use(body.usage.total, body.cost_usd)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _add(self, row: Row, at: int | None = None) -> Row:
        self._by_path[row.path] = row
        self.rows.insert(len(self.rows) if at is None else at, row)
        self.by_state[row.state][row.path] = row
        if not row.depth:
            self._steps += 1
            self._unknown += row.units is None
            self._units += row.units or 0
        return row

    def _nested(self, path: str) -> Row:
        """A new row, behind those of the same workflow."""
        around = path.rpartition(".")[0]
        at = len(self.rows)
        if around in self._by_path:
            at = self.rows.index(self._by_path[around]) + 1
            while at < len(self.rows) and self.rows[at].path.startswith(f"{around}."):
                at += 1
        return self._add(Row(path, ""), at)

    def _move(self, row: Row, state: State) -> None:
        if state == "running":
            row.ended = None
            row.begun = self.seconds if row.begun is None else row.begun
        if state != row.state:
            del self.by_state[row.state][row.path]
            row.state = state
            self.by_state[state][row.path] = row

    def _count(self, row: Row, before: tuple[bool, int | None, int]) -> None:
        if row.depth:
            return
        was_over, units, done = before
        self._steps_over += row.is_over - was_over
        self._unknown += (row.units is None) - (units is None)
        self._units += (row.units or 0) - (units or 0)
        self._units_done += row.units_done - done

    # -- how it stands ------------------------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps of the workflow itself are over, and how many there are."""
        return self._steps_over, self._steps

    def row(self, path: str) -> Row:
        """The row of a step; a record from elsewhere may name one that nothing is known of."""
        return self._by_path.get(path) or self._nested(path)

    def around(self, row: Row) -> Row | None:
        """The step that the row's workflow is; None for a step of the outermost one."""
        return self._by_path.get(row.path.rpartition(".")[0])

    @property
    def counts(self) -> Counter[State]:
        """How many rows are in each state."""
        return Counter({state: len(rows) for state, rows in self.by_state.items() if rows})

    @property
    def done(self) -> float:
        """How much is done, from 0 to 1: each step counts the same, and a list that is under way in part."""
        under_way = sum(row.done for row in self.by_state["running"].values() if not row.depth)
        return (self._steps_over + under_way) / self._steps if self._steps else 0.0

    def rate(self, seconds: float) -> float | None:
        """Steps and items a second, at this time of the run; None where there were too few of them to tell."""
        done, took = self._units_done - (self._done_before or 0), seconds - self._since
        return done / took if done >= ENOUGH and took > 0 else None

    def left(self, seconds: float) -> float | None:
        """Seconds until the end, if it goes on like this; None where nobody can tell."""
        rate, todo = self.rate(seconds), self._units - self._units_done
        return todo / rate if rate and todo and not self._unknown else None


def reason_of(body: Body) -> str:
    """Why a step ended so; nothing for one that has its output."""
    if isinstance(body, StepFailed | StepRetried):
        return f"{body.error.what} {body.error.why}".strip()
    return body.reason if isinstance(body, StepSkipped | StepCancelled) else ""


def _around(path: str) -> Iterator[str]:
    """The path, and those of the steps around it."""
    while path:
        yield path
        path = path.rpartition(".")[0]
