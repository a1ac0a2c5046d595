"""Rows as they are read: each that is none is kept as an error, and no other is touched by it."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.errors import UsageError
from agentcli.workbench import row_source
from agentcli.workbench.row_source import RowSource, csv_rows, json_rows, open_rows

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=6)
FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def of(rows: Any) -> list[Any]:
    return [row["input"] if "error" not in row else row["error"]["why"] for row in rows]


def test_json_lines_are_rows_and_empty_lines_none() -> None:
    lines = [b'{"a": 1}\n', b"\n", b"  \r\n", b'{"b": [2]}']
    assert of(json_rows(lines)) == [{"a": 1}, {"b": [2]}]


@pytest.mark.parametrize(
    ("line", "given", "why"),
    [
        (b"[1]", [1], "Line 2 is a list, and no object with inputs by name."),
        (b"null", None, "Line 2 is null, and no object with inputs by name."),
        (b'{"a":', '{"a":', "Line 2 is no JSON: Expecting value: line 1 column 6 (char 5)."),
        (b'{"a": NaN}', '{"a": NaN}', "Line 2 is no JSON: NaN is not JSON."),
        (b"\xff", "�", "Line 2 is no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte."),
    ],
)
def test_a_line_that_is_no_row_is_kept_with_what_is_wrong(line: bytes, given: Any, why: str) -> None:
    before, bad, after = json_rows([b'{"a": 1}\n', line + b"\n", b'{"a": 3}\n'])
    assert (before, after) == ({"input": {"a": 1}}, {"input": {"a": 3}})
    assert (bad["input"], bad["error"]["why"], bad["error"]["code"]) == (given, why, "E-EACH-ROW")


def test_a_line_nested_without_end_is_an_error_row() -> None:
    bad, after = json_rows([b'{"a":' + b"[" * 100_000 + b"\n", b'{"a": 1}\n'])
    assert "error" in bad
    assert after == {"input": {"a": 1}}


def test_a_line_without_end_is_cut_and_an_error_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_source, "MAX_LINE", 20)
    (tmp_path / "r.jsonl").write_bytes(b'{"a": "' + b"x" * 95 + b'"}\n{"a": 1}\n')
    with closing(open_rows("r.jsonl", tmp_path, io.StringIO())) as source:
        rows, more = source.part()
    assert (of(rows), more) == (["Line 1 is longer than 0 MB.", {"a": 1}], False)


def test_csv_records_are_rows_by_the_names_of_the_header() -> None:
    lines = [b"\xef\xbb\xbfa,b\n".removeprefix(b"\xef\xbb\xbf"), b"1,2\n", b"\n", b'"x\n', b'y","""q"""\n']
    assert of(csv_rows(lines)) == [{"a": "1", "b": "2"}, {"a": "x\ny", "b": '"q"'}]


def test_a_bad_record_in_the_middle_of_a_csv_file_is_an_error_row() -> None:
    lines = [b"a,b\n", b"1,2\n", b"1\n", b"1,2,3\n", b"\xff,1\n", b'"x"y,3\n', b"4,5\n", b'"open\n', b"end\n"]
    assert of(csv_rows(lines)) == [
        {"a": "1", "b": "2"},
        "Line 3 has not as many fields as the header: 1 instead of 2.",
        "Line 4 has not as many fields as the header: 3 instead of 2.",
        "Line 5 is not text in UTF-8.",
        "Line 6: ',' expected after '\"'.",
        {"a": "4", "b": "5"},
        "Lines 8 to 9: unexpected end of data.",
    ]


@pytest.mark.parametrize("header", [b"", b"\n", b"a,\n", b"a,a\n", b'"a\n', b"\xff,b\n"])
def test_a_header_that_names_no_inputs_is_an_error_before_any_row(header: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        list(csv_rows([header] if header else []))
    assert caught.value.code == "E-EACH-HEADER"


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=8))
def test_whatever_was_written_as_json_lines_is_read(rows: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode().splitlines(keepends=True)
    assert [row.get("input") for row in json_rows(lines)] == rows


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.data())
def test_whatever_was_written_as_csv_is_read(names: list[str], data: st.DataObject) -> None:
    records = data.draw(st.lists(st.lists(FIELDS, min_size=len(names), max_size=len(names)), max_size=6))
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *records])
    found = list(csv_rows(io.BytesIO(text.getvalue().encode())))
    assert [row.get("input") for row in found] == [dict(zip(names, record, strict=True)) for record in records]


@given(st.lists(st.binary(max_size=12), max_size=12), st.sampled_from([json_rows, csv_rows]))
def test_whatever_stands_in_a_file_gives_rows_or_says_why_not(lines: list[bytes], read: Any) -> None:
    file = io.BytesIO(b"a,b\n" + b"\n".join(lines))
    for row in read(file):
        assert "input" in row
        assert row.keys() <= {"input", "error"}
        json.dumps(row)


def test_rows_come_in_parts_that_are_no_longer_than_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_source, "PART_ROWS", 3)
    source = RowSource("r", iter([{"input": number} for number in range(7)]))
    assert [source.part() for _ in range(3)] == [
        ([{"input": 0}, {"input": 1}, {"input": 2}], True),
        ([{"input": 3}, {"input": 4}, {"input": 5}], True),
        ([{"input": 6}], False),
    ]
    monkeypatch.setattr(row_source, "PART_CHARS", 30)
    long = RowSource("r", iter([{"input": "x" * 50}] * 3))
    assert [len(long.part()[0]) for _ in range(3)] == [1, 1, 1]
    assert RowSource("r", iter([])).part() == ([], False)


def test_a_file_is_told_by_its_name_and_a_mark_at_its_start_is_none_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "R.CSV").write_bytes(b"\xef\xbb\xbfa\r\n1\r\n")
    source = open_rows("R.CSV", tmp_path, io.StringIO())
    assert source.part() == ([{"input": {"a": "1"}}], False)
    source.close()


def test_standard_input_is_json_lines() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"a": "\xc3\xa9"}\n'), encoding="ascii")
    source = open_rows("-", Path(), stdin)
    assert source.part() == ([{"input": {"a": "é"}}], False)
    source.close()
    assert open_rows("-", Path(), io.StringIO('{"a": 1}\n')).part() == ([{"input": {"a": 1}}], False)


@pytest.mark.parametrize(
    ("name", "code"), [("r.txt", "E-EACH-FORMAT"), ("r", "E-EACH-FORMAT"), ("r.csv", "E-EACH-FILE")]
)
def test_what_cannot_be_read_is_said_before_there_is_a_run(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(name, tmp_path, io.StringIO())
    assert caught.value.code == code
