"""Several events of a run in one row of `events`: what rows become once their run has ended.

The row stands under the seq of its last event, and its type, `+`, is that of no event; `ordinal` says how many events
it holds. Its body is a checksum (CRC-32) of the first part, and three parts, each deflated behind its size and its
packed size in base 128:

- the head, a JSON array: the columns of the rows, each a list, and a checksum of the other parts for every eight rows;
- the texts of the bodies, one a line (canonical JSON has no raw line feed);
- the bytes: for each row its request, result, digests and mark, as many of them as its columns say.

So the same words stand there once, and a hash that was there before takes three bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise, repeat
from typing import Any, Final
from zlib import crc32

from agentcli.core.canonical import decode, encode
from agentcli.journal.packing import deflate, from_base_128, inflate, inflate_part, plain_body, to_base_128, unpack_body
from agentcli.journal.records import Row

CHUNK: Final = "+"
"""The type of a row that holds several events."""

CHUNK_EVENTS: Final = 128
"""Events in one row at most: so many are unpacked to read one of them, and may be lost where it is damaged."""

_NONE = type(None)
_COLUMNS: Final[tuple[set[type], ...]] = (
    {str},  # type
    {float},  # time
    {float},  # mono
    {str},  # lane
    {str, _NONE},  # parent
    {int, _NONE},  # turn
    {str, _NONE},  # step
    {str, _NONE},  # kind
    {str, _NONE},  # name
    {int, _NONE},  # ordinal
    {int},  # bytes of the request's digest, 0 for none; likewise
    {int},  # of the result's,
    {int},  # of the digests,
    {int},  # of the mark
)
_GROUP: Final = 8
_CHECKSUM: Final = 4
_PLAIN: Final = 10
"""Columns that stand in the JSON as they are."""


class DamagedChunkError(ValueError):
    """Events `first` to `last` of a run cannot be read."""

    def __init__(self, first: int, last: int, why: str) -> None:
        super().__init__(why)
        self.first = first
        self.last = last


def pack_rows(rows: Sequence[Row]) -> Row:
    """The one row for rows that follow each other. Raises ValueError or TypeError where they would not come back."""
    run, last, _, time, mono = rows[-1][:5]
    texts = [unpack_body(row[14]) for row in rows]
    hashes = [(row[12] or b"", row[13] or b"", row[15], row[16]) for row in rows]
    columns = [*zip(*(row[2 : 2 + _PLAIN] for row in rows), strict=True)]
    columns += zip(*(map(len, four) for four in hashes), strict=True)
    joined = [b"".join(four) for four in hashes]
    head = _part(encode([columns, _checksums(texts, joined)]))
    body = _checksum(head) + head + _part(b"\n".join(texts)) + _part(b"".join(joined))
    packed = (run, last, CHUNK, time, mono, "", *repeat(None, 5), len(rows), None, None, body, b"", b"")
    back = [(*row[:14], unpack_body(row[14]), *row[15:]) for row in unpack_rows(packed)]
    if back != [(*row[:14], text, *row[15:]) for row, text in zip(rows, texts, strict=True)]:
        raise ValueError("the events do not come back")
    return packed


def unpack_rows(packed: Row) -> Iterator[Row]:
    """The rows that were packed, one a time. Raises DamagedChunkError at the first that cannot be had any more."""
    run, last, count = packed[0], packed[1], packed[11]
    first = last - count + 1 if isinstance(count, int) else last
    try:
        for rows in _unpacked(run, range(first, last + 1), packed[14]):
            yield from rows
            first += len(rows)
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedChunkError(first, last, str(error)) from error


def _unpacked(run: int, seqs: range, body: bytes) -> Iterator[list[Row]]:
    head, texts, hashes = _parts(body)
    columns, checksums = _columns(decode(inflate(*head)), len(seqs))
    lines, data = inflate_part(*texts).split(b"\n"), inflate_part(*hashes)
    request, result, digests, mark = pieces = _cut(data, columns[_PLAIN:])
    envelopes = (repeat(run), seqs, *columns[:_PLAIN], map(_or_none, request), map(_or_none, result))
    rows = zip(*envelopes, map(plain_body, lines), digests, mark, strict=False)
    for at, checksum in zip(range(0, len(seqs), _GROUP), checksums, strict=True):
        group = slice(at, at + _GROUP)
        joined = map(b"".join, zip(lines[group], *(piece[group] for piece in pieces), strict=False))
        if crc32(b"".join(joined)) != checksum:
            raise ValueError("its bytes are not what was written")
        yield list(islice(rows, _GROUP))


def _part(data: bytes) -> bytes:
    packed = deflate(data)
    return to_base_128(len(data)) + to_base_128(len(packed)) + packed


def _parts(body: bytes) -> list[tuple[bytes, int]]:
    """Each part, and its size when it is inflated."""
    found, at = [], _CHECKSUM
    for _ in range(3):
        size, at = from_base_128(body, at)
        packed, at = from_base_128(body, at)
        found.append((body[at : at + packed], size))
        if not found[1:] and _checksum(body[_CHECKSUM : at + packed]) != body[:_CHECKSUM]:
            raise ValueError("its bytes are not what was written")
        at += packed
    return found


def _checksum(data: bytes) -> bytes:
    return crc32(data).to_bytes(_CHECKSUM)


def _checksums(texts: Sequence[bytes], hashes: Sequence[bytes]) -> list[int]:
    """One for every few rows: that a row cannot be had must not cost the others."""
    both = [text + some for text, some in zip(texts, hashes, strict=True)]
    return [crc32(b"".join(both[at : at + _GROUP])) for at in range(0, max(1, len(both)), _GROUP)]


def _columns(head: Any, count: int) -> tuple[list[list[Any]], list[int]]:
    """Raises ValueError for what no rows have: a journal may be somebody else's."""
    columns, checksums = head
    if len(columns) != len(_COLUMNS) or not isinstance(checksums, list):
        raise ValueError("its columns are not those of events")
    for column, kinds in zip(columns, _COLUMNS, strict=True):
        if not isinstance(column, list) or len(column) != count or not set(map(type, column)) <= kinds:
            raise ValueError("its columns are not those of events")
    return columns, checksums


def _cut(data: bytes, sizes: list[list[int]]) -> list[list[bytes]]:
    """The columns of bytes, of these sizes: those of the first row lie one behind the other, then those of the next."""
    if any(min(column, default=0) < 0 for column in sizes):
        raise ValueError("its columns are not those of events")
    ends = [0, *accumulate(chain.from_iterable(zip(*sizes, strict=True)))]
    pieces = [data[begin:end] for begin, end in pairwise(ends)]
    return [pieces[at :: len(sizes)] for at in range(len(sizes))]


def _or_none(digest: bytes) -> bytes | None:
    return digest or None
