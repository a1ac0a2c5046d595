"""Reading some lines of a large file gives what reading it whole gives, and tells what was read."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.tools import FileChange
from agentcli.errors import ToolError
from agentcli.tools.line_search import HELD, MAX_LINE, PIECE, StoppedError
from agentcli.tools.line_window import Window, window
from tests.unit.tools.conftest import Call


class Source:
    """A file that gives less at once than it is asked for."""

    def __init__(self, data: bytes, at_once: int) -> None:
        self.file = io.BytesIO(data)
        self.at_once = at_once

    def read(self, size: int) -> bytes:
        return self.file.read(min(size, self.at_once))


def read(data: bytes, start: int, end: int | None = None, most: int = 1000, **options: Any) -> Window:
    given: dict[str, Any] = {"stopped": lambda: False, "hold": 0, **options}
    source = Source(data, given.pop("at_once", 1 << 30))
    return window(source, "f", start, end, most, given["stopped"], given["hold"])


WORDS = ["abc", "", "é", "日本", "x" * 900, "a\rb", "\r", "needle"]


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 40),
    st.none() | st.integers(0, 40),
    st.sampled_from([1, 3, 1000]),
    st.integers(1, 50),
)
def test_many_pieces_give_what_one_gives(
    lines: list[str], ending: str, ended: bool, start: int, more: int | None, most: int, at_once: int
) -> None:
    data = (ending.join(lines) + (ending if ended else "")).encode()
    end = None if more is None else start + more
    whole, pieces = read(data, start, end, most, hold=HELD), read(data, start, end, most, at_once=at_once)
    assert (pieces.lines, pieces.total, pieces.note) == (whole.lines, whole.total, whole.note)
    assert whole.change == FileChange("f", before=data)
    if data:
        assert pieces.change.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "cp1252"])
def test_another_encoding_is_read_on_to_the_end(encoding: str) -> None:
    text = "".join(f"Zeile {number}: über die Brücke, grüße\n" for number in range(20_000))
    found = read(text.encode(encoding), 19_999)
    assert found.lines == [
        (19_999, "Zeile 19998: über die Brücke, grüße"),
        (20_000, "Zeile 19999: über die Brücke, grüße"),
    ]
    assert found.total == 20_000
    assert ("decoded as" in found.note) is (encoding != "utf-8-sig")


def test_a_line_longer_than_is_kept_is_shown_by_its_beginning_and_that_is_said() -> None:
    found = read(b"a" * (3 * MAX_LINE) + b"\nnext\n" + b"b" * MAX_LINE, 1)
    assert [(number, line[:3]) for number, line in found.lines] == [(1, "aaa"), (2, "nex"), (3, "bbb")]
    assert found.note == "a line longer than 1,048,576 bytes is shown as if it ended there"
    assert found.total == 3


def test_no_text_and_what_nobody_waits_for_is_not_read() -> None:
    with pytest.raises(ToolError) as caught:
        read(b"\0" * (2 * PIECE), 1)
    assert caught.value.code == "E-FILE-BINARY"
    with pytest.raises(StoppedError):
        read(b"a\n" * PIECE, 1, stopped=lambda: True)


def test_what_stands_around_the_lines_is_given_for_the_search_for_secrets() -> None:
    key = b"BEGIN KEY\nabc\nneedle\ndef\nEND KEY\n"
    data = b"filler\n" * PIECE + key + b"filler\n" * PIECE
    for at_once in (1 << 30, 1000):
        near = read(data, PIECE + 3, PIECE + 3, at_once=at_once).change.near
        assert b"abc\n" in near.split(b"needle")[0]
        assert b"BEGIN KEY" in near
        assert b"END KEY" in near
        assert len(near) < 20_000


def test_a_file_of_any_size_takes_the_same_memory() -> None:
    def peak(size: int) -> int:
        data = b"some words of a line\n" * (size // 21)
        tracemalloc.start()
        read(data, size // 21 - 3, hold=1 << 20)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(32 << 20) < peak(8 << 20) + (1 << 20)


def test_a_large_file_is_read_and_on_record_by_its_digest(call: Call, root: Path) -> None:
    data = b"a line\n" * (HELD // 7 + 1)
    (root / "big").write_bytes(data)
    result = call("read_lines", path="big", start=2_396_745)
    assert result.content == "2396745: a line\n2396746: a line\n[lines 2396745-2396746 of 2396746]"
    (change,) = result.files
    assert (change.before, change.digest) == (None, hashlib.sha256(data).hexdigest())
