"""One thing described: labelled fields, blocks of text, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.text import safe, wrapped

LABEL_WIDTH = 14


def print_fields(out: Printer, fields: Iterable[tuple[str, str]]) -> None:
    """`label  value` lines; fields without a value are left out, long values are folded on a terminal."""
    for label, value in fields:
        if value:
            first, *rest = wrapped(safe(value), out.width and out.width - LABEL_WIDTH)
            out.line(out.style(label.ljust(LABEL_WIDTH), "dim") + first)
            for line in rest:
                out.line(" " * LABEL_WIDTH + line)


def print_block(out: Printer, title: str, text: str) -> None:
    """A title, and the text indented below it."""
    out.line()
    out.line(out.style(title, "bold"))
    for line in wrapped(safe(text).rstrip("\n"), out.width and out.width - 2, indent="  "):
        out.line(f"  {line}".rstrip())


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2)
