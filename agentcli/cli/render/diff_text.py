"""How two texts differ, as lines for people: `-` and `+` for whole lines, `[-old-]{+new+}` for words in a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.quantity import count
from agentcli.cli.render.table import display_width
from agentcli.cli.render.text import ELLIPSIS, safe
from agentcli.core.values import value
from agentcli.workbench.comparing.texts import Op, Piece, TextDiff

CONTEXT = 1
"""Unchanged lines shown around a change."""

MOST_LINES = 24
"""Lines of one text that are shown where not all are asked for."""

_AROUND = 60
"""Characters shown of what is the same on either side of a change in a line, and of a long change."""

Mark: TypeAlias = Literal[" ", "-", "+", "~"]

_STYLE: dict[Op, tuple[Style, ...]] = {"=": (), "-": ("red",), "+": ("green",)}
_MARK_STYLE: dict[Mark, tuple[Style, ...]] = {"-": ("red",), "+": ("green",), "~": ("yellow",)}
_BRACKETS: dict[Op, tuple[str, str]] = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
_WORDS = re.compile(r"\s*\S+|\s+$")


@value(frozen=True, slots=True)
class Row:
    """A line: whether it is in both texts, in one, or in both with other words; and its pieces."""

    mark: Mark
    pieces: tuple[Piece, ...]


def print_text(out: Printer, diff: TextDiff, indent: int, *, full: bool) -> None:
    """The lines that differ, with a little around them; all of them where the whole is asked for."""
    rows = rows_of(diff)
    lines = list(_shown(rows, len(rows) if full else CONTEXT))
    most = len(lines) if full else MOST_LINES
    for row in lines[:most]:
        if isinstance(row, int):
            out.line(" " * indent + out.style(f"{ELLIPSIS} {count(row, 'line')} the same", "dim"))
        else:
            _print_row(out, row, indent, full)
    if len(lines) > most:
        rest = f"{ELLIPSIS} {count(len(lines) - most, 'more line')}: --full shows them"
        out.line(" " * indent + out.style(rest, "dim"))


def rows_of(diff: TextDiff) -> list[Row]:
    """The pieces, line by line."""
    rows: list[Row] = []
    line: list[Piece] = []
    for piece in diff.pieces:
        *ended, rest = safe(piece.text).split("\n")
        for text in ended:
            rows += _rows_of_line([*line, Piece(piece.op, text)])
            line = []
        if rest:
            line.append(Piece(piece.op, rest))
    return [*rows, *(_rows_of_line(line) if line else ())]


def _rows_of_line(line: Sequence[Piece]) -> Iterator[Row]:
    """One row; two where nothing in the line is in both texts."""
    found = {piece.op for piece in line}
    pieces = tuple(piece for piece in line if piece.text)
    if found == {"="}:
        yield Row(" ", pieces)
    elif any(piece.op == "=" for piece in pieces):
        yield Row("~", tuple(piece if piece.text else Piece(piece.op, "\\n") for piece in line if _tells(piece)))
    else:
        for op in ("-", "+"):
            if op in found:
                yield Row(op, tuple(piece for piece in pieces if piece.op == op))


def _tells(piece: Piece) -> bool:
    return bool(piece.text) or piece.op != "="


def _shown(rows: Sequence[Row], context: int) -> Iterator[Row | int]:
    """The rows that differ and those around them; in place of others their number."""
    changed = [index for index, row in enumerate(rows) if row.mark != " "]
    near = {index for at in changed for index in range(at - context, at + context + 1)}
    hidden = 0
    for index, row in enumerate(rows):
        if index in near:
            if hidden:
                yield hidden
            hidden = 0
            yield row
        else:
            hidden += 1
    if hidden:
        yield hidden


def _print_row(out: Printer, row: Row, indent: int, full: bool) -> None:
    pieces = row.pieces if full else tuple(_shortened(row.pieces))
    marked = row.mark == "~"
    words = [
        (text, piece.op)
        for piece in pieces
        for text in _WORDS.findall(_bracketed(piece) if marked else piece.text) or [piece.text]
    ]
    width = None if out.width is None else max(out.width - indent - 2, 20)
    for number, line in enumerate(_folded(words, width)):
        mark = " " if number or row.mark == " " else out.style(row.mark, *_MARK_STYLE[row.mark])
        text = "".join(painted(out, text, _style(row.mark, op)) for text, op in _merged(line))
        out.line(f"{' ' * indent}{mark} {text}".rstrip())


def _merged(line: Sequence[tuple[str, Op]]) -> Iterator[tuple[str, Op]]:
    for op, words in groupby(line, key=lambda word: word[1]):
        yield "".join(text for text, _ in words), op


def painted(out: Printer, text: str, styles: tuple[Style, ...]) -> str:
    """The text in these styles, or as it is where there are none."""
    return out.style(text, *styles) if styles else text


def _style(mark: Mark, op: Op) -> tuple[Style, ...]:
    return ("dim",) if mark == " " else _STYLE[op]


def _bracketed(piece: Piece) -> str:
    before, after = _BRACKETS[piece.op]
    return f"{before}{piece.text}{after}"


def _shortened(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Pieces without their middles; of what is the same at the ends of the line, the part beside the change."""
    for index, piece in enumerate(pieces):
        text, last = piece.text, index == len(pieces) - 1
        if len(text) <= 2 * _AROUND or (piece.op == "=" and len(pieces) == 1 and len(text) <= 3 * _AROUND):
            yield piece
        elif piece.op != "=" or (index and not last):
            yield Piece(piece.op, f"{text[:_AROUND]} {ELLIPSIS} {text[-_AROUND:]}")
        elif last:
            yield Piece("=", f"{text[: 2 * _AROUND]}{ELLIPSIS}")
        else:
            yield Piece("=", f"{ELLIPSIS}{text[-2 * _AROUND :]}")


def _folded(words: Sequence[tuple[str, Op]], width: int | None) -> list[list[tuple[str, Op]]]:
    """Lines of at most `width` columns, broken before a word; a word that is longer is broken anywhere."""
    if width is None:
        return [list(words)]
    lines: list[list[tuple[str, Op]]] = [[]]
    used = 0
    for word, op in words:
        for part in _cut(word, width):
            wraps = used and used + display_width(part) > width
            if wraps:
                lines.append([])
                used = 0
            text = part.lstrip() if wraps else part
            lines[-1].append((text, op))
            used += display_width(text)
    return lines


def _cut(word: str, width: int) -> list[str]:
    if display_width(word) <= width:
        return [word]
    from rich.cells import chop_cells

    return chop_cells(word, width)
