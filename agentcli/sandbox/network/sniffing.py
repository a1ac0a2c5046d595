"""What content is, by its first bytes, against what it says it is."""

from __future__ import annotations

import re
from typing import Final

_SAMPLE: Final = 1024

_MAGIC: Final = (
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xfe\xed\xfa\xce", "a program"),
    (b"\xfe\xed\xfa\xcf", "a program"),
    (b"\xce\xfa\xed\xfe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\0asm", "a program"),
    (b"!<arch>\n", "an archive"),
    (b"PK\x03\x04", "an archive"),
    (b"PK\x05\x06", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!\x1a\x07", "an archive"),
    (b"\xfd7zXZ\0", "an archive"),
    (b"\x28\xb5\x2f\xfd", "an archive"),
    (b"BZh", "an archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (b"SQLite format 3\0", "a database"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF87a", "an image"),
    (b"GIF89a", "an image"),
    (b"OggS", "sound or video"),
    (b"ID3", "sound or video"),
    (b"fLaC", "sound or video"),
    (b"\x1aE\xdf\xa3", "sound or video"),
)
_PLAIN: Final = (b"MZ", b"BZh", b"ID3")
"""Marks in plain letters, with which a text may begin too: with them, content is binary if a control byte is near."""

_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
"""Byte order marks of texts that hold zero bytes."""

_TEXT: Final = re.compile(r"text/.*|.*[/+](json|xml)|application/(javascript|ecmascript|x-ndjson|yaml|x-yaml|toml|sql)")
_ESSENCE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")

HTML: Final = ("text/html", "application/xhtml+xml")


def media_type(content_type: str) -> str:
    """The declared type without its parameters; empty where it cannot be read."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence if _ESSENCE.fullmatch(essence) else ""


def says_text(media: str) -> bool:
    """Whether a declared type is one of text. None declared says nothing."""
    return _TEXT.fullmatch(media) is not None


def binary_kind(data: bytes) -> str | None:
    """What binary content is, in a word or two; None for text."""
    sample = data[:_SAMPLE]
    for mark, kind in _MAGIC:
        if sample.startswith(mark) and (mark not in _PLAIN or _CONTROL.search(sample)):
            return kind
    if sample[257:262] == b"ustar":
        return "an archive"
    if sample[:4] == b"RIFF" and sample[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return "an image" if sample[8:12] == b"WEBP" else "sound or video"
    if b"\0" in sample and not sample.startswith(_WIDE):
        return "binary content"
    return None


def looks_like_html(data: bytes) -> bool:
    """Whether undeclared content begins as a page does."""
    begin = data[:_SAMPLE].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return begin.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))
