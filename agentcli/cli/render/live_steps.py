"""The face of a workflow: a table of its steps, what one of them is writing, how far all is, and what it has used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentcli.cli.render.figures import progress, used
from agentcli.cli.render.lines import Line
from agentcli.cli.render.live_face import Look
from agentcli.cli.render.progress_lines import Narrator
from agentcli.cli.render.quantity import count, duration
from agentcli.cli.render.step_board import Board
from agentcli.cli.render.step_table import StepTable
from agentcli.cli.render.table import display_width, fit
from agentcli.cli.render.text import one_line
from agentcli.core.events import (
    Event,
    LimitReached,
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    StepFailed,
    StepRetried,
    Warned,
)
from agentcli.core.places import place_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

TOLD = (RunStarted, RunResumed, RunForked, StepFailed, StepRetried, ModelRetried, ModelFallback, LimitReached, Warned)
"""What is worth a line that stays; the table shows the rest."""

BESIDE_TABLE = 5
"""Lines of the terminal that are not the table's: what is written, two of figures, and the end of what came before."""
FINAL_ROWS = 50
"""So many rows stay on the screen when all is over."""
TAIL_CHARS = 400


class StepsFace:
    """See `Face`. `detail` leaves every line there is above the table."""

    def __init__(self, look: Look, narrator: Narrator, *, detail: bool = False) -> None:
        self._look = look
        self._narrator = narrator
        self._detail = detail
        self._board = Board()
        self._table = StepTable(look.glyphs)
        self._said = Writing()
        self._at = look.now()
        self._over = False

    def take(self, event: Event) -> None:
        """See `Face`."""
        self._board.take(event)
        self._said.take(event)
        self._at = self._look.now()
        self._over = self._over or isinstance(event.body, RunCompleted)

    def lines(self, event: Event) -> Iterator[Line]:
        """See `Face`."""
        told = list(self._narrator.lines(event))
        if isinstance(event.body, RunCompleted):
            yield from self._table.lines(self._board, FINAL_ROWS, self._narrator.width, self._seconds)
        elif self._detail or isinstance(event.body, TOLD):
            yield from told

    @property
    def _seconds(self) -> float:
        """The run's own time now."""
        return self._board.seconds + (0.0 if self._over else self._look.now() - self._at)

    def draw(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """See `Face`."""
        if self._over:
            return
        width, room, look = options.max_width, max(options.size.height - BESIDE_TABLE, 3), self._look
        for text, styles in self._table.lines(self._board, room, width, self._seconds, look.frame()):
            yield look.text(text, " ".join(styles))
        yield look.text(self._said.line(width), "dim")
        yield look.text(self._progress(width))
        yield look.text(fit(look.dot.join(self._figures()), width), "dim")

    def _progress(self, width: int) -> str:
        board = self._board
        over, steps = board.steps
        far, seconds = f"{count(over)} of {count(steps, 'step')}", self._seconds
        parts = progress(far, board.rate(seconds), board.left(seconds))
        return fit(f"{self._look.bar(board.done, width)}  {self._look.dot.join(parts)}", width)

    def _figures(self) -> Iterator[str]:
        board, limits = self._board, self._board.limits
        seconds = duration(round(self._seconds, 1))
        yield f"{self._look.frame()} {seconds}" + (f" of {duration(limits['seconds'])}" if "seconds" in limits else "")
        yield from used(board.tokens, board.cost_usd, limits)


class Writing:
    """What one of the steps is writing. It stays with that one until its answer is whole, so that it can be read."""

    def __init__(self) -> None:
        self._lane = ""
        self._text = ""

    def take(self, event: Event) -> None:
        """The event happened."""
        body = event.body
        if isinstance(body, ModelDelta):
            if not self._text:
                self._lane = event.lane
            if event.lane == self._lane:
                self._text = (self._text + body.text)[-TAIL_CHARS:]
        elif event.lane == self._lane and isinstance(body, ModelCompleted | ModelRetried | ModelFallback | ModelFailed):
            self._text = ""

    def line(self, width: int) -> str:
        """The end of it, in one line, behind the step's name."""
        if not self._text:
            return ""
        head = f"{fit(one_line(place_text(self._lane)), width // 3)}: "
        return head + _end(one_line(self._text), width - display_width(head))


def _end(text: str, width: int) -> str:
    """The last `width` columns of a text."""
    if display_width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return "…" + set_cell_size(text[::-1], max(width - 1, 0))[::-1].lstrip()
