"""The workflow template: what a workflow's YAML file says, checked field by field.

What needs more than one field (ids that repeat, needs that name nothing, cycles) is checked where the file's places
are known, in the catalog.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from agentcli.core.agents import INPUT_NAME, Definition, InputSpec, LimitsSpec, Models, Name, Text
from agentcli.core.canonical import Json

STEP_ID = r"^[a-z][a-z0-9_]*$"
StepId: TypeAlias = Annotated[str, Field(pattern=STEP_ID, max_length=64)]


def _text_is_prompt(value: Any) -> Any:
    """A bare text is a prompt. What YAML made a number or a mapping of was probably meant as one."""
    if isinstance(value, str):
        return {"prompt": value}
    if isinstance(value, (bool, int, float)):
        raise PydanticCustomError("unquoted", "expected a prompt, or a mapping with `prompt` or `tool`")
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        known = {field.alias or name for name, field in Step.model_fields.items()}
        if key not in known and not get_close_matches(key, known, n=1):
            raise PydanticCustomError("unquoted", "expected a prompt, which YAML took for a key and its value")
    return value


def _list_or_expression(value: Any) -> Any:
    if isinstance(value, (list, str)):
        return value
    raise PydanticCustomError("foreach", "expected a list, or one `{{ expression }}` that gives it")


def _condition(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        return value
    raise PydanticCustomError("when", "expected true, false, or one `{{ expression }}`")


class Retry(Definition):
    """How often a failed step is tried again."""

    attempts: int = Field(1, ge=1, le=20, description="How often the step is tried in all.")
    delay: float = Field(0, ge=0, le=3_600, description="Seconds before the second try; doubled from try to try.")


class Step(Definition):
    """One node of a workflow: a prompt for an agent, or a call of a tool. A bare text is a prompt."""

    id: StepId | None = Field(None, description="Its name in expressions. Without it `step_1`, `step_2`, by place.")
    name: str = Field("", max_length=200, description="What people read while it runs.")
    prompt: Annotated[Text, Field(min_length=1)] | None = Field(None, description="What the agent is asked.")
    agent: Name | None = Field(None, description="The agent that is asked; without it the workflow's.")
    model: Models | None = Field(None, description="The model that is asked; without it the agent's.")
    tool: str | None = Field(None, min_length=1, max_length=100, description="The tool that is called.")
    with_: dict[str, Json] = Field(default_factory=dict, alias="with", description="The tool's arguments.")
    needs: Annotated[tuple[StepId, ...], Field(strict=False)] | None = Field(
        None, description="The steps that come first. Without it the step before; `[]` starts at once."
    )
    foreach: Annotated[
        list[Json] | str | None,
        PlainValidator(_list_or_expression),
        WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "string"}]}),
    ] = Field(None, description="Runs the step once for every `item` of this list.")
    when: Annotated[
        bool | str, PlainValidator(_condition), WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]})
    ] = Field(True, description="The step is skipped where this is false.")
    retry: Retry = Field(default_factory=Retry, description="How often a failed step is tried again.")
    timeout: float | None = Field(None, ge=1, le=86_400, description="Seconds for one try.")

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        if (self.prompt is None) == (self.tool is None):
            raise PydanticCustomError("step_action", "expected a step with either `prompt` or `tool`")
        if self.with_ and self.tool is None:
            raise PydanticCustomError("step_with", "expected `with` only beside `tool`")
        return self


Steps: TypeAlias = Annotated[
    tuple[
        Annotated[
            Step,
            BeforeValidator(_text_is_prompt, json_schema_input_type=str | Step),
        ],
        ...,
    ],
    Field(strict=False, min_length=1, max_length=1_000),
]


class WorkflowTemplate(Definition):
    """A workflow, as its file defines it."""

    version: Literal[1] = Field(1, description="The version of this format.")
    kind: Literal["workflow"] = Field("workflow", description="What the file defines.")
    name: Name = Field(description="The file's name without its ending.")
    description: str = Field("", max_length=1000, description="One line for listings.")
    inputs: dict[Annotated[str, Field(pattern=INPUT_NAME, max_length=64)], InputSpec] = Field(
        default_factory=dict, description="What `-i name=value` may give, by name."
    )
    agent: Name | None = Field(None, description="The agent of steps that name none; without it the settings' agent.")
    concurrency: int = Field(5, ge=1, le=100, description="Steps that may run at the same time.")
    on_error: Literal["stop", "continue"] = Field("stop", description="What a failed step does to the others.")
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="What one run may use up, all steps together.")
    steps: Steps = Field(description="The steps, in the order in which they are written.")
    output: Text | None = Field(
        None, description="The result, such as `{{ steps.draft.output }}`; else the last step's."
    )

    def step_ids(self) -> list[str]:
        """The id of every step, in order; unnamed ones by their place, from `step_1`."""
        return [step.id or f"step_{number}" for number, step in enumerate(self.steps, 1)]
