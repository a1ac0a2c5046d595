"""Going through a recorded run at a real terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal.tmux import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def test_a_recorded_run_is_gone_through_step_by_step(isolated: Path) -> None:
    (isolated / "s.yaml").write_text("replies: [Hello.]\n")
    with Terminal(isolated) as terminal:
        terminal.run("run 'Hi' -m scripted:s.yaml")
        terminal.until("[0]")
        terminal.run("replay last --step")
        terminal.until("(1/5) >")
        terminal.type("find hello", "Enter")
        terminal.until("(4/5) >")
        terminal.type("result", "Enter")
        terminal.until("Hello.\n(4/5) >")
        terminal.type("", "C-d")
        terminal.until(lambda screen: screen.count("[0]") == 2)
