"""A download on the screen."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.cli.environment import Environment
from agentcli.cli.render.download import download_view
from agentcli.cli.session import Flags, Session
from agentcli.providers.local.progress import Progress

TOTAL = 1_000_000


def story() -> Iterator[Progress]:
    yield Progress("m", "waiting", 0, TOTAL)
    yield Progress("m", "hub", 0, TOTAL)
    for done in range(0, 500_000, 10_000):
        yield Progress("m", "hub", done, TOTAL, 250_000.0)
    yield Progress("m", "index", 500_000, TOTAL)
    for done in range(500_000, TOTAL + 1, 10_000):
        yield Progress("m", "index", done, TOTAL, 250_000.0)
    yield Progress("m", "verifying", 0, TOTAL)
    yield Progress("m", "verifying", TOTAL, TOTAL, 9e9)
    yield Progress("m", "done", TOTAL, TOTAL)


def shown(*, terminal: bool, flags: Flags | None = None, columns: int = 100) -> str:
    err = io.StringIO()
    environ = {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "20", "NO_COLOR": "1"}
    env = Environment(io.StringIO(), io.StringIO(), err, environ, Path.cwd(), stderr_tty=terminal)
    with download_view(Session(env, flags or Flags())) as view:
        for progress in story():
            view.told(progress)
    return err.getvalue()


def test_a_log_gets_a_line_a_tenth() -> None:
    assert shown(terminal=False) == (
        "m: waiting for another download of it\n"
        "m: downloading from the model hub\n"
        "  10% of 1.0 MB, 250 kB/s, 3.6 s left\n"
        "  20% of 1.0 MB, 250 kB/s, 3.2 s left\n"
        "  30% of 1.0 MB, 250 kB/s, 2.8 s left\n"
        "  40% of 1.0 MB, 250 kB/s, 2.4 s left\n"
        "m: downloading from the package index\n"
        "  60% of 1.0 MB, 250 kB/s, 1.6 s left\n"
        "  70% of 1.0 MB, 250 kB/s, 1.2 s left\n"
        "  80% of 1.0 MB, 250 kB/s, 0.8 s left\n"
        "  90% of 1.0 MB, 250 kB/s, 0.4 s left\n"
        "  100% of 1.0 MB, 250 kB/s\n"
        "m: checking its SHA-256\n"
        "m: ready\n"
    )


def test_a_terminal_gets_a_bar_that_goes_when_it_is_over() -> None:
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(terminal=True))
    for phase in ("waiting for", "downloading from the model hub", "downloading from the package index", "checking"):
        assert phase in text
    assert "0.5/1.0 MB" in text
    assert text.endswith("m: ready\n")


def test_a_narrow_terminal_cuts_the_words_and_not_the_numbers() -> None:
    text = shown(terminal=True, columns=60)
    assert "0.5/1.0 MB" in text
    assert "downloading from the mo" in text


def test_a_download_that_is_stopped_in_a_hurry_gives_the_cursor_back() -> None:
    err = io.StringIO()
    env = Environment(io.StringIO(), io.StringIO(), err, {"TERM": "xterm"}, Path.cwd(), stderr_tty=True)
    with download_view(Session(env, Flags())) as view:
        view.told(Progress("m", "hub", 0, TOTAL))
        assert not err.getvalue().endswith("\x1b[?25h")
        view.restore()
        assert "\x1b[?25h" in err.getvalue()


@pytest.mark.parametrize("flags", [Flags(quiet=True), Flags(json=True)])
def test_scripts_see_nothing(flags: Flags) -> None:
    assert shown(terminal=True, flags=flags) == ""
