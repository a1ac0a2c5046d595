"""JSON Schemas as llama.cpp's grammars take them. What a grammar leaves unchecked, the agent loop checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agentcli.core.tools import ToolSpec

_DROPPED: Final = frozenset({"title", "description", "default", "examples", "pattern", "$schema", "$id"})
"""Notes for people, and `pattern`: one that the engine cannot read would lift the whole constraint."""

_ENGINE: Final = {
    "x-guidance": {
        "whitespace_flexible": False,
        "item_separator": ", ",
        "key_separator": ": ",
        "lenient": True,
        "coerce_one_of": True,
    }
}
"""For the engine (llguidance): JSON on one line, as indents are tokens too; keywords it does not know are let be."""

_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS: Final = ("properties", "$defs", "definitions")
_SINGLES: Final = ("items", "additionalProperties")

ANSWER: Final = "answer"
"""The name that stands for answering, beside the tools' names."""

Change = Callable[[Mapping[str, Any]], dict[str, Any]]


def object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An output schema, as the grammar takes it."""
    return {**_prepared(schema), **_ENGINE}


def _prepared(schema: Mapping[str, Any]) -> dict[str, Any]:
    prepared: dict[str, Any] = _mapped(schema, _without_unsupported)
    return prepared


def call_schema(
    tools: Sequence[ToolSpec], output: Mapping[str, Any] | None, numbers: Sequence[int], *, may_answer: bool = True
) -> dict[str, Any]:
    """One branch per tool, and one for the answer if it may be given. Optional numbers are limited to `numbers`."""
    definitions: dict[str, Any] = {}
    branches = []
    for place, tool in enumerate(tools):
        arguments = _hoisted(_limited(_prepared(tool.parameters), numbers), f"tool{place}_", definitions)
        branches.append(_closed({"tool": {"const": tool.name}, "arguments": arguments}))
    if may_answer:
        text = {"type": "string"} if output is None else _hoisted(_prepared(output), "output_", definitions)
        branches.append(_closed({"tool": {"const": ANSWER}, "text": text}))
    return {"anyOf": branches, **({"$defs": definitions} if definitions else {}), **_ENGINE}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _limited(parameters: dict[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
    required = parameters.get("required", ())
    properties: dict[str, Any] = {}
    for name, schema in parameters.get("properties", {}).items():
        if name in required or not _is_number(schema):
            properties[name] = schema
        elif fitting := [number for number in numbers if _within(number, schema)]:
            properties[name] = {"enum": fitting}
    return {"type": "object", "additionalProperties": False, **parameters, "properties": properties}


def _is_number(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in ("integer", "number") and "enum" not in schema


def _within(number: int, schema: Mapping[str, Any]) -> bool:
    low, high = schema.get("minimum", number), schema.get("maximum", number)
    return bool(low <= number <= high)


def _hoisted(schema: dict[str, Any], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its definitions moved to the root, where references are looked up."""
    moved = {name: f"{prefix}{name}" for key in ("$defs", "definitions") for name in schema.get(key, {})}
    if not moved:
        return schema

    def renamed(node: Mapping[str, Any]) -> dict[str, Any]:
        reference = node.get("$ref")
        name = str(reference).rpartition("/")[2]
        return {**node, "$ref": f"#/$defs/{moved[name]}"} if reference and name in moved else dict(node)

    out: dict[str, Any] = _mapped(schema, renamed)
    for key in ("$defs", "definitions"):
        definitions.update({moved[name]: value for name, value in out.pop(key, {}).items()})
    return out


def _without_unsupported(node: Mapping[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in node.items() if name not in _DROPPED}
    if "properties" in out:
        out.setdefault("additionalProperties", False)
    return out


def _mapped(schema: Any, change: Change) -> Any:
    """A copy in which `change` was applied to every schema, outermost first."""
    if not isinstance(schema, Mapping):
        return schema
    out = change(schema)
    for name, value in out.items():
        if name in _SINGLES:
            out[name] = _mapped(value, change)
        elif name in _LISTS and isinstance(value, list):
            out[name] = [_mapped(item, change) for item in value]
        elif name in _MAPS and isinstance(value, Mapping):
            out[name] = {key: _mapped(item, change) for key, item in value.items()}
    return out
