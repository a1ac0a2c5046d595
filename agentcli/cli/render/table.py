"""A table of plain text: aligned columns, no lines. On a narrow terminal the least important columns give way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.text import ELLIPSIS, safe
from agentcli.core.values import value

GAP = "  "


@value(frozen=True, slots=True)
class Column:
    """`right` aligns numbers. `least` is how narrow the column may be cut; None is never.

    Where cutting does not help, columns with the highest `drop` are left out first; 0 is never.
    """

    title: str
    right: bool = False
    least: int | None = None
    drop: int = 0


@value(frozen=True, slots=True)
class Cell:
    """Text and how it looks."""

    text: str
    styles: tuple[Style, ...] = ()


def print_table(out: Printer, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> None:
    """Header and rows. Nothing is cut or left out where the printer has no width."""
    cells = [[_safe(item if isinstance(item, Cell) else Cell(item)) for item in row] for row in rows]
    shown = list(range(len(columns)))
    widths = _natural_widths(columns, cells)
    if out.width is not None:
        shown = _columns_that_fit(columns, widths, out.width)
        _shrink(columns, widths, shown, out.width)
    table = [[Cell(column.title, ("bold",)) for column in columns], *cells]
    for row in table:
        _print_row(out, [columns[i] for i in shown], [row[i] for i in shown], [widths[i] for i in shown])


def _safe(cell: Cell) -> Cell:
    """Names come from files: nothing in a cell may command the terminal, or break the line."""
    return replace(cell, text=safe(cell.text).replace("\n", " ").replace("\t", " "))


def _natural_widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [
        max([display_width(column.title), *(display_width(row[index].text) for row in rows)])
        for index, column in enumerate(columns)
    ]


def _columns_that_fit(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    shown = list(range(len(columns)))
    least = [
        width if column.least is None else min(width, column.least)
        for column, width in zip(columns, widths, strict=True)
    ]
    while sum(least[i] for i in shown) + len(GAP) * (len(shown) - 1) > available:
        candidates = [i for i in shown if columns[i].drop]
        if not candidates:
            break
        shown.remove(max(candidates, key=lambda i: columns[i].drop))
    return shown


def _shrink(columns: Sequence[Column], widths: list[int], shown: Sequence[int], available: int) -> None:
    """Take what is too much from the columns that may be cut, always from the widest."""
    excess = sum(widths[i] for i in shown) + len(GAP) * (len(shown) - 1) - available
    while excess > 0:
        spare = [i for i in shown if widths[i] > (columns[i].least or widths[i])]
        if not spare:
            break
        widths[max(spare, key=lambda i: widths[i])] -= 1
        excess -= 1


def _print_row(out: Printer, columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int]) -> None:
    parts = []
    for index, (column, cell, width) in enumerate(zip(columns, row, widths, strict=True)):
        text = fit(cell.text, width)
        padding = " " * (width - display_width(text))
        shown = out.style(text, *cell.styles) if cell.styles else text
        last = index == len(columns) - 1
        parts.append(padding + shown if column.right else shown if last else shown + padding)
    out.line(GAP.join(parts).rstrip())


def fit(text: str, width: int) -> str:
    """At most `width` columns of the terminal, with an ellipsis where something was cut."""
    if display_width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, max(width - 1, 0)).rstrip() + ELLIPSIS


def display_width(text: str) -> int:
    """Columns that the text takes on a terminal: wide characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
