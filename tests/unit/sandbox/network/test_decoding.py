"""Unpacking: what is packed once comes out whole, within bounds; all else is refused."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.errors import ToolError
from agentcli.sandbox.network.decoding import MOST_RATIO, RATIO_FROM, Decoder


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "x-gzip": gzip.compress,
}


def decoded(data: bytes, *encodings: str, limit: int = 1_000_000, piece: int = 1000) -> bytes:
    decoder = Decoder("a.example", encodings, limit)
    for at in range(0, len(data), piece):
        decoder.feed(data[at : at + piece])
    return decoder.finish()


def refused(data: bytes, *encodings: str, limit: int = 1_000_000) -> str:
    with pytest.raises(ToolError) as caught:
        decoded(data, *encodings, limit=limit)
    return caught.value.code


@given(st.binary(max_size=5000), st.sampled_from(["gzip", "deflate", "x-gzip"]), st.integers(1, 700))
def test_what_is_packed_comes_out_whole_however_it_is_cut(data: bytes, kind: str, piece: int) -> None:
    assert decoded(PACKERS[kind](data), kind, piece=piece) == data


@given(st.binary(max_size=2000))
def test_raw_deflate_is_known_by_its_first_byte(data: bytes) -> None:
    packed = raw_deflate(data)
    if packed[0] & 0x0F != 8:
        assert decoded(packed, "deflate") == data


@pytest.mark.parametrize("encodings", [(), ("",), ("identity",), ("Identity, ",)])
def test_what_is_not_packed_stays_as_it_is(encodings: tuple[str, ...]) -> None:
    assert decoded(b"abc", *encodings) == b"abc"


def test_an_empty_body_is_not_missing_its_end() -> None:
    assert decoded(b"", "gzip") == b""


@pytest.mark.parametrize("encodings", [("gzip, gzip",), ("gzip", "gzip"), ("deflate, identity, gzip",)])
def test_layers_are_refused(encodings: tuple[str, ...]) -> None:
    assert refused(gzip.compress(gzip.compress(b"x")), *encodings) == "E-NET-PROTOCOL"


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "nonsense"])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    assert refused(b"x", encoding) == "E-NET-PROTOCOL"


@pytest.mark.parametrize(
    "data",
    [b"no gzip", gzip.compress(b"x" * 100)[:-5], gzip.compress(b"x") + b"more"],
    ids=["no gzip", "cut off", "more behind it"],
)
def test_what_is_not_packed_right_is_refused(data: bytes) -> None:
    assert refused(data, "gzip") == "E-NET-PROTOCOL"


def test_a_bomb_is_stopped_by_its_ratio_and_by_its_size() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
    assert len(bomb) < 70_000
    assert refused(bomb, "gzip", limit=10**9) == "E-NET-TOO-LARGE"
    assert refused(bomb, "gzip", limit=1000) == "E-NET-TOO-LARGE"
    assert decoded(gzip.compress(bytes(RATIO_FROM)), "gzip") == bytes(RATIO_FROM)
    assert MOST_RATIO * 300 < RATIO_FROM


def test_a_body_of_exactly_the_limit_is_let_by() -> None:
    assert decoded(b"x" * 1000, limit=1000) == b"x" * 1000
    assert decoded(gzip.compress(b"x" * 1000), "gzip", limit=1000) == b"x" * 1000
    assert refused(b"x" * 1001, limit=1000) == "E-NET-TOO-LARGE"
    assert refused(gzip.compress(b"x" * 1001), "gzip", limit=1000) == "E-NET-TOO-LARGE"
