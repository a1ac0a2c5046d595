"""Tables fit the terminal, and are whole where there is none."""

from __future__ import annotations

import io
from dataclasses import replace

from agentcli.cli.render.printer import ASCII, UNICODE, Printer
from agentcli.cli.render.table import Cell, Column, display_width, fit, print_table

COLUMNS = (Column("ID"), Column("N", right=True, drop=1), Column("TEXT", least=6, drop=2))
ROWS = [["a1", "5", "some words of text"], [Cell("b22", ("bold",)), "10", "日本語"]]


def table(width: int | None, *, color: bool = False) -> str:
    out = Printer(io.StringIO(), terminal=True, color=color, width=width, glyphs=UNICODE)
    print_table(out, COLUMNS, ROWS)
    assert isinstance(out.stream, io.StringIO)
    return out.stream.getvalue()


def test_without_a_width_nothing_is_cut() -> None:
    assert table(None) == "ID    N  TEXT\na1    5  some words of text\nb22  10  日本語\n"


def test_a_narrow_terminal_cuts_what_may_be_cut() -> None:
    assert table(18) == "ID    N  TEXT\na1    5  some wor…\nb22  10  日本語\n"


def test_wide_characters_take_two_columns() -> None:
    assert table(15) == "ID    N  TEXT\na1    5  some…\nb22  10  日本語\n"
    assert display_width("日本語") == 6
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"


def test_a_very_narrow_terminal_drops_columns() -> None:
    assert table(12) == "ID    N\na1    5\nb22  10\n"
    assert table(4) == "ID\na1\nb22\n"
    assert table(1) == "ID\na1\nb22\n"


def test_styles_do_not_disturb_the_columns() -> None:
    assert table(None, color=True) == (
        "\x1b[1mID\x1b[0m    \x1b[1mN\x1b[0m  \x1b[1mTEXT\x1b[0m\n"
        "a1    5  some words of text\n"
        "\x1b[1mb22\x1b[0m  10  日本語\n"
    )


def test_a_terminal_without_unicode_gets_other_signs() -> None:
    printer = Printer(io.StringIO(), terminal=True, color=False, width=80, glyphs=UNICODE)
    assert replace(printer, glyphs=ASCII).glyphs.ok == "ok"
