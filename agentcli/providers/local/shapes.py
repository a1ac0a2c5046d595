"""JSON Schemas in few words: what a small model reads faster and follows better than the schema itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def shape(schema: Any) -> str:
    """`{"size": integer, "colour": "red" | "blue"}`: the form of a value. What it cannot put so stays a schema."""
    if not isinstance(schema, Mapping):
        return "any"
    note = schema.get("description")
    return f"{_form(schema)} ({note})" if note else _form(schema)


def type_name(schema: Any) -> str:
    """The form without its description, for the signature of a tool."""
    return _form(schema) if isinstance(schema, Mapping) else "any"


def _form(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(_literal, schema["enum"]))
    if "const" in schema:
        return _literal(schema["const"])
    if "properties" in schema:
        return _object(schema)
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " | ".join(map(str, kind))
    if kind == "array":
        return f"[{shape(schema.get('items', {}))}, …]"
    if kind == "any" and schema:
        return json.dumps(schema, ensure_ascii=False)
    return str(kind)


def _object(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    fields = (
        f"{_literal(name)}{'' if name in required else '?'}: {shape(value)}"
        for name, value in schema["properties"].items()
    )
    return f"{{{', '.join(fields)}}}"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
