"""Text from models, tools and files, made safe for a terminal; and short forms of it."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

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

ELLIPSIS = "…"

LONG = 40
"""Characters of a value that stands behind the short ones."""


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


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line, safe, white space folded; cut to `limit` characters with an ellipsis."""
    folded = " ".join(safe(text).split())
    return clip(folded, limit) if limit is not None else folded


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + ELLIPSIS


def call_text(tool: str, arguments: dict[str, Any], limit: int | None = 100) -> str:
    """A call as a person would write it: `read_lines(path="README.md", start=1)`; the long values last."""
    values = {name: _value_text(value, limit) for name, value in arguments.items()}
    names = sorted(values, key=lambda name: len(str(arguments[name])) > LONG)
    given = ", ".join(f"{name}={values[name]}" for name in names)
    return one_line(f"{tool}({given})", limit)


def _value_text(value: Any, limit: int | None) -> str:
    if isinstance(value, str) and limit is not None:
        value = clip(value, max(limit // 2, 12))
    return json.dumps(value, ensure_ascii=False)


def output_text(output: Any) -> str:
    """A run's result as it is printed: text as it is, anything else as JSON."""
    if output is None:
        return ""
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)


def head(text: str, lines: int) -> tuple[str, int]:
    """The first `lines` lines, and how many more there are."""
    parts = text.splitlines()
    return "\n".join(parts[:lines]), max(len(parts) - lines, 0)


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """Its lines, each at most `width` characters where that can be had between words; None never breaks any.

    What follows a break begins with `indent`.
    """
    lines = text.splitlines()
    if width is None:
        return lines
    fold = textwrap.TextWrapper(max(width, 20), subsequent_indent=indent, break_on_hyphens=False)
    return [part for line in lines for part in fold.wrap(line) or [""]]
