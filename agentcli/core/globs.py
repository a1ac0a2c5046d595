"""Glob patterns over paths and over plain text, matched in time bounded by pattern times text.

`*` stands for any part of a name, `**` for any number of folders, `?` for one character, `[a-z]` and `[!a-z]` for one
of a set, `{a,b}` for one of several; a backslash takes the next character as it is. No pattern backtracks further than
to its last star, so a hostile one costs no more than a long one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from agentcli.core.paths import fold
from agentcli.core.values import value

MAX_ALTERNATIVES = 64
"""How many patterns the braces of one pattern may spell out."""


class GlobError(ValueError):
    """The pattern cannot be read; the text says why."""


@value(frozen=True, slots=True)
class _Set:
    """One character out of ranges, or, negated, one out of the rest."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


class _Star:
    """Any number of characters; in place of a whole name, any number of names."""


class _One:
    """Any one character."""


_STAR: Final = _Star()
_ONE: Final = _One()
_Token: TypeAlias = str | _Set | _Star | _One
_Name: TypeAlias = tuple[_Token, ...] | _Star


@value(frozen=True, slots=True)
class PathGlob:
    """A pattern over workspace paths, given as their names. With `folded`, case and lookalike spellings match too."""

    text: str
    folded: bool
    _choices: tuple[tuple[_Name, ...], ...]

    @classmethod
    def parse(cls, text: str, *, folded: bool = False) -> PathGlob:
        """Read a pattern; `./` and empty names are dropped, a trailing `/` means all that is below.

        Raises GlobError, also for a pattern that holds `..`.
        """
        choices = []
        for choice in _spelled_out(text):
            names = [name for name in choice.split("/") if name not in ("", ".")]
            if ".." in names:
                raise GlobError("`..` leads out of the workspace")
            if choice.endswith("/"):
                names.append("**")
            choices.append(tuple(_STAR if name == "**" else _tokens(_fold(name, folded)) for name in names))
        return cls(text, folded, tuple(choices))

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether the whole path is meant."""
        names = [_fold(part, self.folded) for part in parts]
        return any(_matches(choice, names, _name_matches) for choice in self._choices)

    def may_hold(self, folder: Sequence[str]) -> bool:
        """Whether something below this folder could match."""
        names = [_fold(part, self.folded) for part in folder]
        return any(_leads_below(choice, names) for choice in self._choices)

    def literal_names(self) -> frozenset[str]:
        """The names that the pattern spells without any wildcard."""
        return frozenset(name for choice in self._choices for name in map(_literal, choice) if name is not None)

    def ends_literally(self) -> bool:
        """Whether the pattern's last name, in each of its alternatives, has no wildcard."""
        return all(choice and _literal(choice[-1]) is not None for choice in self._choices)


@value(frozen=True, slots=True)
class TextGlob:
    """A pattern over a whole text (a host, a command, a value): a star also passes slashes."""

    text: str
    folded: bool
    _choices: tuple[tuple[_Token, ...], ...]

    @classmethod
    def parse(cls, text: str, *, folded: bool = False) -> TextGlob:
        """Read a pattern. Raises GlobError."""
        choices = tuple(_tokens(choice.casefold() if folded else choice) for choice in _spelled_out(text))
        return cls(text, folded, choices)

    def matches(self, text: str) -> bool:
        """Whether the whole text is meant."""
        plain = text.casefold() if self.folded else text
        return any(_matches(choice, plain, _char_matches) for choice in self._choices)


def _fold(name: str, folded: bool) -> str:
    return fold(name) if folded else name


def _matches(tokens: Sequence[Any], items: Sequence[str], accepts: Callable[[Any, str], bool]) -> bool:
    """Match with stars, going back to the last star only: what an earlier star took can stay as short as it is."""
    at = item = 0
    star, taken = -1, 0
    while item < len(items):
        if at < len(tokens) and tokens[at] is _STAR:
            star, taken = at, item
            at += 1
        elif at < len(tokens) and accepts(tokens[at], items[item]):
            at, item = at + 1, item + 1
        elif star >= 0:
            taken += 1
            at, item = star + 1, taken
        else:
            return False
    return all(token is _STAR for token in tokens[at:])


def _name_matches(tokens: tuple[_Token, ...], name: str) -> bool:
    return _matches(tokens, name, _char_matches)


def _char_matches(token: _Token, char: str) -> bool:
    if isinstance(token, _Set):
        return token.holds(char)
    return token is _ONE or token == char


def _leads_below(choice: tuple[_Name, ...], folder: Sequence[str]) -> bool:
    for name, part in zip(choice, folder, strict=False):
        if isinstance(name, _Star):
            return True
        if not _name_matches(name, part):
            return False
    return len(choice) > len(folder)


def _literal(name: _Name) -> str | None:
    if isinstance(name, _Star) or not all(isinstance(token, str) for token in name):
        return None
    return "".join(str(token) for token in name)


def _tokens(text: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            if not tokens or tokens[-1] is not _STAR:
                tokens.append(_STAR)
        elif char == "?":
            tokens.append(_ONE)
        elif char == "[":
            found, at = _set(text, at)
            tokens.append(found)
        elif char == "\\" and at < len(text):
            tokens.append(text[at])
            at += 1
        else:
            tokens.append(char)
    return tuple(tokens)


def _set(text: str, at: int) -> tuple[_Set, int]:
    """The set whose `[` stands before `at`, and the place after its `]`. A `]` that comes first is a member."""
    negated = text[at : at + 1] in ("!", "^")
    start = at + negated
    end = text.find("]", start + 1)
    if end < 0:
        raise GlobError("a `[` has no `]`; write `\\[` for the character itself")
    members = text[start:end]
    ranges = []
    place = 0
    while place < len(members):
        low = high = members[place]
        if members[place + 1 : place + 2] == "-" and place + 2 < len(members):
            high = members[place + 2]
            place += 2
        if high < low:
            raise GlobError(f"the range `{low}-{high}` is the wrong way round")
        ranges.append((low, high))
        place += 1
    return _Set(tuple(ranges), negated), end + 1


def _spelled_out(text: str) -> tuple[str, ...]:
    """The patterns that the braces stand for, in order. Raises GlobError past MAX_ALTERNATIVES."""
    found: list[str] = []
    waiting = [text]
    while waiting:
        pattern = waiting.pop()
        group = next(_groups(pattern), None)
        if group is None:
            found.append(pattern)
        else:
            start, cuts = group
            ends = [start, *cuts]
            pieces = [pattern[low + 1 : high] for low, high in zip(ends, cuts, strict=False)]
            waiting.extend(pattern[:start] + piece + pattern[cuts[-1] + 1 :] for piece in reversed(pieces))
        if len(found) + len(waiting) > MAX_ALTERNATIVES:
            raise GlobError(f"its braces spell out more than {MAX_ALTERNATIVES} patterns")
    return tuple(found)


def _groups(text: str) -> Iterator[tuple[int, list[int]]]:
    """Each `{a,b}`, innermost and leftmost first: the place of its brace, and of its commas and closing brace."""
    opened: list[tuple[int, list[int]]] = []
    escaped = False
    for place, char in enumerate(text):
        if escaped or char == "\\":
            escaped = not escaped
        elif char == "{":
            opened.append((place, []))
        elif char == "," and opened:
            opened[-1][1].append(place)
        elif char == "}" and opened:
            start, commas = opened.pop()
            if commas:
                yield start, [*commas, place]
