"""How a plan reaches the launcher: steps of a name and arguments, as bytes.

The launcher starts with every confined program, so that this module and those that it uses import next to nothing:
json, typing and dataclasses together would take longer than all the namespaces.
"""

from __future__ import annotations

Step = tuple[str, ...]
"""A name of `launcher.Launcher`'s and its arguments. Numbers are decimal."""


def packed_steps(steps: list[Step]) -> bytes:
    """Each step as its count and then its words, each closed by a NUL. Raises ValueError for a word with a NUL."""
    words = [word for step in steps for word in (str(len(step)), *step)]
    if any("\0" in word for word in words):
        raise ValueError("a word of a plan holds a NUL")
    return "".join(f"{word}\0" for word in words).encode("utf-8", "surrogateescape")


def unpacked_steps(data: bytes) -> list[Step]:
    """What `packed_steps` was given."""
    words = iter(data.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return [tuple(next(words) for _ in range(int(count))) for count in words]
