"""A secret that comes in pieces is never shown."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.journal.redaction import SecretRedactor

SECRETS = {"TOKEN": "correct-horse-battery", "PHRASE": "open the pod bay doors"}
SHOWN = [
    "The key is correct-horse-battery, do not tell.",
    "Say open the pod bay doors please",
    "Authorization: Bearer   abcdef0123456789abcdef end",
    "password: 'hunter22 and' more",
    "API_KEY =\n abc123def456 x",
    "run --token abc123def456 now",
    "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA04\nAPIB0RhjXyObwHQnOzhAk5Bd7\n-----END PRIVATE KEY-----\nend",
    "a sk-abcdefghij0123456789abcdef b",
]
HIDDEN = ["correct-horse", "pod bay", "abcdef0123456789", "hunter22", "abc123def456", "MIIEow", "APIB0", "sk-abcdef"]


def redactor() -> SecretRedactor:
    return SecretRedactor(b"k" * 32, SECRETS)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@given(st.sampled_from(SHOWN), st.lists(st.integers(0, 500), max_size=40))
def test_however_a_text_is_cut_no_secret_is_shown_and_nothing_is_lost(text: str, cuts: list[int]) -> None:
    made = redactor()
    stream = made.stream()
    shown = "".join(stream.feed(piece) for piece in pieces(text, cuts)) + stream.flush()
    assert [secret for secret in HIDDEN if secret in shown] == []
    assert made.restore(shown) == text


@given(st.text(max_size=200), st.lists(st.integers(0, 200), max_size=20))
def test_any_text_comes_through(text: str, cuts: list[int]) -> None:
    made = redactor()
    stream = made.stream()
    shown = "".join(stream.feed(piece) for piece in pieces(text, cuts)) + stream.flush()
    assert made.restore(shown) == text


def test_words_are_shown_as_soon_as_they_have_ended() -> None:
    stream = redactor().stream()
    assert [stream.feed(piece) for piece in ("Hel", "lo wor", "ld. ", "Next")] == ["", "Hello ", "world. ", ""]
    assert stream.flush() == "Next"
    assert stream.flush() == ""


@pytest.mark.parametrize("text", ["x" * 40_000, "x= " * 20_000, "-----BEGIN PRIVATE KEY-----\n" + "A b" * 20_000])
def test_what_never_gives_a_chance_to_cut_is_shown_in_the_end(text: str) -> None:
    stream = redactor().stream()
    shown = [stream.feed(text[at : at + 100]) for at in range(0, len(text), 100)]
    assert any(shown)


@pytest.mark.parametrize("step", [50, 4096, 20_000])
@pytest.mark.parametrize("before", range(8_170, 8_200, 3))
def test_a_text_without_any_space_is_never_cut_inside_a_secret(before: int, step: int) -> None:
    text = "x" * before + "." + SECRETS["TOKEN"] + "." + "y" * 9_000
    made = redactor()
    stream = made.stream()
    shown = "".join(stream.feed(text[at : at + step]) for at in range(0, len(text), step)) + stream.flush()
    assert "correct" not in shown
    assert "battery" not in shown
    assert made.restore(shown) == text
