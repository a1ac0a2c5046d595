"""The published JSON Schemas say the same as the checks."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
import yaml
from pydantic import ValidationError

from agentcli.catalog.builtin import templates_root
from agentcli.config.example import example_config
from agentcli.core.workflows import WorkflowTemplate
from agentcli.workbench.file_schema import SchemaName, file_schema


def validator(name: SchemaName) -> Any:
    return jsonschema_rs.validator_for(file_schema(name))


@pytest.mark.parametrize("path", sorted(templates_root().rglob("agents/*.yaml")), ids=lambda path: path.stem)
def test_every_agent_is_valid_against_the_schema(path: Any) -> None:
    validator("agent").validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", sorted(templates_root().rglob("workflows/*.yaml")), ids=lambda path: path.stem)
def test_every_workflow_is_valid_against_the_schema(path: Any) -> None:
    validator("workflow").validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", sorted(templates_root().rglob("agentcli.yaml")), ids=lambda path: path.parent.name)
def test_every_configuration_is_valid_against_the_schema(path: Any) -> None:
    validator("config").validate(yaml.safe_load(path.read_text()))
    validator("config").validate(yaml.safe_load(example_config()))


AGENT = {"name": "a", "instructions": "x"}


@pytest.mark.parametrize(
    ("name", "data", "valid"),
    [
        ("agent", {**AGENT, "model": "openai:x", "tools": ["a", {"b": {}}, {"python": "t.py"}]}, True),
        ("agent", {**AGENT, "model": ["openai:x"], "output": {"schema": "{{ inputs.s }}"}}, True),
        ("agent", {**AGENT, "inputs": {"title": {"type": "string"}}}, True),
        ("agent", {**AGENT, "toolz": []}, False),
        ("agent", {**AGENT, "settings": {"temperature": 3}}, False),
        ("agent", {**AGENT, "model": "gpt"}, False),
        ("agent", {**AGENT, "output": {"schema": "text"}}, False),
        ("agent", {"name": "a"}, False),
        ("agent", {"name": "a", "code": "agents/a.py"}, True),
        ("agent", {**AGENT, "code": ""}, False),
        ("workflow", {"name": "w", "steps": ["a", {"id": "b", "tool": "t", "with": {"u": 1}, "foreach": []}]}, True),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "foreach": {"range": [1, 2]}, "when": False}]}, True),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "foreach": {"range": 2}, "until": "{{ output }}"}]}, True),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "foreach": {"file": "r.csv"}, "on_error": "stop"}]}, True),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "until": {"condition": "{{ 1 }}", "rounds": 3}}]}, True),
        ("workflow", {"name": "w", "steps": ["a", {"workflow": "v", "on_error": {"fallback": "step_1"}}]}, True),
        (
            "workflow",
            {"name": "w", "steps": [{"switch": "{{ 1 }}", "cases": {"1": "a"}, "default": {"tool": "t"}}]},
            True,
        ),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "foreach": "words"}]}, False),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "foreach": {"rows": "r"}}]}, False),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "on_error": {"fall": "x"}}]}, False),
        ("workflow", {"name": "w", "steps": [{"prompt": "a", "when": "words"}]}, False),
        ("workflow", {"name": "w", "steps": [{"switch": "words", "cases": {"1": "a"}}]}, False),
        ("workflow", {"name": "w", "steps": [3]}, False),
        ("workflow", {"name": "w", "steps": []}, False),
        ("config", {"providers": {"lab": {"base_url": "http://x"}}, "profiles": {"dev": {"agent": "a"}}}, True),
        ("config", {"profiles": {"dev": {"agnt": "a"}}}, False),
    ],
)
def test_the_schema_accepts_what_the_checks_accept(name: SchemaName, data: dict[str, Any], valid: bool) -> None:
    assert validator(name).is_valid(data) is valid
    if name == "workflow":
        try:
            WorkflowTemplate.model_validate(data)
        except ValidationError:
            assert not valid
        else:
            assert valid


def test_no_title_repeats_a_fields_name_and_fields_are_described() -> None:
    schema = file_schema("agent")
    assert schema["$schema"].endswith("2020-12/schema")
    assert "title" not in schema["properties"]["name"]
    assert schema["properties"]["name"]["description"]
