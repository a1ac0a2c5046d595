"""The agent template: what an agent's YAML file says, checked.

The field descriptions are part of the interface: they become the published JSON Schema and an editor's hints.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from agentcli.core.canonical import Json
from agentcli.core.limits import Limits
from agentcli.core.models import ModelSettings

NAME = r"^[a-z0-9][a-z0-9_-]*$"
"""What an agent, a workflow or a profile may be called."""

INPUT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
MODEL = r"^[a-z][a-z0-9_-]*:\S.*$"
TOOL = r"^[A-Za-z][A-Za-z0-9_.-]*$"
EXPRESSION = r"^\{\{.*\}\}$"
MAX_TEXT = 200_000
"""Characters of instructions or a prompt in a file."""

PYTHON_TOOL = "python"
"""The name under which a file of the user's own tools is used: `- python: tools/weather.py`."""

InputType = Literal["string", "integer", "number", "boolean", "array", "object"]
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class Definition(BaseModel):
    """Base of everything that is read from a definition file: frozen, nothing unknown, no silent conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def is_of_type(value: Json, kind: InputType) -> bool:
    """Whether a JSON value is of a JSON Schema type. True is no number."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _PYTHON_TYPES[kind])


def _one_or_many(value: Any) -> Any:
    """A lone text becomes a list of one, so that there is one shape, and one place for an error to point at."""
    return (value,) if isinstance(value, str) else value


def _tool_use(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, options),) = value.items()
        if name == PYTHON_TOOL and isinstance(options, str):
            return {"name": name, "options": {"path": options}}
        if options is None or isinstance(options, dict):
            return {"name": name, "options": options or {}}
    if isinstance(value, ToolUse):
        return value
    raise PydanticCustomError("tool_use", "expected a tool's name, or one name with its options: `name: {option: …}`")


Name: TypeAlias = Annotated[str, Field(pattern=NAME, max_length=64)]
ModelName: TypeAlias = Annotated[str, Field(pattern=MODEL, max_length=400)]
Text: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT)]
Pattern: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z*][A-Za-z0-9_.*-]*(\(.*\))?$", max_length=500)]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Field(strict=False, max_length=200)]
Models: TypeAlias = Annotated[
    tuple[ModelName, ...],
    BeforeValidator(_one_or_many),
    Field(strict=False, min_length=1, max_length=10),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": MODEL},
                {"type": "array", "items": {"type": "string", "pattern": MODEL}, "minItems": 1, "maxItems": 10},
            ]
        }
    ),
]


class InputSpec(Definition):
    """One input that a template declares."""

    type: InputType = Field("string", description="The type that `-i name=value` is converted to.")
    description: str = Field("", max_length=1000, description="What it is for; shown by `agents show`.")
    enum: Annotated[tuple[Json, ...], Field(strict=False)] | None = Field(
        None, min_length=1, description="The only values that are accepted."
    )
    default: Json = Field(None, description="The value where none is given.")
    required: bool | None = Field(
        None, description="Whether a value must be given. Without it: yes, unless there is a default."
    )

    @field_validator("default")
    @classmethod
    def _default_fits(cls, value: Json, info: ValidationInfo) -> Json:
        kind, enum = info.data.get("type", "string"), info.data.get("enum")
        if value is not None and not is_of_type(value, kind):
            raise PydanticCustomError("default_type", "expected a default of type {kind}", {"kind": kind})
        if value is not None and enum is not None and value not in enum:
            raise PydanticCustomError("default_enum", "expected a default that is one of enum")
        return value

    @field_validator("required")
    @classmethod
    def _required_or_default(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and info.data.get("default") is not None:
            raise PydanticCustomError("required_default", "expected no `required: true` beside a default")
        return value

    @property
    def must_be_given(self) -> bool:
        """Whether a run without a value for it is refused. `required: false` without a default gives null."""
        return self.required if self.required is not None else self.default is None


class ToolUse(Definition):
    """A tool that the agent may call, and how it is set up. Written as `- name` or `- name: {option: …}`."""

    name: str = Field(pattern=TOOL, max_length=100, description="The tool's name, as `agentcli tools list` shows it.")
    options: dict[str, Json] = Field(default_factory=dict, description="The tool's own options.")

    @property
    def python_file(self) -> str | None:
        """The file of the user's own tools, relative to the project; None for a tool that is called by its name."""
        return self.options.get("path") if self.name == PYTHON_TOOL else None


ToolUses: TypeAlias = Annotated[
    tuple[
        Annotated[
            ToolUse,
            BeforeValidator(_tool_use),
            WithJsonSchema(
                {
                    "anyOf": [
                        {"type": "string", "pattern": TOOL},
                        {"type": "object", "minProperties": 1, "maxProperties": 1},
                    ]
                }
            ),
        ],
        ...,
    ],
    Field(strict=False, max_length=100),
]


class Permissions(Definition):
    """What may be called without asking, only after asking, and never. Deny > ask > allow > the tool's default."""

    allow: Patterns = Field((), description="Patterns of calls that need no approval: `tool` or `tool(pattern)`.")
    ask: Patterns = Field((), description="Patterns of calls that are approved one by one.")
    deny: Patterns = Field((), description="Patterns of calls that are refused.")


class LimitsSpec(Definition):
    """What a run may use up. A limit that is left out comes from the settings."""

    turns: int | None = Field(None, ge=1, le=10_000, description="Model requests in one run.")
    tokens: int | None = Field(None, ge=1, le=1_000_000_000, description="Input and output tokens of all turns.")
    cost_usd: float | None = Field(None, ge=0, le=100_000, description="US dollars; needs a model of known price.")
    seconds: float | None = Field(None, gt=0, le=604_800, description="Wall time of the whole run.")
    tool_seconds: float | None = Field(None, gt=0, le=3_600, description="Wall time of one tool call.")

    def to_limits(self, base: Limits | None = None) -> Limits:
        """These limits, with what is left out from `base`."""
        return replace(base or Limits(), **self.given())

    def given(self) -> dict[str, Any]:
        """Only what is set."""
        return {name: value for name, value in self if value is not None}


class SettingsSpec(Definition):
    """How the model is asked. What is left out comes from the settings, then from the provider."""

    temperature: float | None = Field(None, ge=0, le=2, description="0 is the most repeatable, 2 the most varied.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling: the probability mass that counts.")
    max_output_tokens: int | None = Field(None, ge=1, le=1_000_000, description="Tokens of one answer.")
    seed: int | None = Field(None, ge=0, le=2**63 - 1, description="For repeatable sampling, where it is supported.")
    stop: Annotated[tuple[str, ...], Field(strict=False, max_length=16)] | None = Field(
        None, description="Texts at which the answer ends."
    )
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = Field(
        None, description="How long a reasoning model may think."
    )
    timeout: float | None = Field(None, ge=1, le=300, description="Seconds for one attempt at a request.")
    stream: bool | None = Field(None, description="Whether the answer is shown as it is written.")

    def to_settings(self, base: ModelSettings | None = None) -> ModelSettings:
        """These settings, with what is left out from `base`."""
        return replace(base or ModelSettings(), **self.given())

    def given(self) -> dict[str, Any]:
        """Only what is set."""
        return {name: value for name, value in self if value is not None}


def _schema_or_expression(value: Any) -> Any:
    if isinstance(value, dict) or (isinstance(value, str) and re.fullmatch(EXPRESSION, value.strip(), re.DOTALL)):
        return value
    raise PydanticCustomError("schema", "expected a mapping (a JSON Schema), or one `{{ expression }}` that gives it")


SchemaOrExpression: TypeAlias = Annotated[
    dict[str, Json] | str,
    PlainValidator(_schema_or_expression),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string", "pattern": EXPRESSION}]}),
]


class OutputSpec(Definition):
    """What the answer must look like."""

    schema_: SchemaOrExpression = Field(
        alias="schema",
        description="A JSON Schema (draft 2020-12) that the answer must be valid against, "
        "or one expression that gives it, such as `{{ inputs.schema }}`.",
    )


class AgentTemplate(Definition):
    """An agent, as its file defines it."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["instructions"]}, {"required": ["code"]}]},
    )
    version: Literal[1] = Field(1, description="The version of this format.")
    kind: Literal["agent"] = Field("agent", description="What the file defines.")
    name: Name = Field(description="The file's name without its ending.")
    description: str = Field("", max_length=1000, description="One line for listings.")
    enabled: bool = Field(True, description="An agent that is not enabled refuses to run.")
    model: Models | None = Field(
        None, description="`provider:model`, or a list that is tried in order. Without it the settings decide."
    )
    code: Annotated[Text, Field(min_length=1)] | None = Field(
        None,
        description="Python that does the task itself, in the sandbox: a block that defines `def run(agent, task)`, or "
        "a file of the project, such as `agents/triage.py`.",
    )
    instructions: Annotated[Text, Field(min_length=1)] | None = Field(
        None,
        validate_default=True,
        description="The system prompt. May use `{{ inputs.name }}`. Required, unless there is `code`.",
    )
    inputs: dict[Annotated[str, Field(pattern=INPUT_NAME, max_length=64)], InputSpec] = Field(
        default_factory=dict, description="What `-i name=value` may give, by name."
    )
    tools: ToolUses = Field((), description="The tools that the agent may call.")
    permissions: Permissions = Field(
        default_factory=Permissions, description="Rules for its tools, on top of the settings' rules."
    )
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="What one run may use up.")
    settings: SettingsSpec = Field(default_factory=SettingsSpec, description="How the model is asked.")
    output: OutputSpec | None = Field(None, description="What the answer must look like; text without it.")

    @field_validator("instructions")
    @classmethod
    def _instructed_or_coded(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("code", "") is None:  # a code that is no valid one is told by itself
            raise PydanticCustomError("missing", "expected instructions, or code")
        return value
