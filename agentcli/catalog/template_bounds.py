"""Operators and filters of templates that look at the size of what they would make, before they make it."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from jinja2.exceptions import SecurityError

from agentcli.catalog.template_values import MAX_TEXT, sanitised

MAX_ITERATIONS = 10_000
"""Loop iterations of one rendering, all loops together."""

_MAX_BITS = 4_096
_LINK = re.compile(r"https?://[^\s<>\"`{}|\\^\[\]]{1,2000}", re.IGNORECASE)
_PUNCTUATION = ".,;:!?'*_\u3001\u3002\uff0c\uff09\u300d\u201d\u2019"


def _bounded(size: int) -> None:
    if size > MAX_TEXT:
        raise SecurityError(f"It would make a text or list of {size} parts; at most {MAX_TEXT} are made.")


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, (str, list, tuple)) and isinstance(right, (str, list, tuple)):
        _bounded(len(left) + len(right))
    return left + right


def _multiply(left: Any, right: Any) -> Any:
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, (str, list, tuple)) and isinstance(count, int):
            _bounded(len(sequence) * max(count, 0))
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MAX_BITS:
        raise SecurityError("It would make a number too large to be meant.")
    return left * right


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _MAX_BITS:
        raise SecurityError("It would make a number too large to be meant.")
    return left**right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise SecurityError("Texts cannot be formatted with `%`; join them with `~`.")
    return left % right


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": operator.sub,
    "*": _multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": _remainder,
    "**": _power,
}


def concatenated(parts: Iterable[Any]) -> str:
    """What `a ~ b ~ c` gives."""
    texts = ["" if part is None else str(part) for part in parts]
    _bounded(sum(map(len, texts)))
    return "".join(texts)


def _join(items: Iterable[Any], separator: str = "") -> str:
    texts = [str(item) for item in items]
    _bounded(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _replace(text: Any, old: str, new: str) -> str:
    value = str(text)
    _bounded(len(value) + value.count(old) * len(new))
    return value.replace(old, new)


def _indent(text: str, width: int = 4, first: bool = False) -> str:
    lines = str(text).split("\n")
    _bounded(len(text) + max(width, 0) * len(lines))
    indented = [" " * width + line if line and (number or first) else line for number, line in enumerate(lines)]
    return "\n".join(indented)


def _to_json(value: Any) -> str:
    return json.dumps(sanitised(value), ensure_ascii=False, sort_keys=True)


def _round(value: float, precision: int = 0) -> float:
    return round(value, max(-20, min(precision, 20)))


def _sum(items: Iterable[Any]) -> Any:
    return sum(item for item in items if isinstance(item, (int, float)))


def _links(value: Any) -> list[str]:
    """The addresses that begin with http:// or https:// in a text, or in a list of texts: each once, in order."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    found = [_trimmed(link) for text in texts for link in _LINK.findall(str(text))]
    return [link for link in dict.fromkeys(found) if not link.endswith("//")]


def _trimmed(link: str) -> str:
    """Without the punctuation of the sentence around it: a bracket belongs to it where it was opened in it."""
    unopened = link.count(")") - link.count("(")
    while link[-1] in _PUNCTUATION or (link[-1] == ")" and unopened > 0):
        unopened -= link[-1] == ")"
        link = link[:-1]
    return link


BOUNDED_FILTERS: dict[str, Callable[..., Any]] = {
    "indent": _indent,
    "join": _join,
    "links": _links,
    "replace": _replace,
    "round": _round,
    "sum": _sum,
    "tojson": _to_json,
}
