"""JSON Schemas of the files that people write: for editors, and for `agentcli config schema`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from agentcli.core.canonical import Json

SchemaName = Literal["agent", "workflow", "config"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def file_schema(name: SchemaName) -> dict[str, Json]:
    """The schema of an agent's, a workflow's or a configuration file.

    Titles that only repeat a field's name are left out.
    """
    generated = _model(name).model_json_schema(by_alias=True)
    schema: dict[str, Json] = {"$schema": DIALECT, **_without_titles(generated)}
    return schema


def _model(name: SchemaName) -> type[BaseModel]:
    if name == "agent":
        from agentcli.core.agents import AgentTemplate

        return AgentTemplate
    if name == "workflow":
        from agentcli.core.workflows import WorkflowTemplate

        return WorkflowTemplate
    from agentcli.config.settings import Settings

    return Settings


def _without_titles(value: Any, *, of_names: bool = False) -> Any:
    """`of_names`: the keys are names of properties or definitions, of which one may well be `title`."""
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_titles(item, of_names=key in ("properties", "$defs") and not of_names)
        for key, item in value.items()
        if of_names or key != "title"
    }
