"""What a live view may look like: a face draws the region at the bottom of the terminal, the sink puts it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import ASCII, Glyphs
from agentcli.cli.render.text import ELLIPSIS
from agentcli.core.events import Event
from agentcli.core.values import value

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

FRAMES_PER_SECOND = 10
LEAST_BAR, MOST_BAR = 10, 30


@value(frozen=True, slots=True)
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

    def bar(self, done: float, width: int) -> str:
        """How much is done, from 0 to 1, on a terminal of that width. It is never full before all is."""
        columns = min(max(width // 4, LEAST_BAR), MOST_BAR)
        filled = int(done * columns)
        full, empty = self.glyphs.bar
        return full * filled + empty * (columns - filled)

    def text(self, line: str, style: str = "") -> Text:
        """One line, cut where it is too long."""
        from rich.text import Text

        return Text(self.plain(line), style=style if self.styled else "", no_wrap=True, overflow="crop")

    def plain(self, text: str) -> str:
        """The text in characters that the terminal has. An escape in the place of one would be longer than that one."""
        if self.glyphs is not ASCII:
            return text
        return text.replace(ELLIPSIS, "~").encode("ascii", "replace").decode("ascii")


class Face(Protocol):
    """One way of showing a run."""

    def take(self, event: Event) -> None:
        """Takes the event in; the next frame shows it."""

    def lines(self, event: Event) -> Iterator[Line]:
        """What this event leaves above the region, for good."""

    def draw(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The region as it is now."""
