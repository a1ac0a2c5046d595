from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.tools import FileChange
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import OutputOptions
from agentcli.tools.read_lines import ReadLinesArguments, build
from tests.unit.tools.conftest import Build, Call, Fail


@pytest.fixture
def poem(root: Path) -> Path:
    path = root / "poem.txt"
    path.write_text("one\ntwo\nthree\nfour\n")
    return path


def test_a_small_file_is_shown_whole_with_its_numbers(call: Call, poem: Path) -> None:
    result = call("read_lines", path="poem.txt")
    assert result.content == "1: one\n2: two\n3: three\n4: four"
    assert result.files == (FileChange("poem.txt", before=poem.read_bytes()),)


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        ({"start": 2, "end": 3}, "2: two\n3: three\n[lines 2-3 of 4]"),
        ({"start": "3"}, "3: three\n4: four\n[lines 3-4 of 4]"),
        ({"start": None, "end": None}, "1: one\n2: two\n3: three\n4: four"),
        ({"start": "", "end": "null"}, "1: one\n2: two\n3: three\n4: four"),
        ({"end": 1.0}, "1: one\n[lines 1-1 of 4]"),
        ({"start": 4, "end": 900}, "4: four\n[lines 4-4 of 4]"),
    ],
)
def test_a_range_is_read_as_models_write_it(call: Call, poem: Path, arguments: dict[str, Any], content: str) -> None:
    assert call("read_lines", path="./poem.txt", **arguments).content == content


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"start": 0}, "`start` must be a whole number from 1, not 0"),
        ({"start": -3}, "`start` must be a whole number from 1, not -3"),
        ({"start": "two"}, '`start` must be a whole number from 1, not "two"'),
        ({"end": 1.5}, "`end` must be a whole number from 1, not 1.5"),
        ({"start": [1]}, "`start` must be a whole number from 1, not [1]"),
        ({"start": 3, "end": 2}, "`end` (2) is before `start` (3)"),
        ({"start": 5}, "`start` (5) is beyond the end of `poem.txt`"),
        ({"start": "9" * 5000}, "`start` must be a whole number from 1, not 5,000 characters"),
    ],
)
def test_a_bad_range_is_told_so_that_it_can_be_mended(
    fail: Fail, poem: Path, arguments: dict[str, Any], said: str
) -> None:
    error = fail("read_lines", path="poem.txt", **arguments)
    assert error.code == "E-TOOL-ARGUMENTS"
    assert said in error.info.what
    assert error.info.fix
    assert error.tool == "read_lines"
    assert error.arguments["path"] == "poem.txt"


def test_what_lies_beyond_the_end_says_where_the_end_is(fail: Fail, poem: Path) -> None:
    assert fail("read_lines", path="poem.txt", start=9).info.fix == "It has 4 lines; use a start from 1 to 4."
    (poem.parent / "empty").write_text("")
    assert "It has 0 lines" in fail("read_lines", path="empty", start=2).info.fix


def test_an_empty_file_is_said_to_be_empty(call: Call, root: Path) -> None:
    (root / "empty").write_text("")
    assert call("read_lines", path="empty").content == "[the file is empty]"


def test_a_long_file_is_cut_and_says_how_to_read_on(call: Call, root: Path) -> None:
    (root / "long").write_text("".join(f"line {number}\n" for number in range(1, 501)))
    content = call("read_lines", {"max_lines": 3}, path="long", start=10).content
    assert content == "10: line 10\n11: line 11\n12: line 12\n[lines 10-12 of 500; to read on: start=13]"
    by_bytes = call("read_lines", {"max_bytes": 500}, path="long").content
    assert len(by_bytes) < 600
    assert "to read on: start=" in by_bytes


def test_a_long_line_is_cut_and_says_so(call: Call, root: Path) -> None:
    (root / "minified.js").write_text("x" * 100_000)
    content = call("read_lines", path="minified.js").content
    assert content == f"1: {'x' * 500} [99,500 characters more]"


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"\xef\xbb\xbfa\r\nb", "1: a\n2: b"),
        ("ä\n".encode("utf-16"), "1: ä\n[decoded as utf-16]"),
        ("ä\n".encode("utf-32"), "1: ä\n[decoded as utf-32]"),
        (b"a\x0bb\x0cc\xc2\x85d\n", "1: a\x0bb\x0cc\x85d"),
        (b"\n\n", "1: \n2: "),
        (b"no end", "1: no end"),
    ],
)
def test_encodings_and_line_ends(call: Call, root: Path, data: bytes, content: str) -> None:
    (root / "f").write_bytes(data)
    assert call("read_lines", path="f").content == content


def test_another_encoding_is_detected_and_named(call: Call, root: Path) -> None:
    text = "Der Rücken schmerzt, die Füße sind müde, und trotzdem läuft er weiter über die Brücke.\n" * 5
    (root / "latin.txt").write_bytes(text.encode("cp1252"))
    content = call("read_lines", path="latin.txt").content
    assert content.startswith("1: Der Rücken schmerzt, die Füße sind müde")
    assert ", a guess]" in content


def test_a_long_file_in_another_encoding_is_read_to_its_end(call: Call, root: Path) -> None:
    (root / "long.txt").write_bytes("日本語のテキストです。とても長い文章が続きます。\n".encode("euc_jp") * 8_000)
    content = call("read_lines", path="long.txt", start=8000).content
    assert content.startswith("8000: 日本語のテキストです。とても長い文章が続きます。")


BINARY = {
    "elf": b"\x7fELF\x02\x01\x01\x00\x00\x00\xff\xfe",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "noise": bytes(range(1, 256)) * 40,
    "controls": b"abc \x81\x8d\x8f\x90\x9d" * 10,
    "broken utf-16": b"\xff\xfea\x00\x00\xd8a",
}


@pytest.mark.parametrize("data", BINARY.values(), ids=BINARY)
def test_a_binary_file_is_refused(fail: Fail, root: Path, data: bytes) -> None:
    (root / "blob").write_bytes(data)
    assert fail("read_lines", path="blob").code == "E-FILE-BINARY"


def test_what_is_detected_and_then_does_not_decode_is_refused(fail: Fail, root: Path) -> None:
    (root / "mixed").write_bytes("日本語のテキストです。\n".encode("euc_jp") * 12_000 + b"\xff\xff\xff")
    assert fail("read_lines", path="mixed").code == "E-FILE-BINARY"


def test_the_cause_is_kept(fail: Fail) -> None:
    error = fail("read_lines", path="nothing.txt")
    assert error.code == "E-FILE-UNKNOWN"
    assert isinstance(error.__cause__, FileNotFoundError)
    assert error.tool == "read_lines"


def test_parsing_gives_the_canonical_call(build: Build) -> None:
    tool = build("read_lines")
    parsed = tool.parse({"path": "./a//b/../c.txt", "start": "2", "end": None})
    assert parsed == {"path": "a/c.txt", "start": 2}
    assert tool.parse(parsed) == parsed


class Memory:
    """A workspace of one file that is not on a disk."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()

    def check(self, path: str) -> str:
        return path

    @contextmanager
    def reading(self, path: str) -> Iterator[BytesIO]:
        yield BytesIO(self._data)


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=("Cs",)), max_size=30), min_size=1),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(1, 10),
)
def test_reading_on_from_cut_to_cut_gives_every_line_once(lines: list[str], start: int, more: int, most: int) -> None:
    lines = [line.removeprefix("\ufeff") or "x" for line in lines]
    workspace: Any = Memory("\n".join(lines))
    tool = build_tool(workspace, most)
    end, seen = min(start + more, len(lines)), []
    while start <= end:
        content = tool(ReadLinesArguments(path="f", start=start, end=end)).content
        shown = [line.split(": ", 1) for line in content.split("\n") if not line.startswith("[")]
        assert 1 <= len(shown) <= most
        assert [int(number) for number, _ in shown] == list(range(start, start + len(shown)))
        seen += [text for _, text in shown]
        start += len(shown)
        assert (f"to read on: start={start}" in content) is (start <= end)
    assert seen == lines[end - len(seen) : end]


def build_tool(workspace: Any, most: int) -> Any:
    return build(ToolContext(workspace), OutputOptions(max_lines=most)).work
