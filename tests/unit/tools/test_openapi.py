from __future__ import annotations

from dataclasses import replace

from agentcli.tools.openapi import json_schema, openapi
from agentcli.tools.registry import ToolRegistry


def test_a_tool_has_a_schema_document_of_its_own(registry: ToolRegistry) -> None:
    schema = json_schema(registry.spec("read_lines"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "read_lines"
    assert schema["required"] == ["path"]
    assert schema["examples"][0]["path"] == "src/app.py"
    assert "deprecated" not in schema


def test_openapi_has_an_operation_for_each_tool(registry: ToolRegistry) -> None:
    document = openapi(registry.specs())
    assert document["openapi"] == "3.1.0"
    assert list(document["paths"]) == [f"/tools/{name}" for name in registry.names()]
    operation = document["paths"]["/tools/delete_file"]["post"]
    assert operation["operationId"] == "delete_file"
    assert operation["x-effects"] == "irreversible"
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["path"]
    assert body["examples"] == [{"path": "docs/old.md"}]


def test_a_deprecated_tool_says_so(registry: ToolRegistry) -> None:
    old = replace(registry.spec("read_lines"), deprecated="use another")
    assert json_schema(old)["deprecated"] is True
    assert openapi([old])["paths"]["/tools/read_lines"]["post"]["deprecated"] is True
