"""Searching a file piece by piece finds what searching it whole finds, and tells what was read."""

from __future__ import annotations

import hashlib
import io
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.tools import FileChange
from agentcli.tools.line_search import HELD, MAX_LINE, MOST_COUNTED, PIECE, StoppedError, search
from agentcli.tools.patterns import compiled
from tests.unit.tools.conftest import Call, Fail


class Source:
    """A file that gives as much at once as it likes."""

    def __init__(self, data: bytes, at_once: int = 1 << 30) -> None:
        self.file = io.BytesIO(data)
        self.at_once = at_once

    def readinto(self, buffer: memoryview) -> int:
        return self.file.readinto(buffer[: self.at_once])


def found(data: bytes, pattern: str, **options: Any) -> Any:
    given: dict[str, Any] = {"keep": 1000, "stopped": lambda: False, **options}
    at_once = given.pop("at_once", 1 << 30)
    return search(Source(data, at_once), "f", compiled(pattern), **given)


WORDS = ["abc", "", "é", "a b", "x" * 3000, "needle", "\r"]


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=40),
    st.sampled_from(["a", "^b", "é$", "a.b", "^$", "x*$", "[^x]", "needle|é"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([1, 5, 1000]),
)
def test_many_pieces_give_what_one_gives(lines: list[str], pattern: str, end: str, ended: bool, keep: int) -> None:
    text = end.join(["filler " * 20] * (PIECE // 140) + lines * 3) + (end if ended else "")
    data = text.encode()
    result = found(data, pattern, keep=keep, at_once=200_003, hold=HELD if ended else 0)
    expected = text.replace("\r\n", "\n").split("\n")
    if expected[-1] == "":
        expected.pop()
    wanted = [number for number, line in enumerate(expected, 1) if re.search(pattern, line)]
    assert [number for number, _ in result.lines] == wanted[:keep]
    assert result.count == min(len(wanted), MOST_COUNTED + 1)
    whole = FileChange("f", before=data)
    assert result.change == whole if ended else result.change.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1252"])
def test_a_large_file_in_another_encoding_is_searched_too(encoding: str) -> None:
    lines = [f"Zeile {number}: schöne Grüße aus Köln, überall müde Bären" for number in range(40_000)]
    data = "\n".join(lines).encode(encoding)
    assert len(data) > PIECE
    result = found(data, "Zeile 3999[89]", hold=0)
    assert result.lines == [(39_999, lines[39_998]), (40_000, lines[39_999])]
    assert result.note.startswith("decoded as ")
    assert result.change.digest == hashlib.sha256(data).hexdigest()


def test_a_line_longer_than_the_buffer_is_searched_in_parts_and_told_once() -> None:
    data = b"one\n" + b"needle " + b"x" * (3 * MAX_LINE) + b" needle\nthree needle\n"
    result = found(data, "needle", keep=10)
    assert [number for number, _ in result.lines] == [2, 3]
    assert result.count == 2
    assert "searched in parts" in result.note


def test_a_long_line_that_matches_late_is_found() -> None:
    data = b"x" * (3 * MAX_LINE) + b" needle\nneedle"
    result = found(data, "needle$")
    assert [number for number, _ in result.lines] == [1, 2]


def test_what_is_counted_is_bounded_and_the_digest_is_of_the_whole() -> None:
    data = b"x\n" * (4 * PIECE)
    result = found(data, "x", keep=2, hold=0)
    assert (result.count, len(result.lines)) == (MOST_COUNTED + 1, 2)
    assert result.change.digest == hashlib.sha256(data).hexdigest()


def test_a_search_that_nobody_waits_for_stops() -> None:
    with pytest.raises(StoppedError):
        found(b"a line\n" * PIECE, "zzz", stopped=lambda: True)
    with pytest.raises(StoppedError):
        found(("ein Wort\n" * PIECE).encode("utf-16"), "zzz", stopped=lambda: True)


def test_what_stands_around_a_shown_line_is_given_for_the_search_for_secrets() -> None:
    data = b"filler\n" * PIECE + b"BEGIN KEY\nabc\nneedle\ndef\nEND KEY\n"
    near = found(data, "needle", hold=0).change.near
    assert b"BEGIN KEY\nabc\nneedle\ndef\nEND KEY" in near
    assert len(near) < 20_000


def test_a_file_of_any_size_takes_the_same_memory(call: Call, root: Path) -> None:
    def peak(size: int) -> int:
        with (root / "big").open("wb") as file:
            for _ in range(size >> 20):
                file.write(b"some words of a line\n" * ((1 << 20) // 21))
        tracemalloc.start()
        call("grep_file", path="big", pattern="zzz$")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(96 << 20) < peak(24 << 20) + (1 << 20)


def test_a_large_file_is_on_record_by_its_digest(call: Call, root: Path) -> None:
    data = b"a line\n" * (HELD // 7 + 1)
    (root / "big").write_bytes(data)
    (change,) = call("grep_file", path="big", pattern="zzz").files
    assert (change.before, change.digest) == (None, hashlib.sha256(data).hexdigest())


def test_no_text_is_refused_however_large(fail: Fail, root: Path) -> None:
    (root / "big").write_bytes(b"\0" * (2 * PIECE))
    assert fail("grep_file", path="big", pattern="x").code == "E-FILE-BINARY"
