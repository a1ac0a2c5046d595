"""What a text says to whoever sees through it: without what is invisible, with look-alikes as the letters that they
look like, with what its tag characters spell, and with its base64 decoded.

Making a view costs more than looking for phrases. So each has a `NEEDS` in the syntax of RE2: where that matches
nothing, the view would show nothing new.
"""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from agentcli.core.values import value

_INVISIBLE: Final = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
                               "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]+")  # fmt: skip
_TAGS: Final = re.compile("(\U0001f3f4?)([\U000e0020-\U000e007e]{4,})\U000e007f?")
"""A black flag before them makes a flag of a region of them: England's, say."""

_CYRILLIC: Final = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u04bb\u04cf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
)
_GREEK: Final = "\u03bf\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
_LIKE: Final = {
    **str.maketrans(_CYRILLIC, "aeopcyxijsdqhlABEKMHOPCTXIJS"),
    **str.maketrans(_GREEK, "oABEZHIKMNOPTYX"),
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
}
"""Letters of other scripts that look like Latin ones, and those of full width. One for one: places stay."""

_LIKES: Final = re.compile(f"[{_CYRILLIC}{_GREEK}\uff01-\uff5e]+")

NEEDS_PLAIN: Final = (
    r"(?-i:[\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}"
    r"\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{E0000}-\x{E01EF}\x{FF21}-\x{FF5A}]"
    r"|[A-Za-z][\x{370}-\x{52F}]|[\x{370}-\x{52F}][A-Za-z])"
)
NEEDS_TAGS: Final = r"[\x{E0020}-\x{E007E}]{4}"
BASE64: Final = (
    r"(?-i:(?:\A|[^A-Za-z0-9+/_-])([a-z0-9+/_-]{0,16}[A-Z][A-Za-z0-9+/_-]{20,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*))"
)
"""Group 1. With a capital letter early on: digests in hexadecimal and paths, which are many, have none. It begins at
the beginning of a run alone: else the automaton would have a state for every set of places that it may have begun at.
"""

_SAMPLE: Final = 64
_MOST_ENCODED: Final = 16_384
"""Bytes of base64 that are looked at in one place."""

_TABLE: Final = bytes.maketrans(b"-_", b"+/")
_MOSTLY: Final = 0.9


@value(frozen=True, slots=True)
class View:
    """A text made of another one; it begins there at `begin`. `gaps` are the places where something was left out, and
    how much up to there.
    """

    text: str
    begin: int = 0
    gaps: tuple[list[int], list[int]] = field(default=([], []))

    def at(self, place: int) -> int:
        """The place in the other text."""
        places, sizes = self.gaps
        index = bisect_right(places, place)
        return self.begin + place + (sizes[index - 1] if index else 0)


def plain_view(text: str) -> View:
    """The text as it looks."""
    pieces, places, sizes, end, left_out = [], [], [], 0, 0
    for found in _INVISIBLE.finditer(text):
        pieces.append(text[end : found.start()])
        places.append(found.start() - left_out)
        left_out += found.end() - found.start()
        sizes.append(left_out)
        end = found.end()
    visible = "".join([*pieces, text[end:]])
    return View(_LIKES.sub(lambda found: found[0].translate(_LIKE), visible), gaps=(places, sizes))


def hidden_views(text: str) -> Iterator[View]:
    """What tag characters spell: nobody sees them, and models read them."""
    for found in _TAGS.finditer(text):
        if not found[1]:
            yield View("".join(chr(ord(tag) - 0xE0000) for tag in found[2]), found.start())


def decoded(run: bytes) -> str | None:
    """What base64 says; None where that is no text."""
    if not _reads(_decoded(run[:_SAMPLE])):
        return None
    return _decoded(run[:_MOST_ENCODED]).decode("utf-8", "ignore")


def _decoded(run: bytes) -> bytes:
    data = run.translate(_TABLE, b"\r\n")
    whole = data[:-1] if len(data) % 4 == 1 else data  # a lone last character is no part of any byte
    return b64decode(whole + b"=" * (-len(whole) % 4))


def _reads(data: bytes) -> bool:
    """Whether bytes are text: in UTF-8, and hardly any of them controls."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        # A character may be cut by the end of the sample.
        if error.start < len(data) - 3:
            return False
        text = data[: error.start].decode()
    return sum(char.isprintable() or char in "\n\t\r" for char in text) >= _MOSTLY * max(len(text), 1)
