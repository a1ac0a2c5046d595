"""What is filled into templates, and the plain ones among them, which need no template engine.

Most texts of a workflow hold nothing but names, such as `{{ steps.draft.output }}`. What those come to is looked up
here; whatever else stands in an expression, and every name that is not found, is left to Jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from agentcli.core.canonical import Json
from agentcli.core.values import value

MAX_TEXT = 1_000_000
"""Characters of a rendered text, and of every text or list made on the way."""

CACHED = 4_096
"""Texts that are kept in the form that is used: they all come from files, whose sizes are bounded."""

FILTERS = frozenset(
    {
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "indent", "int",
        "items", "join", "last", "length", "links", "list", "lower", "map", "max", "min", "reject", "rejectattr",
        "replace", "reverse", "round", "select", "selectattr", "sort", "string", "striptags", "sum", "title", "tojson",
        "trim", "truncate", "unique", "upper", "wordcount",
    }
)  # fmt: skip
"""The filters that a template may use."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NAMES = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)((?:\s*\|\s*[A-Za-z_]\w*)*)\s*\}\}", re.ASCII)


def sanitised(value: Json) -> Json:
    """A value as it may stand in a prompt: its texts without control characters, all else as it is."""
    if isinstance(value, str):
        return _CONTROL.sub("", value)
    if isinstance(value, (list, tuple)):
        return [sanitised(item) for item in value]
    if isinstance(value, dict):
        return {sanitised(key): sanitised(item) for key, item in value.items()}
    return value


def printed(value: Any) -> Any:
    """What an expression puts into a text, before Jinja2 makes a text of it: nothing for null."""
    return "" if value is None else sanitised(value)


@value(frozen=True, slots=True)
class NameUse:
    """A name in a text: its words, the line (from 1) that it stands in, and whether filters follow it."""

    words: tuple[str, ...]
    line: int
    filtered: bool


@value(frozen=True, slots=True)
class NamesOnly:
    """A text whose expressions are names: the pieces between them, one more than there are names."""

    pieces: tuple[str, ...]
    names: tuple[NameUse, ...]


@lru_cache(CACHED)
def names_only(text: str) -> NamesOnly | None:
    """The parts of a text that holds nothing but names, maybe with filters that take nothing; None for any other."""
    if "\r" in text:
        return None
    pieces, names, line, end = [], [], 1, 0
    for found in _NAMES.finditer(text):
        pieces.append(text[end : found.start()])
        line += text.count("\n", end, found.start())
        end = found.end()
        words, filters = found.groups()
        if filters and not FILTERS.issuperset(word.strip() for word in filters.split("|")[1:]):
            return None
        names.append(NameUse(tuple(words.split(".")), line, bool(filters)))
        line += found.group().count("\n")
    pieces.append(text[end:])
    if any(_begins_expression(piece) for piece in pieces):
        return None
    return NamesOnly(tuple(pieces), tuple(names))


def _begins_expression(piece: str) -> bool:
    """Whether what stands between names begins another expression, a statement, or a bracket that changes the next."""
    return "{" in piece and ("{{" in piece or "{%" in piece or "{#" in piece or piece[-1] == "{")


_MISSING = object()


def _value_of(words: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    value: Any = values
    for word in words:
        if not (type(value) is dict or isinstance(value, Mapping)) or word not in value:
            return _MISSING
        value = value[word]
    return _MISSING if callable(value) else value


def filled(text: str, values: Mapping[str, Any]) -> str | None:
    """The text with its names filled in; None where that is not all there is to do, or does not succeed."""
    form = names_only(text)
    if form is None:
        return None
    parts, size = [form.pieces[0]], len(text)
    for name, piece in zip(form.names, form.pieces[1:], strict=True):
        value = _MISSING if name.filtered else _value_of(name.words, values)
        if value is _MISSING:
            return None
        word = str(printed(value))
        size += len(word)
        parts += (word, piece)
    return "".join(parts) if size <= MAX_TEXT else None


def looked_up(text: str, values: Mapping[str, Any]) -> tuple[Json] | None:
    """The value, in its own type, of a text that is one name; None for any other text, and where there is none."""
    form = names_only(text)
    if form is None or len(form.names) != 1 or form.names[0].filtered or any(map(str.strip, form.pieces)):
        return None
    value = _value_of(form.names[0].words, values)
    return None if value is _MISSING or not isinstance(value, _JSON) else (sanitised(value),)


_JSON = (str, int, float, list, tuple, dict, type(None))
