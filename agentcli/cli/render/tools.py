"""A tool described for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agentcli.cli.render.items import print_block, print_fields
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.text import call_text, one_line, wrapped
from agentcli.core.tools import Effects, ToolSpec
from agentcli.definitions.nearest import nearest
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench

CHANGES: dict[Effects, str] = {
    "read-only": "nothing; it runs without asking",
    "idempotent": "the workspace, the same however often it is called; it asks first",
    "irreversible": "what cannot be taken back; it asks every time",
}


OF_HOSTS = "nothing; it asks for each host once"
"""What a tool changes that reads what is not the user's."""


def named_tools(bench: Workbench, name: str) -> list[ToolSpec]:
    """The tools of a name on the command line; more than one where files of two agents each have one.

    Raises UsageError with the nearest name.
    """
    if name in bench.tools.names():
        return [bench.tools.spec(name)]
    from agentcli.workbench.list_tools import known_tools

    known = known_tools(bench)
    found = known.named(name)
    if not found:
        names = list(dict.fromkeys(spec.name for spec in known.specs))
        meant = nearest(name, names)
        raise UsageError(
            "E-TOOL-UNKNOWN",
            f"There is no tool `{name}`.",
            why=f"There are: {', '.join(names)}.",
            fix=f"Did you mean `{meant}`?" if meant else "See `agentcli tools list`.",
        )
    return found


def print_tools(out: Printer, specs: Sequence[ToolSpec]) -> None:
    """A line a tool; version and source only where some are not agentcli's own."""
    from agentcli.cli.render.table import Cell, Column, print_table

    own = any(spec.source for spec in specs)
    more = (Column("VERSION", drop=3), Column("FROM", drop=2)) if own else ()
    columns = (Column("TOOL"), Column("CHANGES", drop=1), *more, Column("DESCRIPTION", least=20))
    rows = []
    for spec in specs:
        about = f"deprecated: {spec.deprecated}" if spec.deprecated else spec.description
        origin = [spec.version, spec.source or "built in"] if own else []
        rows.append([Cell(spec.name, ("bold",)), spec.effects, *origin, one_line(about)])
    print_table(out, columns, rows)


def tool_json(spec: ToolSpec) -> dict[str, Any]:
    """All that is known of it."""
    return {
        **spec.to_json(),
        "effects": spec.effects,
        "subject": spec.subject,
        "version": spec.version,
        "deprecated": spec.deprecated,
        "examples": list(spec.examples),
        "returns": spec.returns,
        "source": spec.source or "built-in",
    }


def print_tool(out: Printer, spec: ToolSpec, options: dict[str, Any]) -> None:
    """Description, arguments, options, examples."""
    out.line(out.style(spec.name, "bold"))
    print_fields(
        out,
        [
            ("", spec.description),
            ("from", spec.source),
            ("version", spec.version if spec.source else ""),
            ("changes", OF_HOSTS if spec.asks_per_subject else CHANGES[spec.effects]),
            ("gives back", spec.returns),
            ("patterns", _patterns(spec)),
            ("deprecated", spec.deprecated or ""),
        ],
    )
    _print_properties(out, "Arguments", spec.parameters)
    _print_properties(out, "Options in a template", options)
    if spec.examples:
        print_block(out, "Examples", "\n".join(call_text(spec.name, example, None) for example in spec.examples))


def _patterns(spec: ToolSpec) -> str:
    if spec.subject is None:
        return ""
    matched = (
        f"the host of its argument `{spec.subject}`"
        if spec.subject_kind == "host"
        else f"its argument `{spec.subject}`"
    )
    return f"`{spec.name}(PATTERN)` matches {matched}"


def _print_properties(out: Printer, title: str, schema: dict[str, Any]) -> None:
    properties: dict[str, Any] = schema.get("properties", {})
    if properties:
        required = schema.get("required", [])
        out.line()
        out.line(out.style(title, "bold"))
        width = max(map(len, properties))
        for name, field in properties.items():
            described = f"{name.ljust(width)}  {_field_text(field, name in required)}"
            for line in wrapped(described, out.width and out.width - 2, indent=" " * (width + 2)):
                out.line(f"  {line}".rstrip())


def _field_text(field: dict[str, Any], required: bool) -> str:
    kinds = [option.get("type") or option.get("$comment", "any") for option in field.get("anyOf", [field])]
    if "enum" in field:
        kinds = [json.dumps(value) for value in field["enum"]]
    notes = [" or ".join(kind for kind in kinds if kind != "null")]
    if required:
        notes.append("required")
    elif field.get("default") is not None:
        notes.append(f"default {json.dumps(field['default'])}")
    return f"{field.get('description', '')} ({', '.join(notes)})".strip()
