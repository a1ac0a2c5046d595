"""The world around the command line: streams, terminal, environment, folder. Tests bring their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

FALLBACK_SIZE = (80, 24)
"""Columns and lines where nobody can tell."""


@dataclass(frozen=True)
class Environment:
    """What a process is given. Nothing in the command line looks at `sys` or `os.environ` itself."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    stdin_tty: bool = False
    stdout_tty: bool = False
    stderr_tty: bool = False
    platform: str = field(default=sys.platform)

    @classmethod
    def of_process(cls) -> Environment:
        """The real one. A character that a stream cannot encode is written as an escape, never as an error."""
        # In this order: each takes the number that is free, so that no file of ours is ever written to as an output.
        sys.stdin, sys.stdout, sys.stderr = _open(sys.stdin, "r"), _open(sys.stdout, "w"), _open(sys.stderr, "w")
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")
        return cls(
            stdin=sys.stdin,
            stdout=sys.stdout,
            stderr=sys.stderr,
            environ=os.environ,
            cwd=Path.cwd(),
            stdin_tty=_is_terminal(sys.stdin),
            stdout_tty=_is_terminal(sys.stdout),
            stderr_tty=_is_terminal(sys.stderr),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines: `COLUMNS` and `LINES`, else the terminal's own, else 80 by 24."""
        columns, lines = _positive(self.environ.get("COLUMNS")), _positive(self.environ.get("LINES"))
        if columns and lines:
            return columns, lines
        real = self._terminal_size()
        return columns or real[0], lines or real[1]

    @property
    def can_animate(self) -> bool:
        """Whether standard error can be redrawn: a terminal with a cursor, and no build machine's log."""
        return self.stderr_tty and not self.dumb and not self.environ.get("CI")

    @property
    def dumb(self) -> bool:
        """Whether the terminal only prints."""
        return self.environ.get("TERM", "dumb") in ("dumb", "unknown")

    def _terminal_size(self) -> tuple[int, int]:
        for stream, terminal in (
            (self.stderr, self.stderr_tty),
            (self.stdout, self.stdout_tty),
            (self.stdin, self.stdin_tty),
        ):
            if terminal:
                try:
                    size = os.get_terminal_size(stream.fileno())
                except (OSError, ValueError):
                    continue
                if size.columns and size.lines:
                    return size.columns, size.lines
        return FALLBACK_SIZE


def _open(stream: TextIO | None, mode: str) -> TextIO:
    """The stream, or nowhere: None is one that was closed before we began (`<&-`, `>&-`)."""
    return cast("TextIO", Path(os.devnull).open(mode, encoding="utf-8")) if stream is None else stream


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed by whoever started us
        return False


def _positive(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
