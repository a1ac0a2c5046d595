"""Walking JSON: changing its parts without copying what does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agentcli.core.canonical import Json
from agentcli.journal.patterns import names_secret


def mapped(value: Json, item: Callable[[Json], Json], named: Callable[[str, Json], Json]) -> Json:
    """A container with its parts replaced; the same object if none changed, and for what is no container."""
    if isinstance(value, dict):
        changed = {item(name): _of_pair(value, name, held, named) for name, held in value.items()}
        pairs = zip(changed.items(), value.items(), strict=False)
        unchanged = len(changed) == len(value) and all(a[0] is b[0] and a[1] is b[1] for a, b in pairs)
        return value if unchanged else changed
    if isinstance(value, (list, tuple)):
        return same([item(held) for held in value], value)
    return value


def _of_pair(holder: dict[str, Json], name: str, value: Json, named: Callable[[str, Json], Json]) -> Json:
    """`{"name": "Authorization", "value": ...}`: lists of headers and variables look so."""
    if name == "value":
        label = holder.get("name", holder.get("key"))
        name = label if isinstance(label, str) else name
    return named(name, value)


def same(changed: list[Json], value: Sequence[Json]) -> Json:
    """The old sequence where nothing changed, else the new one as the same type."""
    if all(new is old for new, old in zip(changed, value, strict=True)):
        return value
    return changed if isinstance(value, list) else tuple(changed)


def under_secret_names(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """The strings that stand under a key which says that they are secret, each with that key."""
    if isinstance(value, str):
        if name:
            yield name, value
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from under_secret_names(held, key if names_secret(key) and not isinstance(held, dict) else "")
    elif isinstance(value, (list, tuple)):
        for held in value:
            yield from under_secret_names(held, name)
