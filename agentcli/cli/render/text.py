"""Text from models, tools and files, made safe for a terminal; and short forms of it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from agentcli.core.safe_text import json_safe, safe

__all__ = ["ELLIPSIS", "LONG", "call_text", "clip", "head", "json_safe", "one_line", "output_text", "safe", "wrapped"]

ELLIPSIS = "…"

LONG = 40
"""Characters of a value that stands behind the short ones."""


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
