"""Compression of contents and bodies."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.canonical import digest_bytes
from agentcli.journal import packing
from agentcli.journal.packing import (
    Coding,
    deflate,
    from_base_128,
    inflate,
    inflate_part,
    pack,
    pack_body,
    to_base_128,
    unpack,
    unpack_body,
)


@given(st.binary(max_size=6000) | st.text(max_size=3000).map(str.encode))
def test_what_is_packed_comes_back(data: bytes) -> None:
    coding, kept = pack(data)
    assert len(kept) <= len(data)
    assert unpack(coding, kept, len(data)) == data
    assert unpack_body(pack_body(data)) == data


@given(st.binary(max_size=50_000), st.binary(max_size=50_000))
def test_a_base_of_any_size_works(data: bytes, base: bytes) -> None:
    assert unpack(Coding.DEFLATE_BASE, deflate(data, base), len(data), base) == data


def test_a_related_base_makes_a_content_tiny() -> None:
    data = bytes(range(256)) * 20
    assert len(deflate(b"[" + data + b"]", data)) < 60


def test_what_does_not_shrink_is_kept_raw() -> None:
    assert pack(b"\xff\xfe\x80") == (Coding.RAW, b"\xff\xfe\x80")


@pytest.mark.parametrize("size", [0, 9, 11, 2**40])
def test_never_more_bytes_come_out_than_were_kept(size: int) -> None:
    with pytest.raises(ValueError, match=r"came out|calls itself"):
        inflate(deflate(b"x" * 10), size)


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(ValueError, match=r"came out|calls itself"):
        inflate(deflate(bytes(10_000_000)), 10)


@pytest.mark.parametrize("damage", [b"", b"\x80", b"\x80\x80\x80\x80\x80\x80", b"\x05garbage!", b"\x05"])
def test_a_damaged_body_is_said_to_be_one(damage: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several layers may notice first
        unpack_body(damage)


def test_a_raw_content_of_another_size_is_damage() -> None:
    with pytest.raises(ValueError, match="are there"):
        unpack(Coding.RAW, b"abc", 4)


def test_the_dictionary_never_changes() -> None:
    """Changing it makes every journal unreadable: a better one is a new coding."""
    dictionary = packing._DICTIONARY_1
    assert len(dictionary) < packing.WINDOW
    assert digest_bytes(dictionary) == "7726c41a4ec36923cf701df8102d908f832f7c2474880b7395d98ac224a91c65"
    assert zlib.decompressobj(-15, zdict=dictionary).decompress(deflate(b"hello", dictionary)) == b"hello"


@given(st.binary(min_size=300, max_size=5000), st.integers(0, 4000), st.data())
def test_of_damaged_data_all_before_the_damage_is_had(data: bytes, cut: int, drawn: st.DataObject) -> None:
    packed = deflate(data)
    part = inflate_part(packed[:cut], len(data))
    assert data.startswith(part)
    assert part == data or cut < len(packed)
    size = drawn.draw(st.integers(0, len(data)))
    assert inflate_part(packed, size) == data[:size]


def test_no_more_is_had_of_damaged_data_than_it_calls_its_size() -> None:
    assert inflate_part(deflate(b"x" * 1_000_000), 10) == b"x" * 10
    with pytest.raises(ValueError, match="calls itself"):
        inflate_part(b"", -1)


def test_damage_behind_what_it_calls_its_size_costs_nothing() -> None:
    text = bytes(251)
    plain_block = b"\x00" + len(text).to_bytes(2, "little") + (len(text) ^ 0xFFFF).to_bytes(2, "little") + text
    no_block = b"\x07"
    assert inflate_part(plain_block + no_block * 600, 250) == text[:250]


@given(st.integers(0, 2**35 - 1), st.binary(max_size=3))
def test_a_number_in_base_128_comes_back(number: int, before: bytes) -> None:
    written = before + to_base_128(number)
    assert from_base_128(written + b"behind", len(before)) == (number, len(written))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9])
def test_a_number_that_does_not_end_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="a number is missing"):
        from_base_128(data)
