"""What a live view may look like: a face draws the region at the bottom of the terminal, the sink puts it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Glyphs
from agentcli.core.events import Event

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

FRAMES_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Look:
    """How things look here. `now` is a clock in seconds that never steps."""

    glyphs: Glyphs
    styled: bool
    now: Callable[[], float]

    @property
    def dot(self) -> str:
        """What stands between the parts of a line."""
        return f" {self.glyphs.dot} "

    def frame(self) -> str:
        """The sign that turns, as it is now."""
        return self.glyphs.frames[int(self.now() * FRAMES_PER_SECOND) % len(self.glyphs.frames)]

    def text(self, line: str, style: str = "") -> Text:
        """One line, cut where it is too long."""
        from rich.text import Text

        return Text(line, style=style if self.styled else "", no_wrap=True, overflow="ellipsis")


class Face(Protocol):
    """One way of showing a run."""

    def take(self, event: Event) -> None:
        """Takes the event in; the next frame shows it."""

    def lines(self, event: Event) -> Iterator[Line]:
        """What this event leaves above the region, for good."""

    def draw(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The region as it is now."""
