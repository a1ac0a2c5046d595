"""The face of a run for each of many rows: how far it is, how many failed, and what it has used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentcli.cli.render.figures import progress, used
from agentcli.cli.render.lines import Line
from agentcli.cli.render.live_face import Look
from agentcli.cli.render.progress_lines import Narrator
from agentcli.cli.render.quantity import count, duration
from agentcli.cli.render.row_board import RowBoard
from agentcli.cli.render.table import fit
from agentcli.core.events import Event, RunCompleted

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text


class RowsFace:
    """See `Face`. `began` is the run's first event."""

    def __init__(self, look: Look, narrator: Narrator, began: Event) -> None:
        self._look = look
        self._narrator = narrator
        self._board = RowBoard()
        self._board.take(began)
        self._at = look.now()
        self._over = False

    def take(self, event: Event) -> None:
        """See `Face`."""
        self._board.take(event)
        self._at = self._look.now()
        self._over = self._over or isinstance(event.body, RunCompleted)

    def lines(self, event: Event) -> Iterator[Line]:
        """See `Face`."""
        return self._narrator.lines(event)

    @property
    def _seconds(self) -> float:
        return self._board.seconds + (0.0 if self._over else self._look.now() - self._at)

    def draw(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """See `Face`."""
        if self._over:
            return
        board, width, look, seconds = self._board, options.max_width, self._look, self._seconds
        if board.all_read:
            far = f"{count(board.over)} of {count(board.count, 'row')}"
        else:
            far = f"reading: {count(board.count, 'row')} so far"
        parts = look.dot.join(progress(far, board.rate(seconds), board.left(seconds)))
        yield look.text(fit(f"{look.bar(board.done, width)}  {parts}", width))
        yield look.text(fit(look.dot.join(self._figures()), width), "dim")

    def _figures(self) -> Iterator[str]:
        board, limits = self._board, self._board.limits
        of = f" of {duration(limits['seconds'])}" if "seconds" in limits else ""
        yield f"{self._look.frame()} {duration(round(self._seconds, 1))}{of}"
        yield f"{count(len(board.at_work))} running"
        if board.failures:
            yield f"{count(len(board.failures))} failed"
        yield from used(board.tokens, board.cost_usd, limits)
