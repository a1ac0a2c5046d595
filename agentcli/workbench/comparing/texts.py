"""Two texts as what they share and what they do not, down to the words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import sqrt
from typing import Literal, TypeAlias

from agentcli.core.values import value
from agentcli.workbench.comparing.matching import Gap, compared

Op: TypeAlias = Literal["=", "-", "+"]
"""In both texts; in the first alone; in the second alone."""

_WORDS = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")
_WORD = re.compile(r"\w")

_MOST_LINES = 2000
"""Edits up to which lines are compared: about 0.4 s."""

_MOST_WORDS = 1000
"""Edits up to which words are compared: about 0.1 s."""

_KINSHIP = 0.3
"""The share of a changed stretch's words that must be in both, for the words to be told apart."""

_LONG = 3
"""Words of a shared stretch, on average, that are worth showing however little of the text they are."""


@value(frozen=True, slots=True)
class Piece:
    """A stretch of text, and in which of the two it stands."""

    op: Op
    text: str


@dataclass(frozen=True)
class TextDiff:
    """Two texts. What differs is found when it is asked for: much of a comparison may never be shown."""

    a: str
    b: str
    by: Literal["words", "lines"] = "words"

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """In order: those not `+` are the first text, those not `-` the second.

        Lines that have too little in common, or too many changes, are given whole also by words.
        """
        return tuple(_joined(_pieces(self.a, self.b, _by_words if self.by == "words" else _whole)))

    def to_json(self) -> list[list[str]]:
        """`[["=", "The port is "], ["-", "8080"], ["+", "9090"], ["=", "."]]`."""
        return [[piece.op, piece.text] for piece in self.pieces]


def _pieces(a: str, b: str, stretch: Callable[[str, str, int], list[Piece]]) -> Iterator[Piece]:
    left, right = _lines(a), _lines(b)
    parts = list(compared(left, right, _MOST_LINES))
    gaps = sum(isinstance(part, Gap) for part in parts)
    # The time grows with the square of the edits: many stretches may take no longer together than a single one.
    most = int(_MOST_WORDS / sqrt(gaps)) if gaps else 0
    for part in parts:
        if isinstance(part, Gap):
            yield from stretch("".join(left[part.a_from : part.a_to]), "".join(right[part.b_from : part.b_to]), most)
        else:
            yield Piece("=", "".join(left[part.a : part.a + part.size]))


def _whole(old: str, new: str, _most: int = 0) -> list[Piece]:
    return [Piece("-", old), Piece("+", new)]


def _lines(text: str) -> list[str]:
    """With their ends, split at newlines alone: joined they are the text."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _by_words(old: str, new: str, most: int) -> list[Piece]:
    """The words in both, and those in one; both whole where they are another text."""
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    if not _can_be_kin(left, right):
        return _whole(old, new)
    pieces, shared = [], []
    for part in compared(left, right, most):
        if isinstance(part, Gap):
            pieces += _whole("".join(left[part.a_from : part.a_to]), "".join(right[part.b_from : part.b_to]))
        else:
            words = left[part.a : part.a + part.size]
            shared.append(_count(words))
            pieces.append(Piece("=", "".join(words)))
    kin = _are_kin(shared, _count(left), _count(right))
    return _without_crumbs(pieces) if kin else _whole(old, new)


def _can_be_kin(left: list[str], right: list[str]) -> bool:
    """Whether enough words are in both, in whatever order: told in a fraction of the time."""
    words = Counter(word for word in left if _WORD.match(word))
    others = Counter(word for word in right if _WORD.match(word))
    return (words & others).total() >= _KINSHIP * min(words.total(), others.total())


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


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Between two shared stretches one piece of each text, the first's before the second's; no empty ones."""
    sides: dict[bool, tuple[Op, ...]] = {True: ("=",), False: ("-", "+")}
    for shared, group in groupby(pieces, key=lambda piece: piece.op == "="):
        stretch = list(group)
        for op in sides[shared]:
            text = "".join(piece.text for piece in stretch if piece.op == op)
            if text:
                yield Piece(op, text)
