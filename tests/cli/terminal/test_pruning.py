"""Pruning at a real terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal.tmux import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def test_the_question_waits_for_an_answer(isolated: Path) -> None:
    (isolated / "s.yaml").write_text("replies: [Hello.]\n")
    with Terminal(isolated) as terminal:
        terminal.run("run 'Hi' -m scripted:s.yaml")
        terminal.until("[0]")
        terminal.run("runs prune last")
        terminal.until("Prune?  [y]es  [n]o:")
        terminal.type("n", "Enter")
        terminal.until("Nothing was pruned.")
        terminal.run("runs prune last")
        terminal.until(lambda screen: screen.count("Prune?") == 2)
        terminal.type("", "C-c")
        terminal.until("[130]")
        terminal.run("runs prune last")
        terminal.until(lambda screen: screen.count("Prune?") == 3)
        terminal.type("y", "Enter")
        terminal.until("1 run was pruned; the journal takes")
