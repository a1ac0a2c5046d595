"""A tool described for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcli.cli.render.items import print_block, print_fields
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.text import call_text, one_line, wrapped
from agentcli.core.policies import Verdict
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

Outlook: TypeAlias = tuple[Verdict, list[Verdict]]
"""What a policy says of calls of a tool: in general, and of some by patterns."""


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


def print_tools(out: Printer, tools: Sequence[tuple[ToolSpec, Outlook]]) -> None:
    """A line a tool: what it changes, the permission that it has here, where it comes from."""
    from agentcli.cli.render.table import Cell, Column, print_table

    columns = (
        Column("TOOL"),
        Column("VERSION", drop=3),
        Column("CHANGES", drop=1),
        Column("HERE"),
        Column("SOURCE", drop=2),
        Column("DESCRIPTION", least=20),
    )
    rows: list[list[str | Cell]] = []
    for spec, outlook in tools:
        about = f"(deprecated: {spec.deprecated}) {spec.description}" if spec.deprecated else spec.description
        name = Cell(spec.name, ("bold",))
        rows.append([name, spec.version, spec.effects, _permission(outlook), spec.origin, one_line(about)])
    print_table(out, columns, rows)


def _permission(outlook: Outlook) -> str:
    """`ask`, or `ask, deny` where patterns decide otherwise for some calls."""
    general, special = outlook
    return ", ".join(dict.fromkeys([general.decision, *(verdict.decision for verdict in special)]))


def tool_json(spec: ToolSpec, outlook: Outlook) -> dict[str, Any]:
    """All that is known of it; `permission` is what it has here."""
    general, special = outlook
    return {
        **spec.to_json(),
        "effects": spec.effects,
        "subject": spec.subject,
        "version": spec.version,
        "deprecated": spec.deprecated,
        "examples": list(spec.examples),
        "returns": spec.returns,
        "source": spec.origin,
        "permission": {**_ruling(general), "except": [_ruling(verdict) for verdict in special]},
    }


def _ruling(verdict: Verdict) -> dict[str, str]:
    return {"decision": verdict.decision, "rule": verdict.rule, "of": verdict.layer}


def print_tool(out: Printer, spec: ToolSpec, outlook: Outlook, options: dict[str, Any]) -> None:
    """Description, arguments, options, examples."""
    out.line(out.style(spec.name, "bold"))
    print_fields(
        out,
        [
            ("", spec.description),
            ("changes", OF_HOSTS if spec.asks_per_subject else CHANGES[spec.effects]),
            ("gives back", spec.returns),
            ("patterns", _patterns(spec)),
            ("here", _said_of(outlook[0])),
            *(("", _said_of(verdict)) for verdict in outlook[1]),
            ("version", f"{spec.version}, {spec.origin}"),
            ("deprecated", spec.deprecated or ""),
        ],
    )
    _print_properties(out, "Arguments", spec.parameters)
    _print_properties(out, "Options in a template", options)
    if spec.examples:
        print_block(out, "Examples", "\n".join(call_text(spec.name, example, None) for example in spec.examples))


def _patterns(spec: ToolSpec) -> str:
    if not spec.subjects:
        return ""
    names = " and ".join(f"`{name}`" for name in spec.subjects)
    host = "the host of " if spec.subject_kind == "host" else ""
    return f"`{spec.name}(PATTERN)` matches {host}its argument{'s' * (len(spec.subjects) > 1)} {names}"


def _said_of(verdict: Verdict) -> str:
    """A decision, and the rule that makes it."""
    if verdict.layer in ("default", "flags"):
        return f"{verdict.decision} ({verdict.rule})"
    return f"{verdict.decision} (`{verdict.rule}`, by the {verdict.layer}'s permissions)"


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
