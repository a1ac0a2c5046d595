"""Replacing a piece of a text exactly, so that doing it twice is doing it once."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from agentcli.core.paths import shown
from agentcli.core.values import value
from agentcli.errors import ToolArgumentsError, ToolError
from agentcli.tools.text import Text, decode, lines_of, shortened

_SHOWN: Final = 120
_MOST_LOOKED_AT: Final = 5000
"""Lines among which the nearest one is looked for."""


@value(frozen=True, slots=True)
class Edited:
    """A file before and after, as bytes and as texts. `count` says in how many places it changes, `line` where first.

    0 means that it reads so already: `new` stands on that line, and `old` nowhere outside it.
    """

    before: bytes
    after: bytes
    old: str
    new: str
    count: int
    line: int


def edited(path: str, before: bytes, old: str, new: str, *, everywhere: bool) -> Edited:
    """The file with `old` replaced by `new`, in its own encoding and with its own line ends.

    Raises ToolError: E-EDIT-NOT-FOUND with the nearest line, E-EDIT-AMBIGUOUS with the lines, E-EDIT-REPEATS where
    the same call would find something to do again, E-FILE-BINARY, E-FILE-ENCODING.
    """
    text = decode(before, path)
    if _is_dos(text.text):
        old, new = _dos(old), _dos(new)
    places = list(_places(text.text, old))
    fresh = [place for place in places if not _is_within(text.text, place, old, new)]
    if not fresh and (places or (new and new in text.text)):
        return Edited(before, before, text.text, text.text, 0, _line(text.text, text.text.find(new)))
    if not places:
        raise _not_found(path, text.text, old)
    if len(places) > 1 and not everywhere:
        raise _ambiguous(path, text.text, places)
    after = _replaced(text.text, fresh, old, new)
    if any(not _is_within(after, place, old, new) for place in _places(after, old)):
        raise _repeats(path)
    return Edited(before, _encoded(path, after, text, before), text.text, after, len(fresh), _line(after, fresh[0]))


def _places(text: str, old: str) -> Iterator[int]:
    at = text.find(old)
    while at >= 0:
        yield at
        at = text.find(old, at + len(old))


def _is_within(text: str, place: int, old: str, new: str) -> bool:
    """Whether what stands there is a part of `new` already: the call was done before."""
    inner = new.find(old)
    while inner >= 0:
        if place >= inner and text.startswith(new, place - inner):
            return True
        inner = new.find(old, inner + 1)
    return False


def _replaced(text: str, places: list[int], old: str, new: str) -> str:
    parts, at = [], 0
    for place in places:
        parts += [text[at:place], new]
        at = place + len(old)
    return "".join([*parts, text[at:]])


def _is_dos(text: str) -> bool:
    """Whether all lines end with CRLF: models write LF, and mean the ends that the file has."""
    return "\r\n" in text and text.count("\n") == text.count("\r\n")


def _dos(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


_MARKS: Final = {
    "utf-8-sig": (codecs.BOM_UTF8,),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def _encoded(path: str, text: str, found: Text, before: bytes) -> bytes:
    """The text as the file was encoded, its byte order mark included. Raises ToolError E-FILE-ENCODING."""
    mark = next((mark for mark in _MARKS.get(found.encoding, ()) if before.startswith(mark)), b"")
    encoding = {b"": found.encoding, codecs.BOM_UTF8: "utf-8"}.get(mark)
    if encoding is None:
        encoding = found.encoding + ("-le" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE) else "-be")
    with suppress(UnicodeEncodeError):
        if mark + found.text.encode(encoding) == before:  # else other parts of the file would change as well
            return mark + text.encode(encoding)
    raise ToolError(
        "E-FILE-ENCODING",
        f"`{shown(path)}` is encoded as {found.encoding}, which cannot hold the new text.",
        why="A character of it does not exist there, or the encoding was guessed wrong.",
        fix="Use other characters, or replace the whole file with create_file.",
    )


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _ambiguous(path: str, text: str, places: list[int]) -> ToolArgumentsError:
    lines = ", ".join(str(_line(text, place)) for place in places[:5])
    more = f" and {len(places) - 5:,} more" if len(places) > 5 else ""
    return ToolArgumentsError(
        "E-EDIT-AMBIGUOUS",
        f"`old` stands {len(places):,} times in `{shown(path)}`, on lines {lines}{more}.",
        fix='Add lines around it until it is the only one, or pass "all": true.',
    )


def _not_found(path: str, text: str, old: str) -> ToolArgumentsError:
    lines = lines_of(text)
    wanted = next((line for line in lines_of(old) if line.strip()), "")
    number = _nearest(lines[:_MOST_LOOKED_AT], wanted)
    if number is None:
        fix = "Read the file with read_lines, and copy the text exactly."
    else:
        line = shortened(lines[number - 1])[:_SHOWN]
        fix = f"The nearest line is {number}: `{line}`. Copy it exactly, with its spaces."
    return ToolArgumentsError("E-EDIT-NOT-FOUND", f"`old` does not stand in `{shown(path)}`.", fix=fix)


def _nearest(lines: list[str], wanted: str) -> int | None:
    """The number of the line most like the wanted one. Raises nothing; long lines are compared by their beginning."""
    stripped = [line.strip()[:_SHOWN] for line in lines]
    close = difflib.get_close_matches(wanted.strip()[:_SHOWN], dict.fromkeys(stripped), n=1, cutoff=0.6)
    return stripped.index(close[0]) + 1 if close else None


def _repeats(path: str) -> ToolArgumentsError:
    return ToolArgumentsError(
        "E-EDIT-REPEATS",
        f"After this edit, `old` would stand in `{shown(path)}` again.",
        why="The same call would then change the file once more.",
        fix="Take more of the text around it into `old` and `new`.",
    )
