"""Errors and warnings as people read them, and the `error` event as programs read it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.text import one_line, wrapped
from agentcli.errors import AgentcliError, DefinitionError, ErrorInfo


def print_error(out: Printer, info: ErrorInfo, label: str = "error") -> None:
    """What happened with its place and code, then why, then what to do: one line each, folded on a terminal."""
    place = one_line(place_of(info))
    what = f"{place}: {one_line(info.what)}" if place else one_line(info.what)
    _say(out, f"{label}:", f"{what} ({one_line(info.code)})", ("bold", "red" if label == "error" else "yellow"))
    for name, text in (("why", info.why), ("fix", info.fix)):
        if text:
            _say(out, f"  {name}:", one_line(text), ("bold",))


def _say(out: Printer, head: str, text: str, styles: tuple[Style, ...]) -> None:
    first, *rest = wrapped(f"{head} {text}", out.width, indent="    ")
    out.line(out.style(head, *styles) + first.removeprefix(head))
    for line in rest:
        out.line(line)


def problems_of(error: AgentcliError) -> tuple[ErrorInfo, ...]:
    """The error, then its `others`."""
    others = error.others if isinstance(error, DefinitionError) else ()
    return (error.info, *others)


def place_of(info: ErrorInfo) -> str:
    """`file:line:column`, as far as it is known."""
    return ":".join(str(part) for part in (info.file, info.line, info.column) if part is not None)


def error_event(infos: Iterable[ErrorInfo], exit_code: int) -> dict[str, Any]:
    """The event for an error that is on no run's record: it comes before any, or hinders the writing of one.

    Further problems of the same check stand in `others`.
    """
    from agentcli.core.events import SCHEMA, rfc3339

    first, *others = infos
    event: dict[str, Any] = {
        "schema": SCHEMA,
        "type": "error",
        "run": None,
        "parent": None,
        "lane": "",
        "seq": None,
        "time": rfc3339(time.time()),
        "error": first.to_json(),
        "exit_code": exit_code,
    }
    if others:
        event["others"] = [info.to_json() for info in others]
    return event
