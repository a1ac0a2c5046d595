"""The forms of personal data: addresses of mail, numbers of phones, accounts and cards, IP addresses.

Forms are guesses; what can be checked (checksums, lengths) is. Names, birthdays and street addresses have no form.
Every search is linear: each start of a form is looked at once, over a bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from agentcli.journal.personal_checks import iban_length, is_card, is_iban, is_public_address

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

_SPACES: Final = " \u00a0\u2007\u2009\u202f"
_HYPHENS: Final = "\u2010-\u2013-"
BETWEEN: Final = f"[{_SPACES}{_HYPHENS}]"
"""What separates the groups of a number of an account or a card."""


# -- mail ------------------------------------------------------------------------------------------------------------

_AT: Final = re.compile(r"@|%40|&#0{0,4}64;|&#[xX]0{0,4}40;|&commat;|\\u0040|\\x40")
_LOCAL: Final = re.compile(r"\w[\w.+'-]*+\Z")
_MOST_LOCAL: Final = 64
_DOMAIN: Final = re.compile(r"(?:[^\W_][\w-]{0,62}\.){1,20}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})")


def _emails(text: str) -> Iterator[Span]:
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        local = _LOCAL.search(text[max(0, at.start() - _MOST_LOCAL) : at.start()]) if domain else None
        if domain is None or local is None:
            continue
        # `git@host:path` names a repository and nobody.
        if local[0] == "git" and text[domain.end() : domain.end() + 1] in (":", "/"):
            continue
        yield at.start() - len(local[0]), domain.end()


# -- phones ----------------------------------------------------------------------------------------------------------

SEP: Final = f"[{_SPACES}{_HYPHENS}./()]"
_INTERNATIONAL: Final = re.compile(
    rf"(?<![\w+])(?:(?:\+|%2[bB])(?={SEP}{{0,3}}[1-9])|00(?=[1-9]))(?:{SEP}{{0,3}}+\d{{1,15}}+){{1,8}}"
)
_GROUPS: Final = re.compile(r"\d+")
_SHORTEST, _LONGEST = 8, 15
"""Digits of a number with its country (E.164), without the 00."""

_NATIONAL: Final = re.compile(
    rf"""(?x) (?<![\w+]) (?<!\d[./-]) (?:
      (?:1{SEP})? (?: \([2-9]\d\d\)[{_SPACES}]?\d{{3}}[{_SPACES}.{_HYPHENS}]
                     | [2-9]\d\d(?P<sep>[{_SPACES}.{_HYPHENS}])\d{{3}}(?P=sep) ) \d{{4}}
      | (?!\d{{5}}-\d{{4}}(?!\d)) \(?0[1-9]\d{{1,4}}\)? (?:[{_SPACES}/{_HYPHENS}]{{1,3}}\d{{2,8}}){{1,4}}
      | 0[1-9](?:[{_SPACES}.{_HYPHENS}]?\d\d){{4}}
      | 0[1-9]\d{{8,10}}
    ) (?!\w) (?![./{_HYPHENS}]\d)"""
)
_NATIONAL_DIGITS: Final = range(9, 14)
_ALPHABET: Final = "0123456789"
"""All digits in their order: everybody writes that, and nobody has it."""

_LABEL: Final = r"(?i:\b(?:tel|telefono|telephone|téléphone|phone|mobile?|handy|fax|whatsapp)\w{0,8})"
_LABELLED: Final = re.compile(
    rf"""{_LABEL}["'\\]{{0,2}}\s{{0,3}}[.:=]{{1,2}}\s{{0,3}}["'\\]{{0,2}}(\d(?:{SEP}{{0,2}}+\d){{6,14}})(?!\w)"""
)


def _phones(text: str) -> Iterator[Span]:
    yield from _international(text)
    for found in _NATIONAL.finditer(text):
        if len("".join(_GROUPS.findall(found[0]))) in _NATIONAL_DIGITS and found[0] != _ALPHABET:
            yield found.span()
    for found in _LABELLED.finditer(text):
        yield found.span(1)


def _international(text: str) -> Iterator[Span]:
    """As many groups as a number may have: what follows it in digits is another one."""
    at = 0
    while found := _INTERNATIONAL.search(text, at):
        begin = found.start()
        at = begin + 1
        # The 00 is part of the first group, and of no number.
        size, end = (-2 if text[begin] == "0" else 0), begin
        first = begin + 3 if text.startswith("%", begin) else begin
        for group in _GROUPS.finditer(text, first, found.end()):
            if size + len(group[0]) > _LONGEST:
                break
            size, end = size + len(group[0]), group.end()
        if size >= _SHORTEST:
            yield begin, end
            at = end


# -- accounts and cards ----------------------------------------------------------------------------------------------

_IBAN: Final = re.compile(rf"(?<![^\W_])(?=([A-Za-z]{{2}}[0-9]{{2}}(?:{BETWEEN}?[A-Za-z0-9]){{11,30}}))")
_CARD: Final = re.compile(rf"(?<![^\W_])(?<!\d[.,])(?=(\d(?:{BETWEEN}?\d){{12,18}}))")


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        length, places = iban_length(found[1][:2].upper()), _places(found[1])
        if length is None or len(places) < length:
            continue
        end = found.start() + places[length - 1] + 1
        compact = "".join(found[1][place] for place in places[:length]).upper()
        if is_iban(compact) and not text[end : end + 1].isalnum():
            yield found.start(), end


def _cards(text: str) -> Iterator[Span]:
    for found in _CARD.finditer(text):
        places = _places(found[1])
        for count in range(len(places), 12, -1):
            end = found.start() + places[count - 1] + 1
            if text[end : end + 1].isalnum() or not _in_groups(text[found.start() : end]):
                continue
            if is_card("".join(str(int(found[1][place])) for place in places[:count])):
                yield found.start(), end
                break


def _in_groups(text: str) -> bool:
    """Whether digits are printed as on a card: fours, and what is left of them; or 4, 6 and the rest."""
    sizes = [len(group) for group in _GROUPS.findall(text)]
    return len(sizes) == 1 or sizes[:2] == [4, 6] or all(size == 4 for size in sizes[:-1])


def _places(text: str) -> list[int]:
    return [place for place, char in enumerate(text) if char.isalnum()]


# -- addresses -------------------------------------------------------------------------------------------------------

_IP: Final = re.compile(
    r"(?<![\w.:-])(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w-]|[.:]\w)"
)


def _addresses(text: str) -> Iterator[Span]:
    for found in _IP.finditer(text):
        if is_public_address(found[0]):
            yield found.span()


# -- all of them -----------------------------------------------------------------------------------------------------

FINDERS: Final[dict[str, Finder]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
"""By kind, in the order in which they are looked for: the more a form says, the earlier."""

WITH_SPACES: Final = frozenset(("iban", "card", "phone"))
_NEAR: Final = 64
_MAY_GO_ON: Final = re.compile(
    rf"(?:[\d+(]{SEP}{{0,6}}|%2[bB]|{_LABEL}[.:=]{{0,2}}"
    rf"|(?<![^\W_])[A-Za-z]{{2}}[0-9]{{2}}(?:{BETWEEN}?[A-Za-z0-9]){{0,30}})"
    rf"[{_SPACES}]*\Z"
)


def may_go_on(text: str, end: int) -> bool:
    """Whether the white space that ends at `end` may stand within one of the forms with spaces."""
    return _MAY_GO_ON.search(text[max(0, end - _NEAR) : end]) is not None
