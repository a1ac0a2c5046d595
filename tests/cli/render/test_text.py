"""Text from outside cannot drive the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.cli.render.text import call_text, clip, head, one_line, output_text, safe


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain", "plain"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("dos\r\nline", "dos\nline"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1;2q data\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1bcreset", "reset"),
        ("\x1b(0charset", "charset"),
        ("unfinished \x1b[31", "unfinished \\x1b[31"),
        ("unfinished \x1b]0;title", "unfinished \\x1b]0;title"),
        ("over\rwritten", "over\\x0dwritten"),
        ("back\x08space\x00nul\x7fdel", "back\\x08space\\x00nul\\x7fdel"),
        ("bidi \u202egnp.exe\u2066", "bidi \\u202egnp.exe\\u2066"),
        ("zero\ufeff width\u2028", "zero\\ufeff width\\u2028"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("ünï 日本 👩‍🚀", "ünï 日本 👩‍🚀"),
    ],
)
def test_controls_are_removed_or_shown(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


@given(st.text(st.characters(), max_size=200))
def test_no_control_but_tab_and_newline_is_ever_left(text: str) -> None:
    left = [char for char in safe(text) if unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n"]
    assert left == []


@given(st.text(st.characters(), max_size=200))
def test_safe_text_stays_as_it_is(text: str) -> None:
    once = safe(text)
    assert safe(once) == once


@given(st.text(max_size=200), st.integers(1, 50))
def test_one_line_is_one_line_of_at_most_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abc defg", 5) == "abc…"
    assert clip("abc", 0) == "…"


def test_a_call_reads_like_one() -> None:
    assert call_text("read_lines", {"path": "a b.md", "start": 1}) == 'read_lines(path="a b.md", start=1)'
    assert call_text("now", {}) == "now()"
    assert call_text("say", {"text": "\x1b[31mé\n"}) == 'say(text="\\u001b[31mé\\n")'


def test_a_long_argument_does_not_hide_the_others() -> None:
    assert call_text("write", {"text": "x" * 500, "to": "a"}, 60) == f'write(to="a", text="{"x" * 29}…")'


def test_a_call_in_full_is_not_cut() -> None:
    assert call_text("write", {"text": "x" * 500}, None) == f'write(text="{"x" * 500}")'


def test_a_result_is_text_or_json() -> None:
    assert output_text(None) == ""
    assert output_text("as it is") == "as it is"
    assert output_text({"name": "Zoë"}) == '{\n  "name": "Zoë"\n}'


def test_the_head_says_how_much_is_missing() -> None:
    assert head("a\nb\nc", 2) == ("a\nb", 1)
    assert head("a", 2) == ("a", 0)


def test_what_a_call_is_about_stands_before_its_long_values() -> None:
    text = call_text("create_file", {"content": "x" * 300, "overwrite": False, "path": "a.txt"}, 60)
    assert text.startswith('create_file(overwrite=false, path="a.txt", content="xxx')
