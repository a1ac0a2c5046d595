"""One value, one encoding; what was encoded comes back as it was."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.canonical import decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@given(values)
def test_an_encoding_is_what_the_standard_library_makes_of_it(value: Any) -> None:
    said = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    assert encode(value) == said.encode()


@given(values)
def test_what_was_encoded_comes_back_to_the_last_digit(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert encode(back) == encode(value)


@pytest.mark.parametrize(
    "text", ['"\\ud800"', "1e400", "-0", "-0.0", "[" * 300 + "]" * 300, '{"a":1,"a":2}', " [1] ", "1" * 4300]
)
def test_what_nobody_here_encodes_is_read_as_the_standard_library_reads_it(text: str) -> None:
    value = decode(text.encode())
    assert (value, type(value), repr(value)) == ((found := json.loads(text)), type(found), repr(found))


def test_no_number_is_read_as_such() -> None:
    assert math.isnan(decode(b"NaN"))


@pytest.mark.parametrize("data", [b"", b"{", b"[1]x", b"01", b"1.", b'"\x01"', b"\xff", b'"\xed\xa0\x80"'])
def test_what_is_no_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the codec's own words
        decode(data)


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800"])
def test_what_has_no_encoding_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the codec's own words
        encode(value)


def test_what_is_no_value_of_json_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode(object())
