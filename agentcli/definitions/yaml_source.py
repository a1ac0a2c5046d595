"""YAML text to data, with the place of everything in it.

Stricter than YAML where a definition file profits: keys are texts and may not repeat, there are no custom tags and no
merge keys, plain scalars follow the core schema of YAML 1.2, and sizes are bounded, aliases by what they expand to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import yaml

from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.definitions.problems import Problems
from agentcli.definitions.scalars import resolve
from agentcli.definitions.syntax import report_syntax, unprintable

MAX_BYTES = 4 << 20
MAX_DEPTH = 40
MAX_NODES = 250_000
"""Values in one file, an alias counted as all that it stands for."""

Path: TypeAlias = tuple[str | int, ...]
Style: TypeAlias = Literal["plain", "quoted", "block", "collection"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "seq", "map")}
_CUT = re.compile(r" #|[ \t]+#[^\s]")


@dataclass(slots=True)
class Spot:
    """Where a value stands. `start` and `end` index the file's text; lines and columns count from 1.

    `cut` is true for a plain scalar that a ` #` ends although the rest may have been meant as text.
    """

    line: int
    column: int
    start: int
    end: int
    style: Style = "collection"
    cut: bool = False
    size: int = 1
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    items: dict[str | int, Spot] = field(default_factory=dict)


@value(frozen=True, slots=True)
class Source:
    """A definition file as read: its text, its data, and where each value of the data stands."""

    file: str
    text: str
    data: Json
    root: Spot
    has_cut: bool = True
    """Whether any value may be `cut`; false spares looking."""

    def spot(self, path: Path) -> Spot:
        """The value at `path`, or the nearest one around it."""
        spot = self.root
        for part in self.known(path):
            spot = spot.items[part]
        return spot

    def known(self, path: Path) -> Path:
        """The longest beginning of `path` that the file has: checks may look deeper than what was written."""
        spot = self.root
        for depth, part in enumerate(path):
            if part not in spot.items:
                return path[:depth]
            spot = spot.items[part]
        return path

    def where(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at `path`, or of the nearest one around it."""
        spot = self.spot(path)
        return spot.line, spot.column

    def where_key(self, path: Path) -> tuple[int, int]:
        """Line and column of the key that `path` ends in; of the value, where it is no key."""
        if path and isinstance(path[-1], str):
            place = self.spot(path[:-1]).keys.get(path[-1])
            if place is not None:
                return place
        return self.where(path)


def read(text: str, file: str, family: str) -> Source:
    """Parse a definition file. `family` begins the codes of its problems: `E-TEMPLATE` or `E-CONFIG`.

    Raises DefinitionError with every problem that can be found before the meaning of the keys is looked at.
    """
    problems = Problems(family, file)
    text = text.removeprefix("\ufeff")
    _check_text(text, problems)
    try:
        builder = _Builder(text, problems)
        data, root = builder.document()
    except yaml.YAMLError as error:
        report_syntax(error, text, problems)
    except _GivenUpError:
        pass
    problems.raise_any()
    return Source(file, text, data, root, builder.has_cut)


def unplaced(data: Json) -> Source:
    """Data that no file says, such as flags: its problems have names but no place."""
    return Source("", "", data, _unplaced_spot(data))


def _unplaced_spot(value: Json) -> Spot:
    spot = Spot(1, 1, 0, 0)
    if isinstance(value, dict):
        spot.items = {key: _unplaced_spot(item) for key, item in value.items()}
    elif isinstance(value, list):
        spot.items = {index: _unplaced_spot(item) for index, item in enumerate(value)}
    return spot


def place_of(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


class _GivenUpError(Exception):
    """What follows cannot be understood; the problem is already noted."""


def _check_text(text: str, problems: Problems) -> None:
    if len(text) > MAX_BYTES:
        problems.add(
            "SIZE",
            "The file is too large.",
            why=f"Expected at most {MAX_BYTES} characters, found {len(text)}.",
            fix="Move long texts into files of their own.",
            at=(1, 1),
        )
    elif (bad := unprintable(text)) >= 0:
        problems.add(
            "SYNTAX",
            f"The character U+{ord(text[bad]):04X} is not allowed in YAML.",
            why="Control characters cannot stand in a YAML file.",
            fix="Delete it, or write it as an escape in double quotes.",
            at=place_of(text, bad),
        )
    problems.raise_any()


class _Builder:
    """One pass over the parser's events: data and places side by side."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._text = text
        self._problems = problems
        self._next = _LOADER(text).get_event
        self._anchors: dict[str, tuple[Json, Spot]] = {}
        self._nodes = 0
        self.has_cut = False

    def document(self) -> tuple[Json, Spot]:
        """The one document of the file; an empty file is an empty mapping."""
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return {}, Spot(1, 1, 0, 0)
        value, spot = self._node(self._next(), 0)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            why = "A file holds one definition."
            self._note(after, "SYNTAX", "A second document begins here.", why, "Make it a file of its own.")
        if value is None:
            return {}, spot
        return value, spot

    def _until(self, end: type[Any], spot: Spot) -> Iterator[Any]:
        while not isinstance(event := self._next(), end):
            yield event
        spot.end = event.end_mark.index

    def _note(self, event: Any, kind: str, what: str, why: str, fix: str) -> None:
        mark = event.start_mark
        self._problems.add(kind, what, why=why, fix=fix, at=(mark.line + 1, mark.column + 1))

    def _node(self, event: Any, depth: int) -> tuple[Json, Spot]:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            why = f"At most {MAX_DEPTH} levels are read."
            self._note(event, "SIZE", "This is nested too deeply.", why, "Flatten it.")
            raise _GivenUpError
        tag = self._tag(event)
        spot = _spot_of(event)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, spot, tag)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(spot, depth)
        else:
            value = self._mapping(spot, depth)
        self._count(event, 1)
        if event.anchor:
            self._anchors[event.anchor] = (value, spot)
        return value, spot

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            why = f"At most {MAX_NODES} values are read, each alias counted as what it stands for."
            self._note(event, "SIZE", "The file has too many values.", why, "Split the file, or use fewer aliases.")
            raise _GivenUpError

    def _alias(self, event: Any) -> tuple[Json, Spot]:
        known = self._anchors.get(event.anchor)
        if known is None:
            what = f"The alias `*{event.anchor}` stands for nothing."
            self._note(
                event, "SYNTAX", what, "An anchor must end before its alias.", "Quote it if it is meant as text."
            )
            raise _GivenUpError
        self._count(event, known[1].size)
        return known

    def _tag(self, event: Any) -> str | None:
        if event.tag is None or event.tag == "!":
            return None if event.tag is None else "str"
        name = _TAGS.get(event.tag)
        if name is None:
            why = "A definition file holds texts, numbers, true and false, lists and mappings."
            self._note(
                event, "SYNTAX", f"The tag `{event.tag}` is not known.", why, "Remove the tag, or quote the text."
            )
        return name

    def _scalar(self, event: Any, spot: Spot, tag: str | None) -> Json:
        spot.style = _STYLES.get(event.style, "plain")
        if spot.style != "plain":
            return event.value
        if _CUT.match(self._text, event.end_mark.index) is not None:
            spot.cut = self.has_cut = True
        return event.value if tag == "str" else resolve(event.value)

    def _sequence(self, spot: Spot, depth: int) -> list[Json]:
        values: list[Json] = []
        for event in self._until(yaml.SequenceEndEvent, spot):
            value, inner = self._node(event, depth + 1)
            spot.items[len(values)] = inner
            spot.size += inner.size
            values.append(value)
        return values

    def _mapping(self, spot: Spot, depth: int) -> dict[str, Json]:
        values: dict[str, Json] = {}
        for event in self._until(yaml.MappingEndEvent, spot):
            key = self._key(event, spot)
            value, inner = self._node(self._next(), depth + 1)
            spot.items[key] = inner
            spot.size += inner.size
            values[key] = value
        return values

    def _key(self, event: Any, spot: Spot) -> str:
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if not isinstance(event, yaml.ScalarEvent):
            self._note_odd_key(event)
            raise _GivenUpError
        key: str = event.value
        if key in spot.keys:
            why = f"It already stands in line {spot.keys[key][0]}; only one of them could count."
            self._note(event, "DUPLICATE-KEY", f"The key `{key}` is there twice.", why, "Remove or rename one of them.")
        elif key == "<<" and event.style not in _STYLES:
            self._note(
                event, "SYNTAX", "Merge keys are not read.", "`<<` is no longer part of YAML.", "Write the keys out."
            )
        spot.keys.setdefault(key, place)
        return key

    def _note_odd_key(self, event: Any) -> None:
        if self._text.startswith("{", event.start_mark.index):
            what, why = "An expression stands outside quotes.", "YAML reads a value that starts with `{` as a mapping."
            self._note(event, "QUOTE", what, why, 'Quote the whole text: "{{ … }}".')
        else:
            self._note(event, "SYNTAX", "A key is not text.", "Keys are plain texts.", "Write the key as a text.")


_STYLES: dict[str | None, Style] = {"'": "quoted", '"': "quoted", "|": "block", ">": "block"}


def _spot_of(event: Any) -> Spot:
    start = event.start_mark
    return Spot(start.line + 1, start.column + 1, start.index, event.end_mark.index)
