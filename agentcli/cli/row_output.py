"""Where the lines of `--each` go: to standard output, or into a file."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.cli.render.row_lines import RowLines
from agentcli.cli.session import Session
from agentcli.errors import UsageError, sentence

if TYPE_CHECKING:
    from io import TextIOWrapper


AT_ONCE = 20_000
"""Objects that may be left behind before the collector looks for those that hold each other: what a few hundred rows
leave. What was there before them lives on, and need not be gone over."""


@contextmanager
def many_runs() -> Iterator[None]:
    """Inside, this interpreter is set up for runs that come and go in great number."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(AT_ONCE, 5, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def row_output(session: Session, path: Path | None, source: str | None = None) -> Iterator[RowLines]:
    """What is told of rows. With `--json` standard output has the events alone.

    A file is emptied when the first row is written. Raises UsageError E-EACH-OUTPUT; at the end what writing raised.
    """
    if path is None:
        lines = RowLines(None if session.flags.json else _to_result(session), is_result=source is not None)
        yield lines
    else:
        with _opened(session, path, source) as file:
            lines = RowLines(_written_to(file), is_result=source is not None)
            yield lines
    if lines.error is not None:
        raise lines.error


def _to_result(session: Session) -> Callable[[Any], None]:
    """To standard output, as it is when a line is written: while a run is followed, that may be above what moves."""

    def write(value: Any) -> None:
        session.out.json(value)

    return write


def _opened(session: Session, path: Path, source: str | None) -> TextIOWrapper:
    place = session.path(path)
    try:
        if source is not None and place.exists() and place.samefile(session.path(source)):
            raise _unusable(path, "It is where the rows come from.")
        return place.open("a", encoding="utf-8")
    except OSError as error:
        raise _unusable(path, sentence(error.strerror or str(error))) from None


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError("E-EACH-OUTPUT", f"The rows cannot be written to {path}.", why=why, fix="Name another file.")


def _written_to(file: TextIOWrapper) -> Callable[[Any], None]:
    from agentcli.cli.render.printer import json_line, unwritable

    begun = False

    def write(value: Any) -> None:
        nonlocal begun
        try:
            if not begun:
                os.ftruncate(file.fileno(), 0)
                begun = True
            file.write(f"{json_line(value)}\n")
            file.flush()
        except OSError as error:
            raise unwritable(error) from error

    return write
