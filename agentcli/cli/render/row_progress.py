"""A run for each of many rows as lines of text: how many there are, each tenth of them, and the first that failed."""

from __future__ import annotations

from collections.abc import Iterator

from agentcli.cli.render.figures import progress
from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Glyphs
from agentcli.cli.render.quantity import count
from agentcli.cli.render.row_board import RowBoard
from agentcli.cli.render.text import one_line
from agentcli.core.events import Event, RowCompleted, RowsRead

PARTS = 10
"""For each such part of the whole there is a line."""
FAILURES = 10
"""So many failed rows have lines of their own."""


class RowProgress:
    """Turns the events of rows into lines."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self.only_failures = False
        """A bar says the rest."""
        self._board = RowBoard()
        self._part = 0
        self._failures = 0

    def lines(self, event: Event) -> Iterator[Line]:
        """The lines that this event is worth. Give it each event, in their order."""
        board, body = self._board, event.body
        board.take(event)
        if isinstance(body, RowsRead) and board.all_read and not self.only_failures:
            yield f"{self._glyphs.dot} {count(board.count, 'row')}", ("cyan",)
        elif isinstance(body, RowCompleted):
            if body.status != "completed":
                yield from self._failure(body)
            yield from self._tenth()

    def _failure(self, body: RowCompleted) -> Iterator[Line]:
        self._failures += 1
        if self._failures > FAILURES:
            return
        reason = f": {one_line(self._board.failures[body.row].reason)}" if body.error is not None else ""
        yield f"{self._glyphs.bad} row {body.row}  {body.status}{reason}", ("red",)
        if self._failures == FAILURES:
            yield "  further ones are only counted", ("dim",)

    def _tenth(self) -> Iterator[Line]:
        board = self._board
        part = board.over * PARTS // board.count if board.count else 0
        if part <= self._part or self.only_failures:
            return
        self._part = part
        far = f"{count(board.over)} of {count(board.count, 'row')}"
        parts = [*progress(far, board.rate(board.seconds), board.left(board.seconds))]
        if board.failures:
            parts.append(f"{count(len(board.failures))} failed")
        yield f"{self._glyphs.dot} " + f" {self._glyphs.dot} ".join(parts), ("cyan",)
