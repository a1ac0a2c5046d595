"""Output schemas, fitted to what each API takes. What an API leaves unchecked, the agent loop checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_SINGLES = ("items", "additionalProperties", "not", "contains", "propertyNames")

_UNCHECKED = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "maxItems", "uniqueItems", "minProperties", "maxProperties",
        "patternProperties", "propertyNames", "contains", "not", "if", "then", "else", "$schema", "$id",
    }
)  # fmt: skip
"""Keywords that Anthropic's constrained decoding refuses."""

_STRICT_REFUSED = frozenset({"oneOf", "allOf", "not", "if", "then", "else", "patternProperties", "dependentRequired"})
"""Keywords that OpenAI's strict mode refuses."""


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes the schema as it is: objects closed, every property required."""
    return schema.get("type") == "object" and "anyOf" not in schema and all(map(_node_is_strict, _nodes(schema)))


def _node_is_strict(node: Mapping[str, Any]) -> bool:
    if not _STRICT_REFUSED.isdisjoint(node):
        return False
    if not _is_object(node):
        return True
    required = node.get("required", ())
    return node.get("additionalProperties") is False and set(required) == set(node.get("properties", ()))


def _is_object(node: Mapping[str, Any]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node


def for_anthropic(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every object closed, and without the keywords that the API refuses."""

    def fitted(node: Mapping[str, Any]) -> dict[str, Any]:
        out = {name: value for name, value in node.items() if name not in _UNCHECKED}
        if node.get("minItems", 0) not in (0, 1):
            out.pop("minItems")
        if "oneOf" in out:
            out["anyOf"] = out.pop("oneOf")
        if _is_object(node):
            out["additionalProperties"] = False
        return out

    closed: dict[str, Any] = _mapped(schema, fitted)
    return closed


def instruction(schema: Mapping[str, Any]) -> str:
    """For a server that takes no schema: the same, in words."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Give your final answer as one JSON value and nothing else, valid against this JSON Schema:\n{text}"


def _nodes(schema: Any) -> list[Mapping[str, Any]]:
    """The schema and every schema inside it."""
    found: list[Mapping[str, Any]] = []

    def seen(node: Mapping[str, Any]) -> dict[str, Any]:
        found.append(node)
        return dict(node)

    _mapped(schema, seen)
    return found


def _mapped(schema: Any, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    """A copy in which `change` was applied to every schema, outermost first."""
    if not isinstance(schema, Mapping):
        return schema  # `true` and `false` are schemas too
    out = change(schema)
    for name, value in out.items():
        if name in _SINGLES:
            out[name] = _mapped(value, change)
        elif name in _LISTS and isinstance(value, list):
            out[name] = [_mapped(item, change) for item in value]
        elif name in _MAPS and isinstance(value, Mapping):
            out[name] = {key: _mapped(item, change) for key, item in value.items()}
    return out
