"""Canonical JSON and the digests over it.

One value has one encoding: UTF-8, keys sorted by code point, no white space, no NaN or infinity. It follows
RFC 8785 except for the spelling of floats, which is Python's shortest repr.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value of JSON: None, bool, int, float, str, list or tuple of it, dict from str to it."""

Digest: TypeAlias = str
"""A SHA-256 as 64 lower-case hex digits."""

_decoder = json.JSONDecoder()
_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)


def _pieces_of() -> Callable[[Json, int], Iterable[str]]:
    """What `JSONEncoder` encodes with. It makes one for every value, which takes as long as encoding a small one."""
    make, own = getattr(json.encoder, "c_make_encoder", None), _encoder
    if make is None:  # a Python without it
        return lambda value, _level: [own.encode(value)]
    separators = (own.key_separator, own.item_separator)
    texts = json.encoder.encode_basestring
    pieces: Callable[[Json, int], Iterable[str]] = make(
        None, own.default, texts, None, *separators, own.sort_keys, own.skipkeys, own.allow_nan
    )
    return pieces


_pieces = _pieces_of()


def encode(value: Json) -> bytes:
    """The canonical encoding. Raises ValueError for NaN, infinity or a lone surrogate, TypeError for non-JSON."""
    return "".join(_pieces(value, 0)).encode()


@cache
def _parser() -> Callable[..., Json]:
    """Pydantic's, which takes half the time. Loaded late: who only lists runs decodes nothing."""
    from pydantic_core import from_json

    return from_json


def decode(data: bytes) -> Json:
    """The value that `encode` encoded. Raises ValueError for what is no JSON."""
    try:
        return _parser()(data, allow_inf_nan=False)
    except ValueError:  # `json` reads more: NaN, half a character that is escaped, more than 200 levels
        return _decoder.decode(data.decode())


def digest_bytes(data: bytes) -> Digest:
    """SHA-256 of the bytes."""
    return sha256(data).hexdigest()


def digest(value: Json) -> Digest:
    """SHA-256 of the canonical encoding."""
    return sha256(encode(value)).hexdigest()


def chain(previous: Digest, added: Digest) -> Digest:
    """The digest of a growing sequence: what it was before, and the digest of what was added."""
    return sha256(f"{previous}{added}".encode()).hexdigest()
