"""Unpacking a body within bounds: gzip or deflate, one layer, no more than so much and no more than so many times."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from agentcli.sandbox.network import refusals

MOST_RATIO: Final = 200
"""Bytes out for one byte in, once past RATIO_FROM. Pages come to 5 to 20; a bomb of one layer to 1,000."""

RATIO_FROM: Final = 256 * 1024

ACCEPTED: Final = "gzip, deflate"

_GZIP: Final = 16 + zlib.MAX_WBITS


class Decoder:
    """Takes the body as it comes off the wire, and gives it unpacked; never holds more than `limit` bytes.

    Raises ToolError E-NET-TOO-LARGE past the limit, E-NET-PROTOCOL for what cannot be unpacked.
    """

    def __init__(self, host: str, encodings: Sequence[str], limit: int) -> None:
        self._host = host
        self._limit = limit
        self._kind = _kind(host, encodings)
        self._inflate = zlib.decompressobj(_GZIP) if self._kind == "gzip" else None
        self._packed = 0
        self._size = 0
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """The next piece."""
        self._packed += len(data)
        if self._kind == "identity":
            self._add(data)
            return
        if self._inflate is None:
            self._inflate = _deflate(data)
        try:
            # One byte more than may come: so that going past the limit is noticed.
            self._add(self._inflate.decompress(data, self._limit - self._size + 1))
        except zlib.error:
            raise refusals.broken(self._host, f"It says that it is packed with {self._kind} and is not.") from None
        if self._inflate.unused_data:
            raise refusals.broken(self._host, "There is something after the end of the packed content.")

    def finish(self) -> bytes:
        """The whole body."""
        if self._inflate is not None and self._packed and not self._inflate.eof:
            raise refusals.broken(self._host, "The packed content ends before its end.")
        return b"".join(self._out)

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise refusals.too_large(self._host, "bytes", self._limit)
        if self._size > max(RATIO_FROM, self._packed * MOST_RATIO):
            raise refusals.too_large(self._host, "times what was sent", MOST_RATIO)
        self._out.append(data)


def _kind(host: str, encodings: Sequence[str]) -> str:
    names = [name.strip().lower() for text in encodings for name in text.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > 1:
        raise refusals.broken(host, "Its content is packed more than once.")
    kind = {"x-gzip": "gzip"}.get(names[0], names[0]) if names else "identity"
    if kind not in ("identity", "gzip", "deflate"):
        raise refusals.broken(host, "Its content is packed in a way that was not asked for.")
    return kind


def _deflate(data: bytes) -> zlib._Decompress:
    """`deflate` is zlib's format by the standard, and raw with many servers; the first byte tells."""
    return zlib.decompressobj(zlib.MAX_WBITS if data[:1] and data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
