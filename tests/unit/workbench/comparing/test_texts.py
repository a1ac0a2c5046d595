"""Two texts, word by word."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.workbench.comparing.texts import TextDiff

texts = st.text(alphabet="ab \n.é", max_size=40)


@given(texts, texts, st.sampled_from(["words", "lines"]))
def test_the_pieces_are_both_texts(a: str, b: str, by: Any) -> None:
    pieces = TextDiff(a, b, by).pieces
    assert "".join(piece.text for piece in pieces if piece.op != "+") == a
    assert "".join(piece.text for piece in pieces if piece.op != "-") == b
    assert all(piece.text for piece in pieces)
    assert all(left.op != right.op for left, right in itertools.pairwise(pieces))


@pytest.mark.parametrize(
    ("a", "b", "pieces"),
    [
        ("same", "same", [["=", "same"]]),
        ("", "new", [["+", "new"]]),
        ("The port is 8080.", "The port is 9090.", [["=", "The port is "], ["-", "8080"], ["+", "9090"], ["=", "."]]),
        ("Hello Ann.", "Hello Bob!", [["=", "Hello "], ["-", "Ann."], ["+", "Bob!"]]),
        ("one two", "three four", [["-", "one two"], ["+", "three four"]]),
        ("a quick brown fox", "a slow red fox", [["=", "a "], ["-", "quick brown"], ["+", "slow red"], ["=", " fox"]]),
        ("top\nend", "top\nmid\nend", [["=", "top\n"], ["+", "mid\n"], ["=", "end"]]),
        ("It is so.", "It is so. " + "x " * 40, [["=", "It is so."], ["+", " " + "x " * 40]]),
    ],
)
def test_words_are_told_apart(a: str, b: str, pieces: list[list[str]]) -> None:
    assert TextDiff(a, b).to_json() == pieces


def test_by_lines_a_line_is_whole() -> None:
    pieces = TextDiff("a: 1\nb: 2\n", "a: 1\nb: 3\n", by="lines").to_json()
    assert pieces == [["=", "a: 1\n"], ["-", "b: 2\n"], ["+", "b: 3\n"]]


def test_few_words_scattered_over_a_long_text_are_not_shown() -> None:
    long = " ".join(f"w{n} the" if n % 40 == 0 else f"w{n}" for n in range(400))
    assert [piece.op for piece in TextDiff("the one the two the three", long).pieces] == ["-", "+"]


def test_large_texts_in_another_order_are_given_whole() -> None:
    words = [f"w{n % 3000}" for n in range(20_000)]
    shuffled = random.Random(1).sample(words, len(words))
    assert [piece.op for piece in TextDiff(" ".join(words), " ".join(shuffled)).pieces] == ["-", "+"]


def test_many_changed_lines_of_a_large_text_are_told_word_by_word() -> None:
    lines = [f"line {n} says the same as ever\n" for n in range(2000)]
    changed = [line.replace("ever", "never") if n % 3 == 0 else line for n, line in enumerate(lines)]
    pieces = TextDiff("".join(lines), "".join(changed)).to_json()
    assert ["-", "ever"] in pieces
    assert sum(len(text) for op, text in pieces if op == "-") == 4 * 667
