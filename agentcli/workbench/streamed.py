"""The text of an answer, in the pieces in which it was streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def pieces(text: str, deltas: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Each piece, and the milliseconds since the one before, as `ModelCompleted.deltas` says; none where it is empty.

    What the pairs do not cover comes last, without a wait: a record may come from anywhere.
    """
    at = 0
    for length, wait_ms in zip(deltas[::2], deltas[1::2], strict=False):
        if piece := text[at : at + max(length, 0)]:
            yield piece, max(wait_ms, 0)
            at += len(piece)
    if deltas and at < len(text):
        yield text[at:], 0
