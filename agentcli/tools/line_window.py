"""Some lines of a file of any size, piece by piece: in constant memory, and to its end, for the record's digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from agentcli.core.tools import FileChange
from agentcli.core.values import value
from agentcli.tools.file_content import Aside, Content
from agentcli.tools.line_search import AROUND, HELD, MAX_LINE, PIECE, StoppedError
from agentcli.tools.text import decode, lines_of, reading_of, shortened

_NEAR: Final = 1000
"""Bytes of each shown line in which a secret of several lines is looked for: the lines of a key are shorter."""


class Source(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes | None:
        """At most so many bytes; none at the end. Raises OSError."""


@value(frozen=True, slots=True)
class Window:
    """Lines with their numbers, as many as were asked for, and how many the file has.

    `note` says what a model must know of how the file was read.
    """

    lines: list[tuple[int, str]]
    total: int
    note: str
    change: FileChange


def window(
    file: Source, path: str, start: int, end: int | None, most: int, stopped: Callable[[], bool], hold: int = HELD
) -> Window:
    """At most `most` lines from `start` to `end`, as they are shown.

    A file of up to `hold` bytes is decoded as a whole, strictly. Raises ToolError (E-FILE-BINARY) for what is no text,
    OSError, and StoppedError once `stopped` says so.
    """
    beginning = _beginning(file, max(hold + 1, PIECE))  # how it is encoded is told by a whole piece
    if len(beginning) > hold:
        return _streamed(file, beginning, path, _Taking(start, end, most), stopped)
    text = decode(beginning, path)
    lines = lines_of(text.text)
    part = lines[start - 1 : min(end or len(lines), start - 1 + most)]
    shown = [(start + place, shortened(line)) for place, line in enumerate(part)]
    return Window(shown, len(lines), text.note, FileChange(path, before=beginning))


def _beginning(file: Source, most: int) -> bytes:
    pieces, size = [], 0
    while size < most and (piece := file.read(min(PIECE, most - size))):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _streamed(file: Source, beginning: bytes, path: str, taking: _Taking, stopped: Callable[[], bool]) -> Window:
    reading = reading_of(beginning[:PIECE], path)
    with Aside() as aside:
        content = Content(0, aside)
        at = 0
        while piece := beginning[at : at + PIECE] or file.read(PIECE):
            if stopped():
                raise StoppedError
            at += len(piece)
            content.take(memoryview(piece))
            taking.take(reading.utf8(piece))
            aside.await_turn()
        taking.take(reading.utf8(b"", last=True))
        taking.finish()
        cut = f"a line longer than {MAX_LINE:,} bytes is shown as if it ended there" if taking.cut else ""
        note = "; ".join(part for part in (reading.note, cut) if part)
        return Window(taking.lines, taking.number - 1, note, content.change(path, b"\n".join(taking.near)))


@dataclass(slots=True)
class _Taking:
    """The state of a reading: `take` is given the file in UTF-8, block by block."""

    start: int
    end: int | None
    most: int
    number: int = 1
    """The line that the next block begins within."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    near: list[bytes] = field(default_factory=list)
    cut: bool = False
    _line: bytearray = field(default_factory=bytearray)
    """What is kept of that line."""
    _open: bool = False
    """Something of that line was there already."""
    _before: bytes = b""
    _after: int = AROUND

    def take(self, block: bytes) -> None:
        """The next block. Where none of its lines is wanted, only its line ends are looked at."""
        at = 0
        if self.number < self.start:
            at = self._skipped(block)
        while at < len(block) and self._wanted():
            at = self._taken(block, at)
        if at < len(block):
            self._rest(block, at)
        if block:
            self._open = not block.endswith(b"\n")

    def finish(self) -> None:
        """There is no more: a last line without an end is one as well."""
        if self._open:
            if self._wanted():
                self._keep()
            self.number += 1

    def _wanted(self) -> bool:
        within = self.start <= self.number and (self.end is None or self.number <= self.end)
        return within and len(self.lines) < self.most

    def _skipped(self, block: bytes) -> int:
        """Where the first wanted line begins in the block; its end, where it has none."""
        ends, at = block.count(b"\n"), 0
        if self.number + ends < self.start:
            self.number, at = self.number + ends, len(block)
        else:
            for _ in range(self.start - self.number):
                at = block.index(b"\n", at) + 1
            self.number = self.start
        self._before = (self._before + block[max(0, at - AROUND) : at])[-AROUND:]
        return at

    def _taken(self, block: bytes, at: int) -> int:
        """Take what the block has of a wanted line; where the next one begins."""
        end = block.find(b"\n", at)
        stop = len(block) if end < 0 else end
        room = MAX_LINE - len(self._line)
        self._line += block[at : min(stop, at + room)]
        self.cut = self.cut or stop - at > room
        if end < 0:
            return len(block)
        self._keep()
        self.number += 1
        return end + 1

    def _keep(self) -> None:
        if not self.lines:
            self.near.append(self._before)
        self.near.append(bytes(self._line[:_NEAR]))
        self.lines.append((self.number, shortened(self._line.decode("utf-8", "replace").removesuffix("\r"))))
        self._line.clear()

    def _rest(self, block: bytes, at: int) -> None:
        """What comes behind the wanted lines, or before them within a line that goes on."""
        self.number += block.count(b"\n", at)
        if self.lines and self._after > 0:
            self.near.append(block[at : at + self._after])
            self._after -= len(block) - at
