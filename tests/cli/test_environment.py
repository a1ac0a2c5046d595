"""The world around the command line."""

from __future__ import annotations

import io
import os
import pty
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.cli.environment import Environment
from agentcli.cli.render.printer import Color, printer_of


def environment(environ: dict[str, str], *, terminal: bool = False) -> Environment:
    stream = io.StringIO()
    return Environment(stream, stream, stream, environ, Path.cwd(), stdout_tty=terminal, stderr_tty=terminal)


def test_the_size_is_what_the_environment_says() -> None:
    assert environment({"COLUMNS": "60", "LINES": "20"}).size == (60, 20)
    assert environment({"COLUMNS": "60"}).size == (60, 24)
    assert environment({"COLUMNS": "wide", "LINES": "-1"}).size == (80, 24)
    assert environment({}, terminal=True).size == (80, 24)


def test_the_size_is_the_terminals_own() -> None:
    person, inner = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    with os.fdopen(inner, "w") as stream:
        assert replace(environment({}), stderr=stream, stderr_tty=True).size == (77, 33)
    os.close(person)


@pytest.mark.parametrize(
    ("environ", "terminal", "moves"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "CI": "true"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, True),
    ],
)
def test_only_a_real_terminal_is_animated(environ: dict[str, str], terminal: bool, moves: bool) -> None:
    assert environment(environ, terminal=terminal).can_animate is moves


@pytest.mark.parametrize(
    ("environ", "terminal", "color", "colored"),
    [
        ({"TERM": "xterm"}, True, "auto", True),
        ({"TERM": "xterm"}, False, "auto", False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, "auto", False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, "auto", True),
        ({"TERM": "dumb"}, True, "auto", False),
        ({"TERM": "dumb", "NO_COLOR": "1"}, False, "always", True),
        ({"TERM": "xterm"}, True, "never", False),
    ],
)
def test_colour_is_for_those_who_want_it(environ: dict[str, str], terminal: bool, color: Color, colored: bool) -> None:
    env = environment(environ, terminal=terminal)
    assert printer_of(env, env.stdout, terminal, color).color is colored


def test_a_stream_without_unicode_gets_plain_signs() -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    env = environment({})
    assert printer_of(env, ascii_only, True, "auto").glyphs.ok == "ok"
    assert printer_of(env, io.StringIO(), True, "auto").glyphs.ok == "✓"


def test_the_process_has_an_environment() -> None:
    env = Environment.of_process()
    assert env.cwd == Path.cwd()
    assert env.environ["TERM"] == "dumb"
