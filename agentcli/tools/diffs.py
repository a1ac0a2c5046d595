"""Unified diffs of texts of any size: always right, in bounded time, and cut where they get long."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from agentcli.core.paths import shown
from agentcli.core.tools import Preview
from agentcli.errors import ToolError
from agentcli.tools.text import decode, shortened

MOST_LINES: Final = 60
"""Lines of a diff before a person or a model."""

_CONTEXT: Final = 3
_MOST_COMPARED: Final = 400
"""Lines on a side that are aligned with each other; of more, all are taken away and all are put there."""


def unified(path: str, before: str, after: str, most: int = MOST_LINES, to: str | None = None) -> str:
    """The diff, its first `most` lines and how many more there are; empty where the texts are the same."""
    old, new = _split(before), _split(after)
    lines = [line for group in _hunks(old, new) for line in group]
    if not lines:
        return ""
    more = [f"[{len(lines) - most:,} more lines of the diff]"] if len(lines) > most else []
    return "\n".join([f"--- {shown(path)}", f"+++ {shown(to or path)}", *lines[:most], *more])


def preview_of(path: str, before: bytes | None, after: bytes | None, to: str | None = None) -> Preview:
    """What becomes of a file, for who is asked about it; None is a file that is not there."""
    contents = tuple(data for data in (before, after) if data is not None)
    try:
        old, new = ("" if data is None else decode(data, path).text for data in (before, after))
    except ToolError:
        sizes = " to ".join("nothing" if data is None else f"{len(data):,} bytes" for data in (before, after))
        return Preview(f"{shown(path)}: from {sizes} that are no text", contents)
    text = unified(path, old, new, to=to)
    return Preview(text or f"{shown(path)}: its content stays the same", contents)


def _split(text: str) -> list[str]:
    """Lines with their ends, which are LF and CRLF alone."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[list[str]]:
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    first = max(0, start - _CONTEXT)
    a, b = old[first : len(old) - max(0, end - _CONTEXT)], new[first : len(new) - max(0, end - _CONTEXT)]
    if max(len(a), len(b)) <= _MOST_COMPARED:
        groups = difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(_CONTEXT)
    elif old != new:
        groups = iter([_replaced(a, b, start - first, min(end, _CONTEXT))])
    else:
        return
    for group in groups:
        yield [_head(group, first), *_lines(group, a, b, _are_mixed([*a, *b]))]


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines two texts begin with alike."""
    pairs = zip(old, new, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))


_Op = tuple[str, int, int, int, int]


def _replaced(a: Sequence[str], b: Sequence[str], before: int, after: int) -> list[_Op]:
    """All between the lines that are the same goes, and all of the new comes."""
    old, new = len(a) - after, len(b) - after
    ops = [("equal", 0, before, 0, before), ("replace", before, old, before, new), ("equal", old, len(a), new, len(b))]
    return [op for op in ops if op[1] < op[2] or op[3] < op[4]]


def _head(group: Sequence[_Op], first: int) -> str:
    (_, old, _, new, _), (_, _, old_end, _, new_end) = group[0], group[-1]
    ranges = ((old, old_end), (new, new_end))
    before, after = (f"{first + low + (low < high)},{high - low}" for low, high in ranges)
    return f"@@ -{before} +{after} @@"


def _are_mixed(lines: Sequence[str]) -> bool:
    """Whether some lines end as on one system and some as on another."""
    return len({line.endswith("\r\n") for line in lines if line.endswith("\n")}) > 1


def _lines(group: Sequence[_Op], a: Sequence[str], b: Sequence[str], mixed: bool) -> Iterator[str]:
    for kind, a_low, a_high, b_low, b_high in group:
        if kind == "equal":
            yield from (_line(" ", line, mixed) for line in a[a_low:a_high])
            continue
        yield from (_line("-", line, mixed) for line in a[a_low:a_high])
        yield from (_line("+", line, mixed) for line in b[b_low:b_high])


def _line(sign: str, line: str, mixed: bool) -> str:
    """One line of a diff. What ends it is told where nothing does, and where lines end in more than one way."""
    text = line.removesuffix("\n").removesuffix("\r")
    end = {"\n": "", "\r\n": "\\r" if mixed else ""}.get(line[len(text) :], " [no line end]")
    return f"{sign}{shortened(text)}{end}"
