"""What content is, and in which characters it is written."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.sandbox.network import charsets
from agentcli.sandbox.network.sniffing import binary_kind, looks_like_html, media_type, says_text


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(20), "a program"),
        (b"MZ\x90\0\x03", "a program"),
        (b"MZ is how this text begins", None),
        (b"BZh91AY&SY\x01", "an archive"),
        (b"BZh is no word", None),
        (b"PK\x03\x04\x14\0", "an archive"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "an image"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "sound or video"),
        (b"RIFF is a word", None),
        (b"a" * 257 + b"ustar", "an archive"),
        (b"text with a \0 in it", "binary content"),
        (b"\xff\xfeh\0i\0", None),
        (b"plain text", None),
        (b"<!doctype html>", None),
        (b"", None),
    ],
)
def test_content_is_known_by_its_beginning(data: bytes, kind: str | None) -> None:
    assert binary_kind(data) == kind


@pytest.mark.parametrize(
    ("declared", "media", "text"),
    [
        ("text/html; charset=utf-8", "text/html", True),
        ("Application/JSON", "application/json", True),
        ("application/ld+json", "application/ld+json", True),
        ("image/svg+xml", "image/svg+xml", True),
        ("application/xml", "application/xml", True),
        ("application/octet-stream", "application/octet-stream", False),
        ("image/png", "image/png", False),
        ("", "", False),
        ("not a type", "", False),
        ("text/html\x00/x", "", False),
    ],
)
def test_a_declared_type_is_read(declared: str, media: str, text: bool) -> None:
    assert media_type(declared) == media
    assert says_text(media) is text


def test_a_page_without_a_type_is_known_by_its_beginning() -> None:
    assert looks_like_html(b"\xef\xbb\xbf\n <!DOCTYPE html>")
    assert looks_like_html(b"<HTML lang=en>")
    assert not looks_like_html(b"# Title\n<html>")


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        (b"caf\xc3\xa9", "", "café"),
        (b"caf\xe9", "text/html; charset=iso-8859-1", "café"),
        (b"caf\xe9", 'text/html; charset="Latin1"', "café"),
        (b"\x93hi\x94", "text/plain; charset=us-ascii", "\u201chi\u201d"),
        (codecs.BOM_UTF8 + b"caf\xc3\xa9", "text/html; charset=iso-8859-1", "café"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), "", "é"),
        (codecs.BOM_UTF32_BE + "é".encode("utf-32-be"), "", "é"),
        (b'<meta charset="windows-1251"><p>\xcf', "text/html", '<meta charset="windows-1251"><p>\u041f'),
        (
            b"<meta http-equiv=x content='text/html; charset=shift_jis'>\x83\x65",
            "",
            "<meta http-equiv=x content='text/html; charset=shift_jis'>\u30c6",
        ),
        (b"<?xml version='1.0' encoding='ISO-8859-2'?>\xb1", "", "<?xml version='1.0' encoding='ISO-8859-2'?>\u0105"),
        (b"caf\xc3\xa9", "text/plain; charset=no-such-thing", "café"),
        (b"a\xffb", "text/plain; charset=utf-8", "a\ufffdb"),
        (b"+ADw-script+AD4-", "text/html; charset=utf-7", "+ADw-script+AD4-"),
        (rb"\x41", "text/html; charset=unicode_escape", r"\x41"),
    ],
)
def test_text_is_read_in_the_characters_it_is_written_in(data: bytes, content_type: str, text: str) -> None:
    assert charsets.decode(data, content_type) == text


@pytest.mark.parametrize("name", ["idna", "punycode", "utf-7", "unicode_escape", "rot13", "hex", "zlib", "nonsense"])
def test_encodings_that_are_no_texts_of_the_web_are_not_known(name: str) -> None:
    assert charsets.known(name) is None


def test_every_known_encoding_is_one_of_pythons() -> None:
    for name in charsets.KNOWN:
        assert charsets.known(name) is not None
        b"".decode(name)


def test_text_in_no_declared_encoding_is_guessed() -> None:
    russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 20
    assert charsets.decode(russian.encode("windows-1251"), "") == russian
    assert charsets.decode(bytes(range(128, 256)) * 3, "") != ""


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_become_text(data: bytes, content_type: str) -> None:
    assert isinstance(charsets.decode(data, content_type), str)
