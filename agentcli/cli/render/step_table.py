"""The steps of a workflow as lines of a table, no more of them than there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Glyphs, Style
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.step_board import Board
from agentcli.cli.render.step_rows import STATES, Row, State
from agentcli.cli.render.table import display_width, fit
from agentcli.cli.render.text import one_line

STYLES: dict[State, tuple[Style, ...]] = {
    "running": ("cyan",),
    "completed": ("green",),
    "failed": ("red",),
    "cancelled": ("yellow",),
    "skipped": ("dim",),
    "pending": ("dim",),
}
GAP = "  "
STATE_WIDTH = max(map(len, STATES))
NOTE_LEAST = 8
"""A reason that gets fewer columns says nothing."""


def sign_of(state: State, glyphs: Glyphs) -> str:
    """What stands in front of a step; one that is running has a sign that turns, elsewhere."""
    if state == "completed":
        return glyphs.ok
    return glyphs.bad if state in ("failed", "cancelled") else glyphs.left if state == "skipped" else glyphs.dot


def chosen(board: Board, room: int, over: bool = False) -> list[Row]:
    """At most `room` rows: all of them in their order, or what a person looks for first.

    That is what is running and what failed, of which at least a third of the room is for each, and what was stopped at
    work; then, unless all is over, what was done last and what comes next.
    """
    if len(board.rows) <= room:
        return board.rows
    running, failed = board.by_state["running"], board.by_state["failed"]
    for_failed = min(len(failed), max(room // 3, room - len(running)))
    first = [*islice(running.values(), room - for_failed), *islice(reversed(failed.values()), for_failed)]
    stopped = (row for row in board.by_state["cancelled"].values() if row.begun is not None)
    others = chain(
        islice(reversed(board.by_state["completed"].values()), max((room - len(first)) // 2, 0)),
        board.by_state["pending"].values(),
        reversed(board.by_state["skipped"].values()),
    )
    return [*first, *islice(stopped if over else others, room - len(first))]


def left_out(board: Board, shown: Sequence[Row]) -> str:
    """What stands for the rest: `… 1,963 more: 1,950 pending, 13 completed`."""
    counts = board.counts
    for row in shown:
        counts[row.state] -= 1
    parts = ", ".join(f"{count(counts[state])} {state}" for state in STATES if counts[state])
    return f"… {count(counts.total())} more: {parts}"


@dataclass(slots=True)
class StepTable:
    """Lines of the table. Columns only get wider, so that nothing jumps from frame to frame."""

    glyphs: Glyphs
    _name: int = 0
    _progress: int = 0
    _took: int = 0
    _used: set[str] = field(default_factory=set)

    def lines(self, board: Board, room: int, width: int, seconds: float, turning: str = "") -> Iterator[Line]:
        """At most `room` lines of at most `width` columns. `turning` is the sign of what runs; none if all is over."""
        shown = chosen(board, room if len(board.rows) <= room else room - 1, over=not turning)
        self._measure(board, shown, width, seconds)
        for row in shown:
            yield self._line(board, row, width, seconds, turning), STYLES[row.state]
        if len(shown) < len(board.rows):
            yield fit(left_out(board, shown), width), ("dim",)

    def _measure(self, board: Board, shown: Sequence[Row], width: int, seconds: float) -> None:
        for row in shown:
            self._name = max(self._name, display_width(_name(row)))
            self._progress = max(self._progress, len(_progress(board, row)))
            self._took = max(self._took, len(_took(row, seconds)))
            self._used |= {"tokens"} if row.tokens else set()
            self._used |= {"cost"} if row.cost_usd != 0 else set()
        self._name = min(self._name, max(width // 3, 12))

    def _line(self, board: Board, row: Row, width: int, seconds: float, turning: str) -> str:
        sign = turning if row.state == "running" else sign_of(row.state, self.glyphs)
        cells = [_padded(sign, len(self.glyphs.ok)) + " " + _padded(fit(_name(row), self._name), self._name)]
        cells.append(row.state.ljust(STATE_WIDTH))
        if self._progress:
            cells.append(_progress(board, row).rjust(self._progress))
        if self._took:
            cells.append(_took(row, seconds).rjust(self._took))
        if "tokens" in self._used and width >= 90:
            cells.append((count(row.tokens, "token") if row.tokens else "").rjust(14))
        if "cost" in self._used and width >= 100:
            cells.append(_cost(row).rjust(8))
        line = GAP.join(cells)
        room = width - display_width(line) - len(GAP)
        note = _note(row)
        return f"{line}{GAP}{fit(note, room)}" if note and room >= NOTE_LEAST else fit(line.rstrip(), width)


def _name(row: Row) -> str:
    return "  " * row.depth + one_line(row.name or row.path.rpartition(".")[2], 60)


def _took(row: Row, seconds: float) -> str:
    took = row.seconds(seconds)
    if took is None:
        return ""
    return duration(took if row.is_over else max(round(took, 1), 0.1))


def _cost(row: Row) -> str:
    return "" if row.cost_usd == 0 else "?" if row.cost_usd is None else money(row.cost_usd)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _progress(board: Board, row: Row) -> str:
    """How far a step is that does its action more than once."""
    if row.items is not None:
        return f"{row.over}/{row.items}"
    around = board.around(row)
    if around is not None and around.items is not None:
        return f"{row.passes}/{around.items}"
    if row.state == "running" and row.attempt > 1:
        return f"try {row.attempt}"
    return f"round {row.round}" if row.round is not None and row.state == "running" else ""


def _note(row: Row) -> str:
    """Why it is as it is."""
    failed = f"{count(row.failed)} failed" if row.failed and row.state in ("running", "completed") else ""
    return GAP.join(part for part in (failed, one_line(row.reason, 300)) if part)
