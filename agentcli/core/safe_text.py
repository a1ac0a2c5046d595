"""Text from models, tools and files that does nothing where it is shown."""

from __future__ import annotations

import json
import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS: titles, links
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # two-character escapes
)
_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls other than tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they reorder what is read
    "\u2028\u2029\ufeff\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff"  # halves of a pair: no encoding takes them
    "]"
)


def safe(text: str) -> str:
    """The text without terminal sequences; every other control or invisible character is shown as its escape."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_escape, _SEQUENCES.sub("", text))


def json_safe(line: str) -> str:
    """A line of JSON with the same meaning that does nothing to a terminal, and that any encoding takes."""
    return line if line.isascii() else _UNSAFE.sub(lambda match: json.dumps(match.group())[1:-1], line)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
