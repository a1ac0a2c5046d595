"""`--json`: one event a line on standard output."""

from __future__ import annotations

from agentcli.cli.render.printer import Printer
from agentcli.core.events import Event


class JsonSink:
    """Prints events as they happen. Where the reader has gone, the run goes on and nothing more is printed."""

    def __init__(self, out: Printer) -> None:
        self._out = out
        self.closed = False

    def handle(self, event: Event) -> None:
        """One line, flushed."""
        if self.closed:
            return
        try:
            self._out.json(event.to_json())
        except BrokenPipeError:
            self.closed = True
