"""Looking for texts that try to instruct: one pass over the text that almost every text ends with, in linear time.

RE2 runs one automaton for all phrases, so that neither their number nor a hostile text makes it slow. Only where it
finds something does a second look tell the places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, Final

from agentcli.core.flags import MOST_EXCERPT, MOST_FLAGS, Flag
from agentcli.engine.tripwire.phrases import phrases
from agentcli.engine.tripwire.views import BASE64, NEEDS_PLAIN, NEEDS_TAGS, decoded, hidden_views, plain_view

_MEMORY: Final = 64 << 20
"""Bytes that the automaton may take: with less it would be built anew over and over."""

_OF_ONE: Final = 3
"""Places at most that one phrase is told at."""

_LONGEST: Final = 400
"""Characters of a match at most: words further apart do not belong together."""

_VIEWS: Final = (NEEDS_PLAIN, NEEDS_TAGS, BASE64)
_PLAIN, _TAGS, _ENCODED = range(len(_VIEWS))
"""Their numbers in the automaton, where they come before the phrases."""

Clean = Callable[[str], str]
"""What a decoded text passes before any of it is kept: it may hold secrets that nobody could see before."""


def flags_in(text: str, clean: Clean = str) -> tuple[Flag, ...]:
    """The suspicious places of a text, in their order, at most `MOST_FLAGS`."""
    data = text.encode("utf-8", "replace")
    matching = _matching(data)
    found = [*_found(text, data, matching)]
    if _PLAIN in matching:
        plain = plain_view(text)
        found += (replace(flag, at=plain.at(flag.at)) for flag in _all(plain.text))
    if _TAGS in matching:
        for view in islice(hidden_views(text), MOST_FLAGS):
            told = clean(view.text)
            found.append(Flag("hidden-text", view.begin, _excerpt(told, 0)))
            found += (replace(flag, at=view.begin) for flag in _all(told))
    if _ENCODED in matching:
        found += islice(_encoded(data, clean), MOST_FLAGS)
    return _tidy(found)


def _tidy(found: list[Flag]) -> tuple[Flag, ...]:
    """Each kind once at each place, and the same words once: the plain view finds what the text itself shows too."""
    first: dict[tuple[str, int], Flag] = {}
    for flag in found:
        first.setdefault((flag.kind, flag.at), flag)
    return tuple(sorted(first.values(), key=lambda flag: flag.at)[:MOST_FLAGS])


def _encoded(data: bytes, clean: Clean) -> Iterator[Flag]:
    """Base64 of suspicious texts. Whatever it says, that it was encoded says more."""
    for match in _alone(BASE64).finditer(data):
        told = decoded(match.group(1))
        if told is not None and _says_more(told):
            at = _characters(data, match.start(1))
            yield from (replace(flag, kind="encoded", at=at) for flag in islice(_all(clean(told)), 1))


def _says_more(told: str) -> bool:
    return max(_matching(told.encode("utf-8", "replace")), default=0) >= len(_VIEWS)


def _all(text: str) -> Iterator[Flag]:
    data = text.encode("utf-8", "replace")
    return _found(text, data, _matching(data))


def _found(text: str, data: bytes, matching: Iterable[int]) -> Iterator[Flag]:
    for index in sorted(number - len(_VIEWS) for number in matching if number >= len(_VIEWS)):
        kind, phrase = phrases()[index]
        for match in islice(_alone(phrase).finditer(data), _OF_ONE):
            if match.end() - match.start() <= _LONGEST:
                at = _characters(data, match.start())
                yield Flag(kind, at, _excerpt(text, at))


def _matching(data: bytes) -> set[int]:
    return set(_gate().Match(data) or ())


def _characters(data: bytes, end: int) -> int:
    return len(data[:end].decode())


def _excerpt(text: str, at: int) -> str:
    return " ".join(text[at : at + MOST_EXCERPT].split())


def _options() -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, _MEMORY
    return options


@cache
def _gate() -> Any:
    """What views need and all phrases, in one automaton. Made when the first result comes."""
    import re2

    gate = re2.Set.SearchSet(_options())
    for expression in (*_VIEWS, *(phrase for _, phrase in phrases())):
        gate.Add(expression)
    gate.Compile()
    return gate


@cache
def _alone(expression: str) -> Any:
    """One of them by itself: most are never needed."""
    import re2

    return re2.compile(expression.encode(), _options())
