"""The forms in which a secret travels: as it is, line by line, in URLs, in JSON, in HTML, in base64."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

_SHORTEST = 8
"""Characters that an encoded form must have: a shorter piece of base64 says nothing."""

_SHORTEST_LINE = 16
"""Characters of a line that is hidden by itself: shorter ones, such as a brace, stand elsewhere too."""


def encodings(value: str) -> Iterator[tuple[str, str]]:
    """Each form once, with what it adds to the secret's name. The value itself comes first."""
    seen = {""}
    for suffix, form in _forms(value):
        if form not in seen and (not suffix or len(form) >= _SHORTEST):
            seen.add(form)
            yield suffix, form


def _forms(value: str) -> Iterator[tuple[str, str]]:
    yield "", value
    # An odd value (a lone surrogate out of the environment) travels in no encoding.
    if value.encode("utf-8", "ignore").decode() != value:
        return
    yield from _escaped(value)
    yield from _base64(value.encode())
    for line in telling_lines(value):
        yield "_line", line


def telling_lines(value: str) -> Iterator[str]:
    """The lines of a text of several that give some of it away: a tool may number them, or show one alone."""
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----"))


def _escaped(value: str) -> Iterator[tuple[str, str]]:
    from html import escape
    from json import dumps
    from urllib.parse import quote, quote_plus

    yield "_json", dumps(value)[1:-1]
    yield "_json", dumps(value, ensure_ascii=False)[1:-1]
    for form in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield "_url", form
        yield "_url", re.sub(r"%..", lambda found: found[0].lower(), form)
    yield "_html", escape(value)


def _base64(data: bytes) -> Iterator[tuple[str, str]]:
    """By itself, and inside a longer text: what is sure of it, at each of the three places it can have in a group."""
    whole = b64encode(data).decode()
    for before in range(3):
        text = b64encode(bytes(before) + data).decode()
        core = text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        for form in (whole, core) if before == 0 else (core,):
            yield "_base64", form
            yield "_base64", form.replace("+", "-").replace("/", "_")
