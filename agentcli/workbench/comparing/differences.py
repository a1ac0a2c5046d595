"""One thing that is not the same in two runs, and every such thing in two JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.workbench.comparing.matching import Gap, compared
from agentcli.workbench.comparing.texts import TextDiff

Change: TypeAlias = Literal["changed", "added", "removed", "reordered"]
"""The second run has another value; only the second has it; only the first has it; both have it in another order."""

TEXT = 60
"""Characters from which on two texts are compared by words; shorter ones are values."""

_DEEP = 40
"""Levels down to which values are taken apart; below, they are compared whole."""


@value(frozen=True, slots=True)
class Difference:
    """`aspect` is the field that differs, `path` the JSON path of the place in it, `name` that place for people.

    `a` and `b` are the two values (None where there is none), `text` how two long texts differ. `note` says what the
    values do not: that a content is not held any more, for one.
    """

    aspect: str
    path: str
    name: str
    change: Change
    a: Json = None
    b: Json = None
    text: TextDiff | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields; `text` and `note` are left out where there are none."""
        out = {
            "aspect": self.aspect,
            "path": self.path,
            "name": self.name,
            "change": self.change,
            "a": self.a,
            "b": self.b,
        }
        if self.text is not None:
            out["text"] = self.text.to_json()
        if self.note:
            out["note"] = self.note
        return out


@value(frozen=True, slots=True)
class Place:
    """Where in a value: `aspect` it is part of, its JSON path (RFC 9535, normalised), and its names from there on."""

    aspect: str
    path: str = "$"
    names: tuple[str, ...] = ()
    depth: int = 0

    def at(self, key: str | int, name: str = "") -> Place:
        """One level down; `name` is what people call it, where that is not the key."""
        step = f"['{_escaped(key)}']" if isinstance(key, str) else f"[{key}]"
        called = name or (key if isinstance(key, str) else "")
        return Place(self.aspect, self.path + step, (*self.names, called) if called else self.names, self.depth + 1)

    def differs(self, change: Change, a: Json, b: Json, text: TextDiff | None = None, note: str = "") -> Difference:
        """What differs here."""
        return Difference(self.aspect, self.path, " ".join(self.names), change, a, b, text, note)


def _escaped(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")


def differences(a: Json, b: Json, place: Place, *, prose: bool = False) -> Iterator[Difference]:
    """Every place where two JSON values differ. `prose` compares also short texts by words.

    Objects in a list that all have a name (or an id) are compared by it; other lists by what they have in common.
    """
    if isinstance(a, dict) and isinstance(b, dict) and place.depth < _DEEP:
        yield from _of_objects(a, b, place, prose)
    elif isinstance(a, list) and isinstance(b, list) and place.depth < _DEEP:
        yield from _of_lists(a, b, place, prose)
    elif isinstance(a, str) and isinstance(b, str):
        if a != b:
            yield place.differs("changed", a, b, TextDiff(a, b) if prose or _is_text(a) or _is_text(b) else None)
    elif not same(a, b):
        yield place.differs("changed", a, b)


def same(a: Json, b: Json) -> bool:
    """Whether two JSON values are one: true is not 1, and 1 is not 1.0."""
    return a is b or encoded(a) == encoded(b)


def encoded(value: Json) -> str:
    """A text that stands for the value; it takes any, also one that no run of ours would have recorded."""
    return json.dumps(value, sort_keys=True)


def _is_text(value: str) -> bool:
    return len(value) > TEXT or "\n" in value


def _of_objects(a: dict[str, Any], b: dict[str, Any], place: Place, prose: bool) -> Iterator[Difference]:
    for key in [*a, *(key for key in b if key not in a)]:
        there = place.at(key)
        if key not in b:
            yield there.differs("removed", a[key], None)
        elif key not in a:
            yield there.differs("added", None, b[key])
        else:
            yield from differences(a[key], b[key], there, prose=prose)


def _of_lists(a: list[Any], b: list[Any], place: Place, prose: bool) -> Iterator[Difference]:
    left, right = _by_name(a), _by_name(b)
    if left is not None and right is not None:
        yield from _of_named(left, right, place, prose)
        return
    for part in compared([encoded(item) for item in a], [encoded(item) for item in b]):
        if isinstance(part, Gap):
            yield from _of_gap(a, b, part, place, prose)


def _of_gap(a: list[Any], b: list[Any], gap: Gap, place: Place, prose: bool) -> Iterator[Difference]:
    """What stands at the same place of a gap is taken to have changed; the rest was left out, or put in."""
    both = min(gap.a_to - gap.a_from, gap.b_to - gap.b_from)
    for offset in range(both):
        yield from differences(
            a[gap.a_from + offset], b[gap.b_from + offset], place.at(gap.b_from + offset), prose=prose
        )
    for index in range(gap.a_from + both, gap.a_to):
        yield place.at(index).differs("removed", a[index], None)
    for index in range(gap.b_from + both, gap.b_to):
        yield place.at(index).differs("added", None, b[index])


Named: TypeAlias = dict[str, tuple[int, dict[str, Any]]]
"""Objects of a list by name, with their index."""


def _by_name(items: Sequence[Any]) -> Named | None:
    named: Named = {}
    for index, item in enumerate(items):
        name = (item.get("name") or item.get("id")) if isinstance(item, dict) else None
        if not isinstance(name, str) or name in named:
            return None
        named[name] = index, item
    return named


def _of_named(a: Named, b: Named, place: Place, prose: bool) -> Iterator[Difference]:
    """The names of the objects take the place of the list's: `agent deny` says as much as `layers agent deny`."""
    outer = replace(place, names=place.names[:-1])
    for name, (index, item) in a.items():
        if name not in b:
            yield outer.at(index, name).differs("removed", item, None)
        else:
            yield from differences(item, b[name][1], outer.at(b[name][0], name), prose=prose)
    for name, (index, item) in b.items():
        if name not in a:
            yield outer.at(index, name).differs("added", None, item)
    before, after = [name for name in a if name in b], [name for name in b if name in a]
    if before != after:
        yield place.differs("reordered", before, after)
