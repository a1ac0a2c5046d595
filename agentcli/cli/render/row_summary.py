"""A run for each of many rows, as `runs show` has it: how many came to which end, and those that are not completed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, duration
from agentcli.cli.render.row_board import Failure, RowBoard
from agentcli.cli.render.run_list import STATUS_STYLE
from agentcli.cli.render.text import one_line
from agentcli.core.events import Event, RowCompleted, RowsRead, RowStarted
from agentcli.core.values import value

FIRST = 10
"""So many rows that failed, or that were not finished, are named."""


def board_of(events: Sequence[Event]) -> RowBoard | None:
    """What has become of the rows; None where the run is none of rows."""
    if not any(isinstance(event.body, RowsRead | RowStarted | RowCompleted) for event in events):
        return None
    board = RowBoard()
    for event in events:
        board.take(event)
    return board


@value(frozen=True, slots=True)
class RowSummary:
    """Prints rows. `full` names all that failed or were not finished; `running` is whether the run is at work."""

    out: Printer
    full: bool
    running: bool

    def states(self, board: RowBoard) -> str:
        """`9,990 completed, 10 failed`."""
        words = {} if self.running else {"running": "not finished", "pending": "not begun"}
        return ", ".join(f"{count(number)} {words.get(state, state)}" for state, number in board.states.most_common())

    def show(self, board: RowBoard) -> None:
        """The rows that failed, and those that are not finished, each with its run."""
        failures = [board.failures[row] for row in sorted(board.failures)]
        self._some([self._failed(one) for one in failures[: self._most]], len(failures), "failed row")
        rows = sorted(board.at_work)[: self._most]
        self._some([self._open(row, *board.at_work[row]) for row in rows], len(board.at_work), "open row")

    @property
    def _most(self) -> int | None:
        return None if self.full else FIRST

    def _some(self, lines: Sequence[Iterator[str]], number: int, noun: str) -> None:
        for line in lines:
            for text in line:
                self.out.line(text)
        if number > len(lines):
            more = f"… {count(number - len(lines), f'more {noun}')} (--full shows them)"
            self.out.line(f"       {self.out.style(more, 'dim')}")

    def _failed(self, one: Failure) -> Iterator[str]:
        run = f"{self.out.glyphs.dot} {one_line(one.run)}" if one.run is not None else ""
        head = self.out.style(f"{self.out.glyphs.bad} row {one.row}", STATUS_STYLE[one.status])
        told = f"{one.status} in {duration(one.seconds)} {run}".rstrip()
        yield f"{one.seq:>5}  {head}  {self.out.style(told, 'dim')}"
        if one.reason:
            yield f"         {self.out.style(one_line(one.reason, self._width()), 'dim')}"

    def _open(self, row: int, seq: int, run: str | None) -> Iterator[str]:
        word = "running" if self.running else "not finished"
        told = f"{word} {self.out.glyphs.dot} {one_line(run)}" if run is not None else word
        yield f"{seq:>5}  {self.out.glyphs.dot} row {row}  {self.out.style(told, 'dim')}"

    def _width(self) -> int | None:
        return None if self.full or self.out.width is None else max(self.out.width - 9, 24)
