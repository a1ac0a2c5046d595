"""Personal data by the name that it stands under: a value of `phone` is one, whatever its form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agentcli.journal.personal_forms import BETWEEN, SEP

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST_WORDS: Final = {
    "email": frozenset(("email", "emails", "mail", "mails")),
    "iban": frozenset(("iban", "ibans")),
    "card": frozenset(("card", "cards", "pan")),
    "phone": frozenset(
        ("phone", "phones", "telephone", "tel", "telefon", "mobile", "cellphone", "handy", "fax", "whatsapp", "msisdn")
    ),
}
_AFTERTHOUGHTS: Final = frozenset(("number", "numbers", "no", "nr", "num", "address", "addresses"))
_MAY_BE: Final = {
    "email": re.compile(r"[^\s@<>]{1,64}+@[^\s@<>]{1,253}"),
    "iban": re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:{BETWEEN}?[A-Za-z0-9]){{8,30}}"),
    "card": re.compile(rf"[0-9](?:{BETWEEN}?[0-9]){{11,18}}"),
    "phone": re.compile(rf"[+(]?[0-9](?:{SEP}{{0,3}}+[0-9]){{4,14}}+(?i:[ ,;]*+(?:x|ext|ext\.|-)? ?[0-9]{{1,5}})?"),
}
"""What a value may look like where its name says what it is: no more is asked of it then."""


@lru_cache(maxsize=4096)
def kind_named(name: str, kinds: tuple[str, ...]) -> str | None:
    """The kind, of these, that a name says its value is; None for a name that says none."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and (words[-1] in _AFTERTHOUGHTS or words[-1].isdigit()):
        words.pop()
    return next((kind for kind in kinds if words and words[-1] in _LAST_WORDS.get(kind, ())), None)


def may_be(kind: str, value: object) -> bool:
    """Whether a value under such a name is one: also a short number, or one whose check digit is wrong."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return isinstance(value, str) and _MAY_BE[kind].fullmatch(value.strip()) is not None
