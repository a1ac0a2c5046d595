"""Tools described for other programs: JSON Schema, OpenAPI, and as two model APIs take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agentcli.core.tools import ToolSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_RESULT = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ok", "error", "denied", "timeout"]},
        "content": {"type": "string", "description": "What a model reads."},
        "data": {"description": "The same as JSON, where that says more."},
    },
    "required": ["status", "content"],
}


def json_schema(spec: ToolSpec) -> dict[str, Any]:
    """The arguments of a tool as a JSON Schema document (draft 2020-12) of its own."""
    return {
        "$schema": DRAFT,
        "title": spec.name,
        "description": spec.description,
        **spec.parameters,
        "examples": list(spec.examples),
        **({"deprecated": True} if spec.deprecated else {}),
    }


def openapi(specs: Iterable[ToolSpec], *, title: str = "agentcli tools", version: str = "1") -> dict[str, Any]:
    """An OpenAPI 3.1 document with one operation a tool: `POST /tools/NAME` with the arguments as its body."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "jsonSchemaDialect": DRAFT,
        "paths": {f"/tools/{spec.name}": {"post": _operation(spec)} for spec in specs},
        "components": {"schemas": {"ToolResult": _RESULT}},
    }


def openai_tool(spec: ToolSpec) -> dict[str, Any]:
    """One entry of `tools` in a Chat Completions request."""
    return {"type": "function", "function": spec.to_json()}


def anthropic_tool(spec: ToolSpec) -> dict[str, Any]:
    """One entry of `tools` in a Messages request."""
    return {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}


def _operation(spec: ToolSpec) -> dict[str, Any]:
    schema = {**spec.parameters, "examples": list(spec.examples)}
    return {
        "operationId": spec.name,
        "summary": spec.description,
        "x-version": spec.version,
        "x-effects": spec.effects,
        **({"deprecated": True} if spec.deprecated else {}),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {
                "description": spec.returns or "The result.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ToolResult"}}},
            }
        },
    }
