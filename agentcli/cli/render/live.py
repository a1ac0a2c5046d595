"""The live view of a run: a small region at the bottom of the terminal, on standard error, that leaves no trace.

What is over becomes a line above the region and stays. The answer is streamed here as it is written;
the command prints it on standard output when it is safe in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.progress_lines import Narrator
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.text import call_text, clip, one_line, safe
from agentcli.core.events import (
    Event,
    ModelCompleted,
    ModelDelta,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RunCompleted,
    RunStarted,
    TurnStarted,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_FRAMES = "|/-\\"
FRAMES_PER_SECOND = 10
TAIL_LINES = 10
TAIL_CHARS = 4000
"""Of a long answer only the end is shown while it grows."""


class LiveSink:
    """Follows a run on a terminal. Use it as a context; `now` is a clock in seconds that never steps."""

    def __init__(
        self, err: Printer, *, environ: Any, detail: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.console import Console

        self._now = now
        self._styled = err.color
        self._frames = FRAMES if err.glyphs.ok == "✓" else ASCII_FRAMES
        self._dot = f" {err.glyphs.dot} "
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
        self._live = self._region()
        self._begun = now()
        self._model = ""
        self._text = ""
        self._doing = "starting"
        self._turn = 0
        self._tokens = 0
        self._cost: float | None = 0.0

    def _region(self) -> Live:
        from rich.live import Live

        return Live(
            self,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> LiveSink:
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The region is gone while this is open, so that a question can be asked."""
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._region()  # the old one would begin where it ended, and take a line of the answer away
            self._live.start()

    def handle(self, event: Event) -> None:
        """Takes the event in; the next frame shows it."""
        self._narrator.width = self._console.width
        self._take(event)
        for text, styles in self._narrator.lines(event):
            self._print(text, " ".join(styles))

    def _print(self, text: str, style: str) -> None:
        from rich.text import Text

        self._console.print(Text(text, style=self._style(style)))

    def _style(self, style: str) -> str:
        return style if self._styled else ""

    def _take(self, event: Event) -> None:
        body = event.body
        if isinstance(body, ModelDelta):
            self._text += body.text
        elif isinstance(body, ModelStarted):
            self._text, self._doing = "", "waiting for the model"
        elif isinstance(body, ModelRetried | ModelFallback):
            self._text = ""
        elif isinstance(body, ModelCompleted):
            self._completed(body)
        elif isinstance(body, RunStarted):
            self._model = one_line(body.model or "")
        elif isinstance(body, TurnStarted):
            self._turn += 1
        elif isinstance(body, RunCompleted):
            self._doing = "done"

    def _completed(self, body: ModelCompleted) -> None:
        self._doing = "working"
        self._model = one_line(body.model)
        if body.message.tool_calls:
            self._text = ""
        self._tokens += body.usage.total
        self._cost = None if self._cost is None or body.cost_usd is None else self._cost + body.cost_usd

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._tail(console, options.max_width, min(TAIL_LINES, max(options.size.height - 6, 2)))
        yield from self._calls(options.max_width)
        yield self._footer(options.max_width)

    def _tail(self, console: Console, width: int, lines: int) -> Iterator[Any]:
        from rich.text import Text

        if self._text:
            wrapped = Text(safe(self._text[-TAIL_CHARS:]).strip("\n")).wrap(console, width)
            yield from wrapped[-lines:]

    def _calls(self, width: int) -> Iterator[Any]:
        from rich.text import Text

        for started in list(self._narrator.calls.values()):
            line = f"{self._frame()} {call_text(started.tool, started.arguments, width - 4)}"
            yield Text(line, style=self._style("cyan"), no_wrap=True, overflow="ellipsis")

    def _footer(self, width: int) -> Any:
        from rich.text import Text

        doing = "writing" if self._text else self._doing
        parts = [f"{self._frame()} {duration(round(self._now() - self._begun, 1))}", doing]
        if self._turn:
            parts.append(f"turn {self._turn}")
        if self._tokens:
            parts.append(count(self._tokens, "token"))
        if self._cost != 0:
            parts.append(money(self._cost))
        if self._model:
            parts.append(self._model)
        return Text(clip(self._dot.join(parts), width), style=self._style("dim"), no_wrap=True)

    def _frame(self) -> str:
        return self._frames[int(self._now() * FRAMES_PER_SECOND) % len(self._frames)]
