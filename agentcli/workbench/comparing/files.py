"""Files that both runs read or changed, by what they held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from agentcli.core.canonical import Digest
from agentcli.core.events import Event, ToolCompleted
from agentcli.workbench.comparing.differences import Difference, Place
from agentcli.workbench.comparing.records import Records, raw_content
from agentcli.workbench.comparing.texts import TextDiff

MASKED = "It holds a secret: its content was not kept."
NOT_HELD = "Only its digest is on record."
NOT_TEXT = "Its content is not text."


class Held(NamedTuple):
    """What a file held, by digest (None: there was no such file). A `masked` digest is a keyed one."""

    digest: Digest | None
    masked: bool = False


def found_first(events: Iterable[Event]) -> dict[str, Held]:
    """What each file that a run touched held when it was first touched."""
    found: dict[str, Held] = {}
    for event in events:
        if isinstance(event.body, ToolCompleted):
            for touch in event.body.files:
                found.setdefault(touch.path, Held(touch.before, touch.masked and touch.before is not None))
    return found


def left_behind(part: Mapping[str, Any]) -> dict[str, Held]:
    """What each file that a step changed held after it, from the step's part `files`."""
    return {path: Held(file["after"], file["masked"] and file["after"] is not None) for path, file in part.items()}


def file_differences(records: Records, a: Mapping[str, Held], b: Mapping[str, Held]) -> Iterator[Difference]:
    """The files that both have and that did not hold the same."""
    for path, left in a.items():
        right = b.get(path, left)
        if left != right:
            yield _difference(records, Place("files").at(path), left, right)


def _difference(records: Records, place: Place, a: Held, b: Held) -> Difference:
    if a.digest is None or b.digest is None:
        return place.differs("added" if a.digest is None else "removed", a.digest, b.digest)
    if a.masked or b.masked:
        return place.differs("changed", a.digest, b.digest, note=MASKED)
    text = _text(records, a.digest, b.digest)
    if isinstance(text, str):
        return place.differs("changed", a.digest, b.digest, note=text)
    return place.differs("changed", a.digest, b.digest, text)


def _text(records: Records, a: Digest, b: Digest) -> TextDiff | str:
    """How two contents differ, or why that cannot be said."""
    left, right = raw_content(records, a), raw_content(records, b)
    if left is None or right is None:
        return NOT_HELD
    try:
        return TextDiff(left.decode(), right.decode())
    except UnicodeDecodeError:
        return NOT_TEXT
