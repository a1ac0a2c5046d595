"""The live view of a run: a small region at the bottom of the terminal, on standard error, that leaves no trace.

What is over becomes a line above the region and stays. The answer is streamed here as it is written;
the command prints it on standard output when it is safe in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from threading import RLock
from typing import TYPE_CHECKING, Any

from agentcli.cli.render.lines import Line
from agentcli.cli.render.live_face import FRAMES_PER_SECOND, Face, Look
from agentcli.cli.render.live_turns import TurnsFace
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.progress_lines import Narrator
from agentcli.core.events import Event, RowsRead, RunStarted

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live


class _Above(StringIO):
    """A stream whose text goes above the region."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def write(self, text: str) -> int:
        """See `TextIO`."""
        self._write(text)
        return len(text)


class LiveSink:
    """Follows a run on a terminal, each kind of run with a face of its own.

    Use it as a context; `now` is a clock in seconds that never steps.
    """

    def __init__(
        self, err: Printer, *, environ: Any, detail: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.console import Console

        self._look = Look(err.glyphs, err.color, now)
        self._detail = detail
        self._console: Console = Console(
            file=err.stream,
            force_terminal=True,
            no_color=not err.color,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
            _environ=environ,
        )
        self._narrator = Narrator(err.glyphs, detail=detail, width=self._console.width)
        self._face: Face = TurnsFace(self._look, self._narrator)
        self._drawing = RLock()
        """Frames are drawn by a thread of their own."""
        self._drawn: list[int] = []
        self._waiting: list[Line] | None = None
        """Lines that are held back while a question is asked."""
        self._began: Event | None = None
        self._above = ""
        """What is to be written above the region with the next frame."""
        self._live = self._region()

    def _region(self) -> Live:
        from agentcli.cli.render.live_region import region

        return region(self, self._console, FRAMES_PER_SECOND, self._widths, self._write_above)

    def _widths(self) -> Sequence[int]:
        """How many columns each line of the last frame took."""
        return self._drawn

    def __enter__(self) -> LiveSink:
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The region is gone while this is open, so that a question can be asked; what happens meanwhile waits."""
        self._live.stop()
        held: list[Line] = []
        self._waiting = held
        try:
            yield
        finally:
            self._waiting = None
            self._live = self._region()  # the old one would begin where it ended, and take a line of the answer away
            self._live.start()
            self._print(held)

    def handle(self, event: Event) -> None:
        """Takes the event in; the next frame shows it."""
        self._choose(event)
        self._narrator.width = self._console.width
        with self._drawing:
            self._face.take(event)
        lines = list(self._face.lines(event))
        if self._waiting is not None:
            self._waiting += lines
        else:
            self._print(lines)

    def over(self, out: Printer) -> Printer:
        """A printer to the same terminal, whose text stands above the region from the next frame on."""
        return replace(out, stream=_Above(self._add_above))

    def _add_above(self, text: str) -> None:
        with self._drawing:
            self._above += text

    def _write_above(self) -> None:
        """A frame for every line would cost more than the lines: they come with the next one."""
        with self._drawing:
            text, self._above = self._above, ""
        if text:
            self._console.print(self._plain(text.removesuffix("\n")), soft_wrap=True)

    def _choose(self, event: Event) -> None:
        """The face of this kind of run. That there are rows is known when the first of them are read."""
        body = event.body
        if isinstance(body, RunStarted) and body.kind in ("workflow", "row"):
            from agentcli.cli.render.live_steps import StepsFace

            self._began = event
            self._face = StepsFace(self._look, self._narrator, detail=self._detail)
        elif isinstance(body, RowsRead) and self._began is not None:
            from agentcli.cli.render.live_rows import RowsFace

            self._narrator.rows.only_failures = True
            self._face = RowsFace(self._look, self._narrator, self._began)
            self._began = None

    def _print(self, lines: Sequence[Line]) -> None:
        for text, styles in lines:
            self._console.print(self._plain(text, " ".join(styles) if self._look.styled else ""))

    def _plain(self, text: str, style: str = "") -> Any:
        from rich.text import Text

        return Text(text, style=style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._drawing:
            drawn = list(self._face.draw(console, options))
        self._drawn = [line.cell_len for line in drawn]
        yield from drawn
