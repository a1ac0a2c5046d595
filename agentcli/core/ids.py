"""Run ids: they sort by time and can be typed."""

from __future__ import annotations

from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u."""

RANDOM_BITS = 30


def run_id(unix_seconds: float, random_bits: int) -> str:
    """`20261121-081532-k7f3qz`: UTC, then six base-32 characters of `random_bits` (30 bits are used)."""
    stamp = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y%m%d-%H%M%S")
    tail = "".join(ALPHABET[(random_bits >> shift) & 31] for shift in range(25, -5, -5))
    return f"{stamp}-{tail}"
