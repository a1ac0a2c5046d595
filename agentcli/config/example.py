"""`config.example.yaml`: every setting with what it is for and its default."""

from __future__ import annotations

import json
from textwrap import wrap

from pydantic import BaseModel

from agentcli.config.settings import Settings
from agentcli.core.canonical import Json

_HEAD = """\
# Every setting of agentcli, with its default. null means: not set.
# Your own settings are in config.yaml (`agentcli config path` says where), a project's in its agentcli.yaml.
# What is nearer wins: flag, environment (AGENTCLI_LIMITS__TURNS=5 is limits.turns), project, your own file, default.
"""
_EXAMPLES = {
    "profiles": "prod: {model: openai:gpt-5-mini, limits: {cost_usd: 0.5}}",
    "providers": "lab: {base_url: https://models.example.org/v1, api_key_env: LAB_API_KEY}",
}


def example_config() -> str:
    """The file's text."""
    settings = Settings()
    return "\n".join([_HEAD, *_lines(settings, settings.model_dump(mode="json"), "")]) + "\n"


def _lines(model: BaseModel, values: dict[str, Json], indent: str) -> list[str]:
    lines: list[str] = []
    for name, field in type(model).model_fields.items():
        inner, value = getattr(model, name), values[name]
        lines += [f"{indent}# {line}" for line in wrap(field.description or "", 110 - len(indent))]
        if isinstance(inner, BaseModel):
            lines += [f"{indent}{name}:", *_lines(inner, value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{name}: {json.dumps(value) if not isinstance(value, str) else value}")
        if name in _EXAMPLES:
            lines.append(f"{indent}#   {_EXAMPLES[name]}")
        if not indent:
            lines.append("")
    return lines if indent else lines[:-1]
