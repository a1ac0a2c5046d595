"""A workflow for each of many rows, on fakes: rows in memory, whose runs end as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentcli.core.canonical import Digest, Json, decode, encode
from agentcli.core.events import Body, Event, RowCompleted, RowsRead, RunResumed, RunStarted
from agentcli.core.limits import Limits
from agentcli.core.models import Usage
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.limits import NO_LIMITS, Budget
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from agentcli.engine.workflow.each_run import AHEAD, EachRun
from agentcli.engine.workflow.row_ports import Entry
from agentcli.errors import ErrorInfo, UsageError
from tests.fakes.engine import RUN, ManualClock, MarkingRedactor, run_start
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

SLOW = 500
"""Turns of the event loop that the slow row takes."""

FAILED = ErrorInfo("E-TEST", "It did not work.")

Ends = Callable[[int], Any]
"""Whether a row's run comes to a good end; an exception to raise, or a body to give in its place."""


@dataclass
class ToldRows:
    """See `Rows`. `ran` is which rows were run, `ended` those that are done.

    Each waits until there are `together`; the `slow` one long enough for all others.
    """

    log: MemoryRunLog
    entries: Sequence[Entry]
    ends: Ends = lambda row: True
    size: int = 3
    together: int = 1
    slow: int = 0
    ran: list[tuple[int, str, bool]] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)
    most: int = 0
    _read: int = 0
    _at_work: int = 0
    _full: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> RowsRead:
        part = list(self.entries[self._read : self._read + self.size])
        first, self._read = self._read + 1, self._read + len(part)
        content = self.log.put(encode(part))
        return RowsRead("rows.jsonl", first, len(part), content, self._read < len(self.entries))

    def part(self, content: Digest) -> list[Entry]:
        found: list[Entry] = decode(self.log.journal.blobs[content])
        return found

    def inputs(self, given: Json) -> dict[str, Any]:
        if not isinstance(given, int):
            raise UsageError("E-INPUT-TYPE", "It is no number.")
        return {"number": given}

    def new_run(self) -> str:
        return f"run-{len(self.ran) + self._at_work + 1}"

    async def run(self, started: Event, inputs: dict[str, Any], spent: Budget, again: bool) -> Body:
        body: Any = started.body
        self._at_work += 1
        self.most = max(self.most, self._at_work)
        try:
            await self._turn(body.row)
        finally:
            self._at_work -= 1
        self.ran.append((body.row, body.child, again))
        end = self.ends(body.row)
        if isinstance(end, Exception):
            raise end
        return end if isinstance(end, Body) else completed(body.row, body.child, good=bool(end))

    async def _turn(self, row: int) -> None:
        if self._at_work >= self.together:
            self._full.set()
        await self._full.wait()
        for _ in range(SLOW if row == self.slow else 0):
            await asyncio.sleep(0)

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        self.ended.append((row, end.status))


def completed(row: int, run: str, *, good: bool = True) -> RowCompleted:
    """A row's end."""
    if good:
        return RowCompleted(row, run, "completed", f"out {row}", None, Usage(2, 1), 0.5, 1.0, 1)
    return RowCompleted(row, run, "failed", None, FAILED, Usage(2, 1), 0.5, 1.0, 1)


@dataclass
class EachRig:
    """The parent of the rows' runs. `run()` carries it out on a record, or on a new one."""

    entries: Sequence[Mapping[str, Json]]
    ends: Ends = lambda row: True
    limits: Sequence[Limits] = (NO_LIMITS,)
    concurrency: int = 2
    together: int = 1
    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    log: MemoryRunLog | None = None
    seconds: float | None = None
    ahead: int = AHEAD
    slow: int = 0
    rows: ToldRows | None = None

    async def run(self, playback: Playback | None = None) -> tuple[RunOutcome, ToldRows]:
        log = self.log = self.log or self.journal.begin(run_start())
        rows = self.rows = ToldRows(log, self.entries, self.ends, together=self.together, slow=self.slow)
        door = Effects(RUN, log, ManualClock(), playback=playback, seq=log.last_seq)
        each = EachRun(door, rows, "rows.jsonl", self.limits, self.concurrency, self.ahead)
        started = RunStarted("workflow", "w", None, "", {}, "0" * 64)
        admission = Admission(MarkingRedactor())
        outcome = await execute(
            door, log, each.budget, started, each.main, Interrupt(), admission, seconds=self.seconds
        )
        return outcome, rows

    def recorded(self) -> list[Event]:
        return self.journal.events(RUN)

    async def replay(self) -> tuple[RunOutcome, ToldRows, Playback]:
        """The same again from the record alone, in a log of its own."""
        playback = Playback(Recording(self.recorded(), lambda event: {"seq": event.seq}), "refuse")
        again = EachRig(self.entries, self.ends, self.limits, self.concurrency, ahead=self.ahead)
        again.journal.blobs.update(self.journal.blobs)
        outcome, rows = await again.run(playback)
        return outcome, rows, playback

    async def resume(self, limits: Limits | None = None, *, retries: bool = False) -> tuple[RunOutcome, ToldRows]:
        """Go on with it, with other limits if any are given."""
        assert self.log is not None
        self.log.owned, self.log.finish = True, None
        self.log.append(Event(RUN, self.log.last_seq + 1, 2.0, 2.0, RunResumed("0" * 64, {}, retries)))
        self.limits = [*self.limits, limits or self.limits[-1]]
        return await self.run(Playback(Recording(self.recorded(), lambda event: {"seq": event.seq}), "live"))
