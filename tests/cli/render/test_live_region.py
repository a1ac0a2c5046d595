"""What is drawn again and again, on a terminal that changes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.live import Live

from agentcli.cli.render.live_region import region


@pytest.mark.parametrize(("before", "after", "erased"), [(120, 60, 3), (120, 40, 5), (60, 120, 0), (120, 120, 0)])
def test_a_narrower_terminal_has_all_of_the_last_frame_erased(before: int, after: int, erased: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=before, _environ={"TERM": "xterm"})
    shown = region("", console, 10, lambda: [119, 60, 61, 0, 62], lambda: None)
    plain = ups(console, shown)
    console.width = after
    assert ups(console, shown) == plain + erased


def ups(console: Console, shown: Live) -> int:
    """How many lines a frame goes up before it is drawn."""
    with console.capture() as capture:
        for one in shown.process_renderables([]):
            console.print(one)
    return capture.get().count("\x1b[1A")
