"""The face of one conversation: the answer as it is written, the calls that are under way, and a line of figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentcli.cli.render.lines import Line
from agentcli.cli.render.live_face import Look
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
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

TAIL_LINES = 10
TAIL_CHARS = 4000
"""Of a long answer only the end is shown while it grows."""


class TurnsFace:
    """See `Face`."""

    def __init__(self, look: Look, narrator: Narrator) -> None:
        self._look = look
        self._narrator = narrator
        self._begun = look.now()
        self._model = ""
        self._text = ""
        self._doing = "starting"
        self._turn = 0
        self._tokens = 0
        self._cost: float | None = 0.0

    def take(self, event: Event) -> None:
        """See `Face`."""
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

    def lines(self, event: Event) -> Iterator[Line]:
        """See `Face`."""
        return self._narrator.lines(event)

    def draw(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """See `Face`."""
        yield from self._tail(console, options.max_width, min(TAIL_LINES, max(options.size.height - 6, 2)))
        for started in list(self._narrator.calls.values()):
            call = call_text(started.tool, started.arguments, options.max_width - 4)
            yield self._look.text(f"{self._look.frame()} {call}", "cyan")
        yield self._look.text(clip(self._look.dot.join(self._figures()), options.max_width), "dim")

    def _tail(self, console: Console, width: int, lines: int) -> Iterator[Text]:
        from rich.text import Text

        if self._text:
            wrapped = Text(self._look.plain(safe(self._text[-TAIL_CHARS:]).strip("\n"))).wrap(console, width)
            yield from wrapped[-lines:]

    def _figures(self) -> Iterator[str]:
        yield f"{self._look.frame()} {duration(round(self._look.now() - self._begun, 1))}"
        yield "writing" if self._text else self._doing
        if self._turn:
            yield f"turn {self._turn}"
        if self._tokens:
            yield count(self._tokens, "token")
        if self._cost != 0:
            yield money(self._cost)
        if self._model:
            yield self._model
