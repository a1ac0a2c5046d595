"""Sizes as people type them: `500MB`, `1.5 GB`, `64KiB`."""

from __future__ import annotations

import re

from agentcli.errors import UsageError

_FACTORS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)(i?)b?", re.ASCII)


def size_of(text: str) -> int:
    """Bytes; units in powers of 1000, and of 1024 with an i. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip().lower())
    factor = None if found is None else (_BINARY.get(found[2]) if found[3] else _FACTORS[found[2]])
    if found is None or factor is None:
        raise UsageError(
            "E-USAGE-SIZE",
            f"`{text}` is not a size.",
            why="A size is a number of bytes with a unit: B, kB, MB, GB or TB; KiB, MiB, GiB or TiB.",
            fix="Write 500MB, 1.5GB or 64MiB.",
        )
    return int(float(found[1]) * factor)
