"""The region at the bottom of a terminal that is drawn again and again, also where the terminal becomes narrower."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleRenderable, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType

_UP = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))


class _Region(Live):
    """A terminal that becomes narrower breaks what stands on it into more lines: they are all to be erased."""

    drawn: Callable[[], Sequence[int]]
    first: Callable[[], None]
    columns: int | None = None

    def refresh(self) -> None:
        """Another frame."""
        self.first()
        super().refresh()

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What is to be written for a frame: go back to its first line, erase, draw."""
        columns, before, drawn = self.console.width, self.columns, self.drawn()
        self.columns = columns
        if before is None or columns >= before:
            return super().process_renderables(renderables)
        broken = sum((width - 1) // columns for width in drawn if width > columns)
        erase = Control((ControlType.ERASE_IN_LINE, 2), *(_UP * broken))
        return [erase, *super().process_renderables(renderables)]


def region(
    shown: RenderableType,
    console: Console,
    frames_per_second: int,
    drawn: Callable[[], Sequence[int]],
    first: Callable[[], None],
) -> Live:
    """A region that shows this. `drawn` tells how many columns each line took when it was drawn last; `first` prints
    what is to stand above it, before each frame.
    """
    made = _Region(
        shown,
        console=console,
        refresh_per_second=frames_per_second,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
    made.drawn = drawn
    made.first = first
    return made
