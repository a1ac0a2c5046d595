from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.providers.sse import SseEvent, SseOverflowError, SseParser

LINES = st.sampled_from(
    [
        "data: a",
        "data:b",
        "data",
        "data:  two",
        "event: x",
        "event:",
        ": comment",
        "",
        "id: 7",
        "retry: 3",
        "junk",
        "data: é🙂",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def parsed(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def reference(text: str) -> list[SseEvent]:
    """The standard's algorithm on the whole text at once."""
    events, name, data = [], "", []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        if not line:
            if data:
                events.append(SseEvent(name, "\n".join(data)))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
    return events


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 1000), max_size=30))
def test_any_chunking_gives_the_events_of_the_standard(lines: list[tuple[str, str]], places: list[int]) -> None:
    text = "".join(line + end for line, end in lines)
    # "\r" then "\n" of the next empty line is one line end by the standard, in the reference too
    assert parsed(*cut(text.encode(), places)) == reference(text)


@given(st.lists(st.text().filter(lambda text: not set(text) & set("\r\n\ufeff")), min_size=1, max_size=5))
def test_data_comes_back_as_it_was_sent_byte_by_byte(lines: list[str]) -> None:
    sent = "".join(f"data: {line}\n" for line in lines) + "\n"
    assert parsed(*(bytes([byte]) for byte in sent.encode())) == [SseEvent("", "\n".join(lines))]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert parsed(b"\xef", b"\xbb\xbfdata: x\n\n") == [SseEvent("", "x")]


def test_an_event_that_was_not_ended_is_none() -> None:
    assert parsed(b"data: x\n", b"data: y") == []


def test_an_event_past_the_limit_is_refused() -> None:
    parser = SseParser(limit=100)
    assert list(parser.feed(b"data: " + b"x" * 50 + b"\n\n"))
    assert list(parser.feed(b"y" * 100)) == []
    with pytest.raises(SseOverflowError):
        list(parser.feed(b"y"))


def test_the_limit_counts_one_event_not_the_stream() -> None:
    parser = SseParser(limit=100)
    assert sum(len(list(parser.feed(b"data: x\n\n"))) for _ in range(100)) == 100


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        parsed(b"data: \xff\n\n")


def test_a_long_line_in_tiny_chunks_costs_linear_time() -> None:
    def seconds(size: int) -> float:
        parser, piece = SseParser(), b"x" * 16
        started = time.process_time()
        for _ in range(size):
            list(parser.feed(piece))
        list(parser.feed(b"\n\n"))
        return time.process_time() - started

    seconds(1000)
    assert seconds(80_000) < 40 * max(seconds(8_000), 1e-3)
