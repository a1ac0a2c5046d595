"""The phrases of `phrases.txt`, by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("phrases.txt")
_DEFINITION = re.compile(r"([A-Z]+) = (.+)")
_USE = re.compile("<([A-Z]+)>")


@cache
def phrases() -> tuple[tuple[str, str], ...]:
    """Kind and expression, in the order in which a place that fits several is named."""
    return tuple(_read(_FILE.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[tuple[str, str]]:
    kind, parts = "", {}
    for line in text.splitlines():
        if not line or line.startswith("# ") or line == "#":
            continue
        if line.startswith("[") and line.endswith("]") and line[1:-1].replace("-", "").isalpha():
            kind = line[1:-1]
        elif not kind and (found := _DEFINITION.fullmatch(line)):
            parts[found[1]] = found[2]
        else:
            yield kind, _USE.sub(lambda use: parts[use[1]], line)
