"""Finding the lines of a file that match, piece by piece: in constant memory, however large the file is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from agentcli.core.tools import FileChange
from agentcli.tools.file_content import Aside, Content
from agentcli.tools.text import Reading, decode, reading_of, shortened

PIECE: Final = 256 * 1024
"""What is read at once: more waits longer for the hashing beside it, less costs more calls."""

_SMALL: Final = 64 * 1024

HELD: Final = 16 * 1024 * 1024
"""So much of a file is kept until its end, for the record; of a larger one its digest."""

MAX_LINE: Final = 1024 * 1024
"""A line of more bytes is searched in parts."""

MOST_COUNTED: Final = 10_000
AROUND: Final = 8 * 1024
"""Bytes before and after a shown line in which a secret is looked for, where the whole file is too large for that."""


class Source(Protocol):
    """An open file, without a buffer of its own."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the beginning of the buffer; 0 at the end. Raises OSError."""


class StoppedError(Exception):
    """Nobody waits for the search any more."""


@dataclass(slots=True)
class Searched:
    """What a search found: the first matching lines with their numbers, and how many there are.

    `count` past MOST_COUNTED means more than that. `note` says what a model must know of how the file was read.
    """

    lines: list[tuple[int, str]]
    count: int
    note: str
    change: FileChange


def search(
    file: Source, path: str, expression: Any, *, keep: int, hold: int = HELD, stopped: Callable[[], bool]
) -> Searched:
    """Search an open file to its end, for the record holds its digest; the first `keep` lines are given back.

    Up to `hold` bytes of it stay in memory until then. Raises ToolError (E-FILE-BINARY) for what is no text, OSError,
    and StoppedError once `stopped` says so.
    """
    with Aside() as aside:
        finding, content = _Finding(expression, keep, aside), Content(hold, aside)
        buffer, first = _first(file)
        content.take(memoryview(buffer)[:first])
        if first < PIECE:
            text = decode(bytes(buffer[:first]), path)
            data = bytearray(text.text.encode("utf-8", "replace"))
            finding.look(data, len(data), last=True)
            note = text.note
        else:
            reading = reading_of(bytes(buffer[:PIECE]), path)
            _search_on(file, [buffer, bytearray(PIECE + MAX_LINE)], finding, content, reading, stopped)
            cut = f"a line longer than {MAX_LINE:,} bytes was searched in parts" if finding.cut else ""
            note = "; ".join(part for part in (reading.note, cut) if part)
        return Searched(finding.lines, finding.count, note, content.change(path, b"\n".join(finding.near)))


def _first(file: Source) -> tuple[bytearray, int]:
    """The first piece and its size: less than PIECE is the whole file. Most files are small, and get a small buffer."""
    small = bytearray(_SMALL)
    filled = _filled(file, memoryview(small), 0)
    if filled < _SMALL:
        return small, filled
    buffer = bytearray(PIECE + MAX_LINE)
    buffer[:filled] = small
    return buffer, _filled(file, memoryview(buffer)[:PIECE], filled)


def _filled(file: Source, buffer: memoryview, filled: int) -> int:
    """How much of the buffer is filled once the file has filled it, whatever the system gives at once."""
    while filled < len(buffer) and (count := file.readinto(buffer[filled:])):
        filled += count
    return filled


def _search_on(
    file: Source,
    buffers: list[bytearray],
    finding: _Finding,
    content: Content,
    reading: Reading,
    stopped: Callable[[], bool],
) -> None:
    """Go through a file whose first piece stands in the first buffer.

    While one buffer is searched and hashed, the next piece goes into the other one, behind the line that is not whole.
    """
    if reading.decoder is not None:
        first = bytes(buffers[0][:PIECE])
        for text in _decoded(file, first, content, reading, stopped):
            finding.aside.await_turn()
            data = bytearray(finding.rest + text)
            finding.look(data, len(data))
        data = bytearray(finding.rest + reading.utf8(b"", last=True))
        finding.look(data, len(data), last=True)
        return
    turn, filled = 0, PIECE
    while True:
        finding.look(buffers[turn], filled)
        if stopped():
            raise StoppedError
        turn = 1 - turn
        finding.aside.await_turn()
        rest = finding.rest
        buffers[turn][: len(rest)] = rest
        count = file.readinto(memoryview(buffers[turn])[len(rest) : len(rest) + PIECE])
        if not count:
            finding.look(buffers[turn], len(rest), last=True)
            return
        filled = len(rest) + count
        content.take(memoryview(buffers[turn])[len(rest) : filled])


def _decoded(
    file: Source, first: bytes, content: Content, reading: Reading, stopped: Callable[[], bool]
) -> Iterator[bytes]:
    """The file in UTF-8, in pieces that stay small where a character of one byte becomes three."""
    step = PIECE // 4
    yield from (reading.utf8(first[at : at + step]) for at in range(0, PIECE, step))
    piece = bytearray(step)
    while count := file.readinto(memoryview(piece)):
        if stopped():
            raise StoppedError
        data = bytes(piece[:count])
        content.take(memoryview(data))
        yield reading.utf8(data)


@dataclass(slots=True)
class _Finding:
    """The state of a search: `look` is given the file in UTF-8, block by block, each beginning with `rest`."""

    expression: Any
    keep: int
    aside: Aside
    lines: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0
    near: list[bytes] = field(default_factory=list)
    cut: bool = False
    rest: bytes = b""
    """The beginning of a line that goes on in the next piece."""
    _before: int = 0
    """Line ends in what was searched; counted beside the search."""
    _told: bool = False
    """The line that the next block begins within has matched already."""

    def look(self, block: bytearray, filled: int, *, last: bool = False) -> None:
        """Search the lines of a block that are whole; with the `last` one, what is left."""
        end = filled if last else block.rfind(b"\n", 0, filled) + 1
        if not end and filled >= MAX_LINE:
            end, self.cut = filled, True
        self.rest = bytes(block[end:filled])
        if self.count > MOST_COUNTED:
            return
        if block.find(b"\r", 0, end) >= 0:
            block = block[:end].replace(b"\r\n", b"\n")
        elif block[end - 1 : end] != b"\n":
            block = block[:end]  # what stands in the buffer behind it must not be looked at for `$`
        end = min(end, len(block))
        self._search(block, end)
        if len(self.lines) < self.keep:
            self.aside.do(lambda: self._count(block, end))

    def _count(self, block: bytearray, end: int) -> None:
        self._before += block.count(b"\n", 0, end)

    def _search(self, block: bytearray, length: int) -> None:
        """The matching lines. Between matches nothing but line ends is looked at."""
        at, counted, ends = 0, 0, 0
        if self._told:
            at = block.find(b"\n", 0, length) + 1 or length
            self._told = block[at - 1 : at] != b"\n"
        while at < length and self.count <= MOST_COUNTED:
            match = self.expression.search(block, at, length)
            start = block.rfind(b"\n", 0, match.start()) + 1 if match is not None else length
            if start >= length:  # no match, or an empty one behind the last line end, where no line is
                return
            end = block.find(b"\n", match.start(), length)
            self.count += 1
            if len(self.lines) < self.keep:
                ends, counted = ends + block.count(b"\n", counted, start), start
                self._add(block, (start, match.start(), length if end < 0 else end, length), ends)
            self._told = end < 0
            at = length if end < 0 else end + 1

    def _add(self, block: bytearray, place: tuple[int, int, int, int], ends: int) -> None:
        """Keep a line, which `ends` line ends stand before in this block."""
        start, begin, end, length = place
        self.aside.settle()
        text = block[start:end].decode("utf-8", "replace")
        at = len(block[start:begin].decode("utf-8", "replace"))
        self.lines.append((self._before + ends + 1, shortened(text, keep=at)))
        self.near.append(bytes(block[max(0, start - AROUND) : min(end + AROUND, length)]))
