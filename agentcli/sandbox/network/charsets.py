"""The characters of a body: by its byte order mark, what the server says, what the page says, else a guess."""

from __future__ import annotations

import codecs
import re
from typing import Final

_DECLARED: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META: Final = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_PROLOG: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 1024
_GUESSED: Final = 64 * 1024

KNOWN: Final = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "gb2312", "gbk", "gb18030", "big5", "big5hkscs"}
    | {"euc_jp", "iso2022_jp", "shift_jis", "cp932", "euc_kr", "cp949", "koi8-r", "koi8-u", "cp866", "tis-620", "cp874"}
    | {"mac-roman", "mac-cyrillic"}
    | {f"iso8859-{part}" for part in range(1, 17) if part != 12}
    | {f"cp125{part}" for part in range(9)}
)
"""Encodings of text on the web. Python has others under the same roof that are programs (`unicode_escape`), slow on
hostile input (`idna`, `punycode`) or dangerous after decoding (`utf-7`).
"""

_WIDENED: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
}
"""What browsers read under these names."""


def decode(data: bytes, content_type: str) -> str:
    """The text. Bytes that are none become U+FFFD: a page with one wrong byte is still a page."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            # UTF-16 and UTF-32 read their own mark.
            return (data[len(mark) :] if encoding == "utf-8" else data).decode(encoding, "replace")
    declared = _DECLARED.search(content_type)
    name = known(declared[1]) if declared else None
    if name is None and (said := _META.search(data[:_SAMPLE]) or _PROLOG.match(data[:_SAMPLE])):
        name = known(said[1].decode("ascii"))
    if name is not None:
        return data.decode(name, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(_guess(data), "replace")


def known(name: str) -> str | None:
    """The encoding that a page means by a name; None for one that is not of the web."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return _WIDENED.get(found, found) if found in KNOWN else None


def _guess(data: bytes) -> str:
    import charset_normalizer

    best = charset_normalizer.from_bytes(data[:_GUESSED]).best()
    return (known(best.encoding) if best is not None else None) or "cp1252"
