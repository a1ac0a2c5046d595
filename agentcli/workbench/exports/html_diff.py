"""The files that a call touched, with what it changed in them, from the snapshots before and after."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from agentcli.core.canonical import Digest
from agentcli.core.quantities import count, size
from agentcli.core.tools import FileTouch
from agentcli.core.values import value
from agentcli.workbench.exports.record import RunRecord

MOST_LINES: Final = 3_000
"""Of a file on either side: comparing takes the product of both in the worst case."""

MOST_SHOWN: Final = 1_000
"""Lines of one difference."""


_KINDS: Final = {"+": "add", "-": "del", "@": "hunk", " ": "same"}


@value(frozen=True, slots=True)
class Line:
    """A line of a difference: `add`, `del`, `hunk` (where it stands in the file) or `same`."""

    kind: str
    text: str


@value(frozen=True, slots=True)
class ChangedFile:
    """A file, what was done to it in one word, and the difference, or a `note` on why there is none to show.

    `folded` says that it is of less interest.
    """

    path: str
    done: str
    note: str = ""
    lines: tuple[Line, ...] = ()
    folded: bool = False

    @property
    def added(self) -> int:
        """Lines that are new."""
        return sum(line.kind == "add" for line in self.lines)

    @property
    def removed(self) -> int:
        """Lines that are gone."""
        return sum(line.kind == "del" for line in self.lines)


def changed_file(record: RunRecord, touch: FileTouch) -> ChangedFile:
    """What a call did to a file."""
    done = _done(touch)
    if touch.masked:
        return ChangedFile(touch.path, done, "It holds a secret, so its content is not on record.")
    if not touch.changed:
        return ChangedFile(touch.path, done)
    contents = [_content(record, digest) for digest in (touch.before, touch.after)]
    if None in contents:
        return ChangedFile(touch.path, done, "Its content is not in the journal any more.")
    before, after = (content or b"" for content in contents)
    texts = [_text(content) for content in (before, after)]
    if None in texts:
        return ChangedFile(touch.path, done, f"It is no text: {size(len(before))} before, {size(len(after))} after.")
    left, right = (_lines(text or "") for text in texts)
    if max(len(left), len(right)) > MOST_LINES:
        return ChangedFile(touch.path, done, f"It is too long to compare: {count(max(len(left), len(right)))} lines.")
    lines = tuple(_difference(left, right))
    note = "" if len(lines) <= MOST_SHOWN else f"{count(len(lines) - MOST_SHOWN)} further lines are not shown."
    return ChangedFile(touch.path, done, note, lines[:MOST_SHOWN])


def previewed(tool: str, preview: str, *, folded: bool) -> ChangedFile:
    """What somebody was shown of a call's change when they were asked about it: a difference, or a line of words."""
    lines = preview.split("\n")
    note = "" if len(lines) <= MOST_SHOWN else f"{count(len(lines) - MOST_SHOWN)} further lines are not shown."
    shown = tuple(_shown(line, number) for number, line in enumerate(lines[:MOST_SHOWN]))
    return ChangedFile(tool, "asked, and showed this", note, shown, folded)


def _shown(line: str, number: int) -> Line:
    if number < 2 and line.startswith(("--- ", "+++ ")):
        return Line("hunk", line)
    kind = _KINDS.get(line[:1], "same")
    return Line(kind, line[1:] if line[:1] in ("+", "-", " ") else line)


def _done(touch: FileTouch) -> str:
    if not touch.changed:
        return "read"
    if touch.before is None:
        return "created"
    return "deleted" if touch.after is None else "changed"


def _content(record: RunRecord, digest: Digest | None) -> bytes | None:
    """Nothing for a file that was not there; None for one whose content cannot be had."""
    return b"" if digest is None else record.find(digest)


def _text(data: bytes) -> str | None:
    try:
        return None if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Lines as editors have them: only at line feeds."""
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n") if text else []


def _difference(left: list[str], right: list[str]) -> Iterator[Line]:
    # The first two lines are the names of the files.
    for line in list(difflib.unified_diff(left, right, lineterm="", n=3))[2:]:
        yield Line(_KINDS[line[0]], line if line[0] == "@" else line[1:])
