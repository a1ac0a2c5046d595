"""What a run was made of, from its manifest, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentcli.core.values import value
from agentcli.workbench.exports.html_steps import Text, Value, pretty
from agentcli.workbench.exports.record import RunRecord


@value(frozen=True, slots=True)
class Section:
    """A part of the plan: a text, or named values."""

    title: str
    text: Text | None = None
    values: tuple[Value, ...] = ()


def sections_of(record: RunRecord) -> list[Section]:
    """The parts that are there, the most telling first. A manifest is data: whatever stands in it is only shown."""
    plan = record.manifest
    out = [Section("Instructions", Text.of(plan["instructions"]))] if _is_text(plan, "instructions") else []
    out += list(_tables(plan))
    if _is_text(plan, "source"):
        out.append(Section(f"Template {plan.get('path', '')}".rstrip(), Text.of(plan["source"])))
    out += list(_parts(plan))
    known = {
        "agents",
        "flows",
        "instructions",
        "source",
        "tools",
        "limits",
        "settings",
        "versions",
        "policy",
        "inputs",
        "path",
        "message",
    }
    rest = {name: value for name, value in plan.items() if name not in known}
    return [*out, Section("Further", values=_values(rest))] if rest else out


def _parts(plan: Mapping[str, Any]) -> Iterator[Section]:
    """The workflows and agents of a workflow's run, by their templates."""
    for name, title in (("flows", "Workflow"), ("agents", "Agent")):
        parts = plan.get(name)
        for key, part in parts.items() if isinstance(parts, dict) else ():
            if isinstance(part, dict):
                text = Text.of(part["source"]) if _is_text(part, "source") else None
                rest = {name: value for name, value in part.items() if name != "source"}
                yield Section(f"{title} {key}", text, () if text else _values(rest))


def _is_text(plan: Mapping[str, Any], name: str) -> bool:
    return isinstance(plan.get(name), str) and bool(plan[name])


def _tables(plan: Mapping[str, Any]) -> Iterator[Section]:
    tools = plan.get("tools")
    if isinstance(tools, list) and tools:
        specs = [tool for tool in tools if isinstance(tool, dict)]
        yield Section("Tools", values=tuple(_tool(spec) for spec in specs))
    for name, title in (("inputs", "Inputs"), ("limits", "Limits"), ("settings", "Settings"), ("versions", "Versions")):
        table = plan.get(name)
        if isinstance(table, dict) and table:
            yield Section(title, values=_values(table))
    if isinstance(plan.get("policy"), dict):
        yield Section("Permissions", Text.of(pretty(plan["policy"])))


def _tool(spec: Mapping[str, Any]) -> Value:
    return Value(str(spec.get("name")), Text.of(f"{spec.get('description', '')} ({spec.get('effects', 'unknown')})"))


def _values(table: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple(Value(name, Text.of(_shown(value))) for name, value in table.items() if value not in (None, [], {}))


def _shown(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else pretty(value)
