"""Several events in one row."""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.canonical import decode, encode
from agentcli.journal.chunks import CHUNK, DamagedChunkError, pack_rows, unpack_rows
from agentcli.journal.packing import deflate, from_base_128, pack_body, to_base_128, unpack_body
from agentcli.journal.records import Row

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.integers(0, 2**40)
numbers = st.floats(allow_nan=False, allow_infinity=False)
digests = st.binary(min_size=32, max_size=32)
bodies = st.dictionaries(texts, texts | counts, max_size=3).map(lambda value: pack_body(encode(value)))


@st.composite
def runs_of_rows(draw: Any) -> list[Row]:
    first = draw(st.integers(1, 1000))
    columns: list[Any] = [
        texts.filter(lambda text: text != CHUNK),
        numbers,
        numbers,
        texts,
        st.none() | texts,
        st.none() | counts,
        st.none() | texts,
        st.none() | texts,
        st.none() | texts,
        st.none() | counts,
        st.none() | digests,
        st.none() | digests,
        bodies,
        st.lists(digests, max_size=3).map(b"".join),
        st.binary(min_size=4, max_size=4),
    ]
    return [(7, first + index, *(draw(column) for column in columns)) for index in range(draw(st.integers(1, 5)))]


def unpacked(row: Row) -> Row:
    return (*row[:14], unpack_body(row[14]), *row[15:])


@given(runs_of_rows())
def test_packed_rows_come_back(rows: list[Row]) -> None:
    packed = pack_rows(rows)
    assert (packed[0], packed[1], packed[2], packed[11]) == (7, rows[-1][1], CHUNK, len(rows))
    assert len(packed) == len(rows[0])
    assert [unpacked(row) for row in unpack_rows(packed)] == [unpacked(row) for row in rows]


def row(seq: int, **changes: Any) -> Row:
    values: dict[str, Any] = {"run": 1, "seq": seq, "type": "t", "time": 1.0, "mono": 1.0, "lane": ""}
    values |= dict.fromkeys(("parent", "turn", "step", "kind", "name", "ordinal", "request", "result"))
    values |= {"body": pack_body(b'{"text":"%d"}' % seq), "digests": sha256(b"%d" % seq).digest(), "mark": b"mark"}
    return tuple((values | changes).values())


ROWS = [row(seq) for seq in range(1, 101)]


@pytest.mark.parametrize(
    "rows",
    [
        [row(1), row(3)],
        [row(2), row(1)],
        [row(1, body=b"\x05")],
        [row(1, body=pack_body(b'{"a":"\n"}'))],
        [row(1, request=b"")],
        [row(1, time=1)],
        [row(1, type=b"bytes")],
        [row(1, lane="\ud800")],
    ],
)
def test_rows_that_would_not_come_back_are_not_packed(rows: list[Row]) -> None:
    with pytest.raises((ValueError, TypeError)):
        pack_rows(rows)


WHOLE = pack_rows(ROWS)


def with_body(body: bytes) -> Row:
    return (*WHOLE[:14], body, *WHOLE[15:])


def spans() -> list[tuple[int, int]]:
    """Where the deflated bytes of each of the three parts begin and end."""
    found, at = [], 4
    for _ in range(3):
        _, at = from_base_128(WHOLE[14], at)
        size, at = from_base_128(WHOLE[14], at)
        found.append((at, at + size))
        at += size
    return found


def read_until_damage(packed: Row) -> tuple[list[Row], tuple[int, int]]:
    """What can be had, and the first and last event that cannot."""
    read: list[Row] = []
    with pytest.raises(DamagedChunkError) as caught:
        read.extend(unpack_rows(packed))
    return read, (caught.value.first, caught.value.last)


@pytest.mark.parametrize(("part", "at_least"), [(1, 30), (2, 30)])
def test_what_stands_before_the_damage_is_still_read(part: int, at_least: int) -> None:
    begin, end = spans()[part]
    at = begin + (end - begin) * 7 // 10
    read, lost = read_until_damage(with_body(WHOLE[14][:at] + b"\xff\xff\xff" + WHOLE[14][at + 3 :]))
    assert len(read) >= at_least
    assert [unpacked(one) for one in read] == [unpacked(one) for one in ROWS[: len(read)]]
    assert lost == (len(read) + 1, 100)


def all_or_damage(packed: Row) -> None:
    """Each row that can be had is as it was; where one cannot, it is told which."""
    read: list[Row] = []
    lost = None
    try:
        read.extend(map(unpacked, unpack_rows(packed)))
    except DamagedChunkError as error:
        lost = error
    assert read == [unpacked(one) for one in ROWS[: len(read)]]
    assert (len(read) + 1, 100) == ((lost.first, lost.last) if lost else (101, 100))


@given(st.integers(0, len(WHOLE[14]) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at: int, change: int) -> None:
    body = bytearray(WHOLE[14])
    body[at] ^= change
    all_or_damage(with_body(bytes(body)))


@given(st.integers(0, len(WHOLE[14])))
def test_of_a_chunk_that_was_cut_off_nothing_is_made_up(size: int) -> None:
    all_or_damage(with_body(WHOLE[14][:size]))


def test_a_chunk_that_does_not_know_its_size_is_damage() -> None:
    assert read_until_damage((*WHOLE[:11], "x", *WHOLE[12:])) == ([], (100, 100))
    assert read_until_damage((*WHOLE[:11], 99, *WHOLE[12:])) == ([], (2, 100))


def forged(head: Any) -> Row:
    """A chunk whose head is another, with the checksum that belongs to it."""
    end = spans()[0][1]
    text = encode(head)
    part = to_base_128(len(text)) + to_base_128(len(deflate(text))) + deflate(text)
    return with_body(crc32(part).to_bytes(4) + part + WHOLE[14][end:])


def head() -> Any:
    begin, end = spans()[0]
    return decode(zlib.decompress(WHOLE[14][begin:end], -15))


def replaced(at: int, column: Any) -> Any:
    columns, checksums = head()
    return [[*columns[:at], column, *columns[at + 1 :]], checksums]


@pytest.mark.parametrize(
    "made",
    [
        {},
        [1, 2],
        [head()[0][:-1], head()[1]],
        [head()[0], 7],
        replaced(0, [1] * 100),
        replaced(1, ["now"] * 100),
        replaced(2, [1.0] * 99),
        replaced(5, {"a": 1}),
        replaced(12, [-1] * 100),
        [head()[0], head()[1][:-1]],
    ],
)
def test_a_chunk_with_columns_that_no_rows_have_is_damage(made: Any) -> None:
    assert read_until_damage(forged(made))[1][1] == 100
