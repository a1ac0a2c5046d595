"""Where the rows of `--each` come from: a file or standard input, read row by row and never held whole.

A row that is none is no error of the file: it is kept as a row with an error, and the others are run.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, Any, Final

from agentcli.core.canonical import Json
from agentcli.definitions.nearest import listed
from agentcli.errors import UsageError, sentence

STDIN: Final = "-"

PART_ROWS: Final = 500
PART_CHARS: Final = 500_000
"""So many rows are kept as one content, or fewer, where they are long."""

MAX_LINE: Final = 8_000_000
"""Bytes of one line."""

SHOWN: Final = 200
"""Characters of a row that cannot be read that are kept as its input."""

Entry = dict[str, Json]
"""A row: its `input`, and an `error` where it cannot be one."""


def open_rows(source: str, folder: Path, stdin: IO[Any]) -> RowSource:
    """The rows of a file, named from `folder`, or those of standard input, which are JSON lines.

    Raises UsageError E-EACH-FORMAT, E-EACH-FILE, E-EACH-HEADER.
    """
    if source == STDIN:
        return RowSource(source, json_rows(_lines(getattr(stdin, "buffer", None) or _encoded(stdin))))
    read = _FORMATS.get(PurePath(source).suffix.lower())
    if read is None:
        raise UsageError(
            "E-EACH-FORMAT",
            f"The rows of `{source}` are in no known format.",
            why=f"It is none of {listed(_FORMATS, 10)}.",
            fix="Write JSON lines: one object on each line, with the workflow's inputs by name.",
        )
    try:
        file = (folder / Path(source).expanduser()).open("rb")
    except (OSError, ValueError) as error:
        raise broken_off(source, error) from None
    try:
        return RowSource(source, read(_lines(file)), file)
    except BaseException:
        file.close()
        raise


def broken_off(source: str, error: Exception) -> UsageError:
    """The error for rows that cannot be had, or had no further."""
    why = sentence(getattr(error, "strerror", None) or str(error))
    return UsageError("E-EACH-FILE", f"The rows of `{source}` cannot be read.", why=why, fix="Check the path.")


class RowSource:
    """Rows, in parts that are kept as one content each."""

    def __init__(self, name: str, entries: Iterator[Entry], file: IO[bytes] | None = None) -> None:
        self.name = name
        self._file = file
        self._ahead = list(islice(entries, 1))
        self._entries = entries

    def part(self) -> tuple[list[Entry], bool]:
        """The next rows, none where there are no more, and whether it goes on after them. Blocks. Raises OSError."""
        rows: list[Entry] = []
        size = 0
        while self._ahead and len(rows) < PART_ROWS and size < PART_CHARS:
            rows += self._ahead
            size += len(str(self._ahead[0]))
            self._ahead = list(islice(self._entries, 1))
        return rows, bool(self._ahead)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def json_rows(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Each line one JSON object; empty lines are none."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _json_row(line, number)


def _json_row(line: bytes, number: int) -> Entry:
    if len(line) > MAX_LINE:
        return _bad(None, f"Line {number} is longer than {MAX_LINE // 1_000_000} MB.")
    text = line.strip().decode(errors="replace")
    try:
        value = json.loads(line.strip().decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return _bad(text[:SHOWN], f"Line {number} is no JSON: {error}")
    if not isinstance(value, dict):
        return _bad(value, f"Line {number} is {_KINDS.get(type(value), 'null')}, and no object with inputs by name.")
    return {"input": value}


def csv_rows(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Each record one row; the first one names the inputs. Raises UsageError E-EACH-HEADER."""
    reader = csv.reader(map(_text, lines), strict=True)
    names = _header(reader)
    while True:
        begun = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield _bad(None, f"{_lines_of(begun, reader.line_num)}: {error}")
            continue
        if fields is None:
            return
        if fields:
            yield _csv_row(names, fields, _lines_of(begun, reader.line_num))


def _header(reader: Any) -> list[str]:
    names: list[str] = []
    try:
        names = next((fields for fields in reader if fields), names)
    except csv.Error as error:
        raise _no_header(sentence(str(error))) from None
    if not names:
        raise _no_header("It is empty.")
    if "" in names or len(set(names)) < len(names) or not _is_clean(names):
        raise _no_header(f"Its names are {', '.join(repr(name) for name in names)[:SHOWN]}.")
    return names


def _no_header(why: str) -> UsageError:
    return UsageError(
        "E-EACH-HEADER",
        "The CSV file has no header that names inputs.",
        why=why,
        fix="Write the names of the workflow's inputs into the first line, each once.",
    )


def _csv_row(names: list[str], fields: list[str], where: str) -> Entry:
    if not _is_clean(fields):
        return _bad(None, f"{where} is not text in UTF-8.")
    if len(fields) != len(names):
        found = dict(zip(names, fields, strict=False))
        return _bad(found, f"{where} has not as many fields as the header: {len(fields)} instead of {len(names)}")
    return {"input": dict(zip(names, fields, strict=True))}


def _is_clean(texts: list[str]) -> bool:
    return not any("\udc80" <= char <= "\udcff" for text in texts if not text.isascii() for char in text)


def _lines_of(first: int, last: int) -> str:
    return f"Line {first}" if last <= first else f"Lines {first} to {last}"


def _bad(given: Json, fault: str) -> Entry:
    what, fix = "The row cannot be read.", "Correct it, and run the corrected rows alone."
    return {"input": given, "error": {"code": "E-EACH-ROW", "what": what, "why": sentence(fault), "fix": fix}}


def _refuse(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


def _lines(file: Any) -> Iterator[bytes]:
    """The lines of a file, without the mark that some programs put before UTF-8. One that is too long is cut."""
    first = True
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line.removeprefix(codecs.BOM_UTF8) if first else line
        first = False


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape")


class _Encoded:
    """Standard input of tests, which is text."""

    def __init__(self, stdin: IO[str]) -> None:
        self._stdin = stdin

    def readline(self, limit: int) -> bytes:
        return self._stdin.readline(limit).encode()


def _encoded(stdin: IO[str]) -> _Encoded:
    return _Encoded(stdin)


_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
_FORMATS = {".jsonl": json_rows, ".ndjson": json_rows, ".csv": csv_rows}
