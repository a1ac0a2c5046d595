"""A workflow for each of many rows: every row is a run of its own, and an effect of this one.

All rows are read before the first of them is run, and kept by content: from then on they come from the record. At any
time only those at work are held in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from agentcli.core.canonical import Json, digest
from agentcli.core.events import Event, RowCompleted, RowsRead, RowStarted
from agentcli.core.limits import Limits
from agentcli.core.models import Usage
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.lanes import Signal
from agentcli.engine.limits import Budget, limit_error
from agentcli.engine.scope import Scope
from agentcli.engine.workflow.row_ports import Entry, Rows
from agentcli.errors import ErrorInfo, LimitError, RunError, UsageError, sentence

AHEAD: Final = 5_000
"""How many rows may be begun after one that is not done: whoever puts them in order holds so many."""

ERRORS_AT_ONCE: Final = 50
"""After so many rows that cannot be run the event loop gets a turn."""

Row = tuple[int, Entry]


class EachRun:
    """The parent of the rows' runs. `limits` hold for all rows together, in each era of the run; `concurrency` rows are
    at work at a time. `ahead`: see `AHEAD`.
    """

    def __init__(
        self,
        door: Effects,
        rows: Rows,
        source: str,
        limits: Sequence[Limits],
        concurrency: int,
        ahead: int = AHEAD,
    ) -> None:
        self.ahead = ahead
        self.budget = Budget(limits[0])
        self._limits = limits
        self.door = door
        self.rows = rows
        self._source = source
        self.concurrency = concurrency
        self._parts: list[RowsRead] = []
        self._completed = 0
        self._failed = 0
        self._first: RowCompleted | None = None
        """The first row that failed."""
        self._is_hopeless = True
        """Whether nothing could be run for any of the failed rows."""
        self._again: dict[int, str] = {}
        """Rows that are tried again when the others are done, with their runs."""

    async def main(self, scope: Scope) -> dict[str, Json]:
        """How many rows there were, and what became of them. Raises LimitError; RunError E-EACH-FAILED."""
        await self._read(scope)
        last = self.door.retries + 1
        for attempt in range(1, last + 1):
            chosen, self._again = (None if attempt == 1 else self._again), {}
            if chosen is None or chosen:
                await _Pass(self, scope, attempt, chosen, is_last=attempt == last).run()
        return self._summed_up()

    async def _read(self, scope: Scope) -> None:
        async def live(_started: Event) -> RowsRead:
            return await self.rows.read()

        more = True
        while more:
            asked = {"rows": self._source, "after": len(self._parts)}
            effect = Effect(kind="input", name="rows", request=digest(asked), describe=partial(dict, asked), live=live)
            self._parts.append(expect(await self.door.perform(effect, scope), RowsRead))
            more = self._parts[-1].more
        await self.door.barrier()  # they are read back from there

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(part.count for part in self._parts)

    def numbered(self, chosen: Mapping[int, str] | None) -> Iterator[Row]:
        """The rows with these numbers, or all of them, in their order."""
        for part in self._parts:
            numbers = range(part.first, part.first + part.count)
            if chosen is None or any(number in chosen for number in numbers):
                rows = zip(numbers, self.rows.part(part.content), strict=True)
                yield from ((number, row) for number, row in rows if chosen is None or number in chosen)

    def take(self, row: int, given: Json, end: RowCompleted, *, stays: bool) -> None:
        """A row's end, or what a further pass tries again."""
        if not stays and end.status != "completed" and end.child is not None:
            self._again[row] = end.child
            return
        self.budget.add(end.usage, end.cost_usd, end.turns)
        if end.status == "completed":
            self._completed += 1
        else:
            self._failed += 1
            self._first = end if self._first is None or row < self._first.row else self._first
            self._is_hopeless = self._is_hopeless and end.child is None
        self.rows.done(row, given, end)

    def stop_at_limit(self, scope: Scope) -> None:
        """Raises LimitError where no further row may begin."""
        self.budget.limits = self._limits[self.door.era]
        if (reached := self.budget.exhausted()) is not None:
            self.door.emit(reached, scope)
            raise limit_error(reached)

    def _summed_up(self) -> dict[str, Json]:
        summary: dict[str, Json] = {"rows": self.count, "completed": self._completed, "failed": self._failed}
        first = self._first
        if first is None:
            return summary
        again = "`agentcli resume RUN --retry-failed` runs them again."
        error = RunError(
            "E-EACH-FAILED",
            f"{self._failed} of {self.count} rows failed.",
            why=sentence(f"Row {first.row}: {first.error.what}") if first.error is not None else "",
            fix="Correct them, and run the corrected rows alone." if self._is_hopeless else again,
        )
        error.output = summary
        raise error


class _Pass:
    """Going through the rows once: all of them, or those that failed in the pass before."""

    def __init__(
        self, run: EachRun, scope: Scope, attempt: int, chosen: Mapping[int, str] | None, *, is_last: bool
    ) -> None:
        self._run = run
        self._runs = chosen or {}
        self._scope = scope
        self._attempt = attempt
        self._is_last = is_last
        self._count = run.count if chosen is None else len(chosen)
        self._todo = iter(run.numbered(chosen))
        self._begun = 0
        self._stop: LimitError | None = None
        self._at_work: dict[int, None] = {}
        """The rows at work, in the order in which they began, each by its place in it."""
        self._moved = Signal()

    async def run(self) -> None:
        """Every row to its end."""
        lanes = min(self._run.concurrency, self._count)
        if lanes:
            await self._run.door.gather([self._lane] * lanes, lanes, stop=True)
        if self._stop is not None:
            raise self._stop

    async def _lane(self) -> None:
        """Row after row. A limit lets those at work come to their end: what they did so far is paid for."""
        while self._stop is None:
            await self._room()
            row = next(self._todo, None)
            if row is None:
                return
            self._begun += 1
            place = self._begun
            self._at_work[place] = None
            try:
                self._run.stop_at_limit(self._scope)
                await self._row(*row)
            except LimitError as reached:
                self._stop = self._stop or reached
            self._over(place)

    async def _room(self) -> None:
        """Wait while a row is far behind."""
        while self._at_work and self._begun - next(iter(self._at_work)) >= self._run.ahead:
            await self._run.door.wait(self._moved)

    def _over(self, place: int) -> None:
        was_first = next(iter(self._at_work)) == place
        del self._at_work[place]
        if was_first:
            moved, self._moved = self._moved, Signal()
            self._run.door.give(moved)

    async def _row(self, number: int, entry: Entry) -> None:
        scope = self._scope.child(f"row.{number}")
        if self._attempt > 1:
            scope = scope.child(f"attempt.{self._attempt}")
        given = entry.get("input")
        try:
            inputs = self._inputs(entry)
        except (UsageError, RunError) as error:
            end = await self._unable(number, given, error.info, scope)
        else:
            end = await self._carried_out(number, given, inputs, scope)
        self._run.door.leave(scope)
        self._run.take(number, given, end, stays=self._is_last)

    def _inputs(self, entry: Entry) -> dict[str, Json]:
        if (error := entry.get("error")) is not None:
            raise RunError(error["code"], error["what"], why=error["why"], fix=error["fix"])
        return self._run.rows.inputs(entry["input"])

    async def _unable(self, number: int, given: Json, error: ErrorInfo, scope: Scope) -> RowCompleted:
        """A row that cannot be run is one that failed."""
        door = self._run.door
        door.emit(RowStarted(number, None, given), scope)
        end = RowCompleted(number, None, "failed", None, error, Usage(), 0.0, 0.0, 0)
        door.emit(end, scope)
        if number % ERRORS_AT_ONCE == 0:
            await asyncio.sleep(0)
        return end

    async def _carried_out(self, number: int, given: Json, inputs: dict[str, Json], scope: Scope) -> RowCompleted:
        rows, asked = self._run.rows, {"row": number, "input": given}
        live = partial(rows.run, inputs=inputs, spent=self._run.budget, again=self._attempt > 1)
        effect = Effect(
            kind="run",
            name="row",
            request=digest(asked),
            describe=lambda: asked,
            live=live,
            intent=lambda: RowStarted(number, self._runs.get(number) or rows.new_run(), given),
            continues=True,
        )
        return expect(await self._run.door.perform(effect, scope), RowCompleted)
