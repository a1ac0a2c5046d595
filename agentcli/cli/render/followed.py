"""A run that is followed, line by line on standard output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Printer, json_line
from agentcli.cli.render.progress_lines import CALL_WIDTH, Narrator
from agentcli.cli.render.text import one_line
from agentcli.core.events import Event


@dataclass
class FollowedLines:
    """Prints events in the lines of `agentcli run`, or as JSON; `all_types` has one for every event."""

    out: Printer
    as_json: bool = False
    all_types: bool = False
    detail: bool = False
    _narrator: Narrator = field(init=False)

    def __post_init__(self) -> None:
        self._narrator = Narrator(self.out.glyphs, detail=self.detail, width=max(self.out.width or CALL_WIDTH, 40))

    def last(self, events: Iterable[Event], lines: int) -> None:
        """The last lines of what these events come to."""
        self._print(deque((line for event in events for line in self._lines(event)), lines))

    def all(self, events: Iterable[Event]) -> None:
        """Every line of what these events come to, as soon as each is there."""
        for event in events:
            self._print(self._lines(event))

    def _print(self, lines: Iterable[Line]) -> None:
        for text, styles in lines:
            self.out.line(self.out.style(text, *styles))
        self.out.flush()

    def _lines(self, event: Event) -> Iterator[Line]:
        if self.as_json:
            yield json_line(event.to_json()), ()
            return
        told = False
        for line in self._narrator.lines(event):
            told = True
            yield line
        if self.all_types and not told:
            text = f"{event.body.type} {json_line(event.body.to_json())}"
            yield one_line(text, self._narrator.width), ("dim",)
