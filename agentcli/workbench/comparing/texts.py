"""Two texts as what they share and what they do not, down to the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from typing import Literal, TypeAlias

from agentcli.workbench.comparing.matching import MOST_EDITS, Gap, compared

Op: TypeAlias = Literal["=", "-", "+"]
"""In both texts; in the first alone; in the second alone."""

_WORDS = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")
_WORD = re.compile(r"\w")

_MOST_LINES = 2000
"""Lines left out and put in up to which lines are compared: about 0.3 s."""

_KINSHIP = 0.3
"""The share of a changed stretch's words that must be in both, for the words to be told apart."""

_LONG = 3
"""Words of a shared stretch, on average, that are worth showing however little of the text they are."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and in which of the two it stands."""

    op: Op
    text: str


@dataclass(frozen=True, slots=True)
class TextDiff:
    """Pieces in order: those not `+` are the first text, those not `-` the second. No two neighbours are alike."""

    pieces: tuple[Piece, ...]

    def to_json(self) -> list[list[str]]:
        """`[["=", "The port is "], ["-", "8080"], ["+", "9090"], ["=", "."]]`."""
        return [[piece.op, piece.text] for piece in self.pieces]


def diff_texts(a: str, b: str, by: Literal["words", "lines"] = "words") -> TextDiff:
    """What differs. Lines that have too little in common, or too many changes, are given whole also by words."""
    left, right = _lines(a), _lines(b)
    parts = list(compared(left, right, _MOST_LINES))
    gaps = sum(isinstance(part, Gap) for part in parts)
    # The time grows with the square of the edits: many stretches may take no longer together than a single one.
    most = int(MOST_EDITS / sqrt(gaps)) if gaps else 0
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, Gap):
            old, new = "".join(left[part.a_from : part.a_to]), "".join(right[part.b_from : part.b_to])
            pieces += (_by_words(old, new, most) if by == "words" else None) or [Piece("-", old), Piece("+", new)]
        else:
            pieces.append(Piece("=", "".join(left[part.a : part.a + part.size])))
    return TextDiff(tuple(_joined(pieces)))


def _lines(text: str) -> list[str]:
    """With their ends, split at newlines alone: joined they are the text."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _by_words(old: str, new: str, most: int) -> list[Piece] | None:
    """The words in both, and those in one; None where they are another text."""
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    pieces, shared = [], []
    for part in compared(left, right, most):
        if isinstance(part, Gap):
            pieces.append(Piece("-", "".join(left[part.a_from : part.a_to])))
            pieces.append(Piece("+", "".join(right[part.b_from : part.b_to])))
        else:
            words = left[part.a : part.a + part.size]
            shared.append(_count(words))
            pieces.append(Piece("=", "".join(words)))
    return _without_crumbs(pieces) if _are_kin(shared, _count(left), _count(right)) else None


def _count(words: list[str]) -> int:
    return sum(1 for word in words if _WORD.match(word))


def _are_kin(shared: list[int], left: int, right: int) -> bool:
    """Whether it helps to see the shared stretches (by their words): they are much of both, or few and long."""
    words = sum(shared)
    much = words >= _KINSHIP * max(left, right)
    long = words >= _KINSHIP * min(left, right) and words >= _LONG * len(shared)
    return words > 0 and (much or long)


def _without_crumbs(pieces: list[Piece]) -> list[Piece]:
    """Blanks and signs between two changes belong to them: `[-quick fox-]` reads better than `[-quick-] [-fox-]`."""
    out: list[Piece] = []
    for index, piece in enumerate(pieces):
        inside = 0 < index < len(pieces) - 1
        if piece.op == "=" and inside and not _WORD.search(piece.text) and "\n" not in piece.text:
            out += [Piece("-", piece.text), Piece("+", piece.text)]
        else:
            out.append(piece)
    return out


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """Between two shared stretches one piece of each text, the first's before the second's; no empty ones."""
    sides: dict[bool, tuple[Op, ...]] = {True: ("=",), False: ("-", "+")}
    for shared, group in groupby(pieces, key=lambda piece: piece.op == "="):
        stretch = list(group)
        for op in sides[shared]:
            text = "".join(piece.text for piece in stretch if piece.op == op)
            if text:
                yield Piece(op, text)
