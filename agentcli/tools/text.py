"""Files as text: decoding, lines, and putting a bounded part of them before a model."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Final

from agentcli.core.paths import shown
from agentcli.core.values import value
from agentcli.errors import ToolError

MAX_LINE_CHARS: Final = 500
"""The most of one line that is shown."""

_SAMPLE: Final = 256 * 1024
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 before UTF-16: its little-endian mark begins with that of the other."""


@value(frozen=True, slots=True)
class Text:
    """A decoded file. `encoding` is how it was read; `detected` says that it was guessed."""

    text: str
    encoding: str = "utf-8"
    detected: bool = False

    @property
    def note(self) -> str:
        """What the model should know of the encoding; empty for UTF-8."""
        if self.encoding in ("utf-8", "utf-8-sig"):
            return ""
        return f"decoded as {self.encoding}" + (", a guess" if self.detected else "")


def decode(data: bytes, path: str) -> Text:
    """The content as text: by its byte order mark, else strict UTF-8, else a detected encoding.

    Raises ToolError (E-FILE-BINARY) for what is no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return Text(_strict(data, encoding, path), encoding)
    if b"\0" in data[:_SAMPLE]:
        raise _binary(path, "It holds NUL bytes.")
    try:
        return Text(data.decode())
    except UnicodeDecodeError:
        return _detected(data, path)


@value(frozen=True, slots=True)
class Reading:
    """How a file that is too large to be decoded at once is read: UTF-8 needs no `decoder`."""

    note: str = ""
    decoder: codecs.IncrementalDecoder | None = None

    def utf8(self, piece: bytes, *, last: bool = False) -> bytes:
        """The next piece of the file in UTF-8."""
        return piece if self.decoder is None else self.decoder.decode(piece, last).encode("utf-8", "replace")


def reading_of(beginning: bytes, path: str) -> Reading:
    """How to read a file, told by its beginning. Raises ToolError (E-FILE-BINARY) for what is no text."""
    for mark, encoding in _BOMS:
        if beginning.startswith(mark):
            return _decoding(Text("", encoding))
    sample = beginning[:_SAMPLE]
    if b"\0" in sample:
        raise _binary(path, "It holds NUL bytes.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # a character may be cut in two at its end
    except UnicodeDecodeError:
        return _decoding(_detected(sample, path))
    return Reading()


def _decoding(found: Text) -> Reading:
    return Reading(found.note, codecs.getincrementaldecoder(found.encoding)("replace"))


def lines_of(text: str) -> list[str]:
    """The lines as editors count them: ended by LF or CRLF, the last one with or without an end."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def shortened(line: str, keep: int = 0) -> str:
    """A line for a result: at most MAX_LINE_CHARS of it, so chosen that the character at `keep` is in it."""
    if len(line) <= MAX_LINE_CHARS:
        return line
    start = max(0, min(keep - MAX_LINE_CHARS // 3, len(line) - MAX_LINE_CHARS))
    end = start + MAX_LINE_CHARS
    before = f"[{start:,} characters before] " if start else ""
    after = f" [{len(line) - end:,} characters more]" if end < len(line) else ""
    return f"{before}{line[start:end]}{after}"


def numbered(lines: Iterable[tuple[int, str]], most_lines: int, most_bytes: int) -> list[str]:
    """Lines with their numbers (`12: text`), as many of the first as fit, at least one."""
    return fitting((f"{number}: {line}" for number, line in lines), most_lines, most_bytes)


def fitting(lines: Iterable[str], most_lines: int, most_bytes: int) -> list[str]:
    """As many of the first lines as fit, at least one."""
    out: list[str] = []
    used = 0
    for shown_line in lines:
        used += len(shown_line.encode()) + 1
        if out and (len(out) >= most_lines or used > most_bytes):
            break
        out.append(shown_line)
    return out


def counted(number: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def with_notes(lines: Iterable[str], *notes: str) -> str:
    """The lines, then one line in brackets that says what the model must know about them."""
    said = "; ".join(note for note in notes if note)
    return "\n".join([*lines, f"[{said}]"] if said else lines)


def _detected(data: bytes, path: str) -> Text:
    import charset_normalizer

    end = len(data) if len(data) <= _SAMPLE else data.rfind(b"\n", 0, _SAMPLE) + 1  # no character is cut in two
    best = charset_normalizer.from_bytes(data[: end or _SAMPLE]).best()
    if best is None:
        raise _binary(path, "It is neither UTF-8 nor any encoding that could be detected.")
    return Text(_strict(data, best.encoding, path), best.encoding, detected=True)


def _strict(data: bytes, encoding: str, path: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise _binary(path, f"It looks like {encoding} and cannot be decoded so.") from error


def _binary(path: str, why: str) -> ToolError:
    return ToolError(
        "E-FILE-BINARY",
        f"`{shown(path)}` is not a text file.",
        why=why,
        fix="Use a text file; this one cannot be read with this tool.",
    )
