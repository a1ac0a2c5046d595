"""The workflow template: what a workflow's YAML file says, checked field by field.

What needs the whole graph (ids that repeat, needs that name nothing, cycles) is checked where the file's places are
known, in the catalog; what the needs come to is in `graphs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from agentcli.core.agents import (
    INPUT_NAME,
    Definition,
    InputSpec,
    LimitsSpec,
    Models,
    Name,
    OutputSpec,
    Permissions,
    Text,
    ToolUses,
)
from agentcli.core.canonical import Json
from agentcli.core.repeats import (
    MAX_ITEMS,
    STEP_ID,
    Condition,
    Expression,
    Fallback,
    Foreach,
    ForeachFile,
    ForeachRange,
    OnError,
    Retry,
    StepId,
    StepOnError,
    Until,
    UntilGiven,
    is_expression,
)

__all__ = [
    "MAX_ITEMS",
    "MAX_NESTING",
    "MAX_STEPS",
    "STEP_ID",
    "Action",
    "ActionKind",
    "Fallback",
    "ForeachFile",
    "ForeachRange",
    "Retry",
    "Step",
    "Until",
    "WorkflowTemplate",
    "is_expression",
]

MAX_STEPS = 10_000
MAX_NESTING = 10
"""Workflows inside of workflows, the outermost one not counted."""

ActionKind: TypeAlias = Literal["prompt", "tool", "workflow", "switch"]
InputName: TypeAlias = Annotated[str, Field(pattern=INPUT_NAME, max_length=64)]

_ACTIONS: tuple[ActionKind, ...] = ("prompt", "tool", "workflow", "switch")
_BELONGS: dict[str, tuple[ActionKind, ...]] = {
    "agent": ("prompt",),
    "model": ("prompt",),
    "inputs": ("prompt", "workflow"),
    "with": ("tool",),
    "output": ("prompt", "tool", "workflow"),
    "cases": ("switch",),
    "default": ("switch",),
}
"""Which action each of the other keys belongs to."""


def _text_is_prompt(value: Any, model: type[Action]) -> Any:
    """A bare text is a prompt. What YAML made a number or a mapping of was probably meant as one."""
    if isinstance(value, str):
        return {"prompt": value}
    if isinstance(value, (bool, int, float)):
        raise PydanticCustomError("unquoted", "expected a prompt, or a mapping with `prompt`, `tool` or `workflow`")
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        known = _keys(model)
        if key not in known and not get_close_matches(key, known, n=1):
            raise PydanticCustomError("unquoted", "expected a prompt, which YAML took for a key and its value")
    return value


@cache
def _keys(model: type[Action]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def _action_given(value: Any) -> Any:
    return _text_is_prompt(value, Action)


def _step_given(value: Any) -> Any:
    return _text_is_prompt(value, Step)


class Action(Definition):
    """What a step does: asks an agent, calls a tool, or carries out another workflow."""

    prompt: Annotated[Text, Field(min_length=1)] | None = Field(None, description="What the agent is asked.")
    agent: Name | None = Field(None, description="The agent that is asked; without it the workflow's.")
    model: Models | None = Field(None, description="The model that is asked; without it the agent's.")
    inputs: dict[InputName, Json] = Field(
        default_factory=dict, description="The inputs of the agent or of the nested workflow. May hold expressions."
    )
    tool: str | None = Field(None, min_length=1, max_length=100, description="The tool that is called.")
    with_: dict[str, Json] = Field(
        default_factory=dict, alias="with", description="The tool's arguments. May hold expressions."
    )
    workflow: str | None = Field(
        None, min_length=1, max_length=400, description="The workflow that is carried out: a name or a path."
    )
    output: OutputSpec | None = Field(None, description="What the output must look like.")

    @property
    def kind(self) -> ActionKind:
        """Which of the actions it is: the name of the field that is set."""
        return next(name for name in _ACTIONS if getattr(self, name, None) is not None)

    @model_validator(mode="after")
    def _one_action(self) -> Action:
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self

    def _faults(self) -> Iterator[InitErrorDetails]:
        given = [name for name in _ACTIONS if getattr(self, name, None) is not None]
        if not given:
            yield InitErrorDetails(type=self._no_action(), loc=(), input=self.model_dump(exclude_unset=True))
            return
        for other in given[1:]:
            yield _misplaced(other, given[0], "Make it a step of its own.")
        for name in self.model_fields_set:
            key = type(self).model_fields[name].alias or name
            if given[0] not in _BELONGS.get(key, given):
                yield _misplaced(key, given[0], _fix(key, given[0]))

    def _no_action(self) -> PydanticCustomError:
        if self.agent is not None:
            return PydanticCustomError("step_action", "expected `prompt`, the text that the agent is asked")
        actions = [f"`{name}`" for name in _ACTIONS if name in type(self).model_fields]
        return PydanticCustomError("step_action", "expected one of {actions}", {"actions": ", ".join(actions)})


def _misplaced(key: str, beside: str, fix: str) -> InitErrorDetails:
    """The fault of a key that belongs to another action than the one it stands beside."""
    context = {"beside": beside, "fix": fix}
    error = PydanticCustomError("misplaced", "expected no such key beside `{beside}`. {fix}", context)
    return InitErrorDetails(type=error, loc=(key,), input=None)


def _fix(key: str, beside: str) -> str:
    if beside == "switch":
        return "Write it into the cases."
    if key == "inputs":
        return "Write `with`, where a tool's arguments stand."
    if key == "with":
        return "Write `inputs`."
    return "Remove it, or make it a step with `" + _BELONGS[key][0] + "`."


class Step(Action):
    """One node of a workflow: an action, and when and how often it is carried out. A bare text is a prompt."""

    switch: Expression | None = Field(None, description="Chooses one of `cases` by its value, printed as text.")
    cases: dict[str, Annotated[Action, BeforeValidator(_action_given, json_schema_input_type=str | Action)]] = Field(
        default_factory=dict, description="The actions that `switch` chooses from, by value."
    )
    default: Annotated[Action, BeforeValidator(_action_given, json_schema_input_type=str | Action)] | None = Field(
        None, description="The action where no case fits; without it the step fails."
    )
    id: StepId | None = Field(None, description="Its name in expressions. Without it `step_1`, `step_2`, by place.")
    name: str = Field("", max_length=200, description="What people read while it runs.")
    needs: Annotated[tuple[StepId, ...], Field(strict=False)] | None = Field(
        None, description="The steps that come first. Without it the step before; `[]` starts at once."
    )
    when: Condition = Field(True, description="The step is skipped where this is false.")
    foreach: Foreach | None = Field(None, description="Carries the step out once for every `item`.")
    retry: Retry = Field(default_factory=Retry, description="How often a failed step is tried again.")
    timeout: float | None = Field(None, gt=0, le=86_400, description="Seconds for one try.")
    until: UntilGiven | None = Field(None, description="Repeats the action until this is true.")
    on_error: StepOnError | None = Field(None, description="What a failure does to the others; else as the workflow.")
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="What the step may use up, all tries together.")

    @model_validator(mode="after")
    def _switch_has_cases(self) -> Step:
        if self.switch is not None and not self.cases:
            error = PydanticCustomError("step_cases", "expected at least one case beside `switch`")
            raise ValidationError.from_exception_data("Step", [InitErrorDetails(type=error, loc=("cases",), input={})])
        return self


Steps: TypeAlias = Annotated[
    tuple[Annotated[Step, BeforeValidator(_step_given, json_schema_input_type=str | Step)], ...],
    Field(strict=False, min_length=1, max_length=MAX_STEPS),
]


class WorkflowTemplate(Definition):
    """A workflow, as its file defines it."""

    version: Literal[1] = Field(1, description="The version of this format.")
    kind: Literal["workflow"] = Field("workflow", description="What the file defines.")
    name: Name = Field(description="The file's name without its ending.")
    description: str = Field("", max_length=1000, description="One line for listings.")
    inputs: dict[InputName, InputSpec] = Field(
        default_factory=dict, description="What `-i name=value` may give, by name."
    )
    agent: Name | None = Field(None, description="The agent of steps that name none; without it the settings' agent.")
    tools: ToolUses = Field((), description="How the tools of steps are set up; a built-in one needs no mention.")
    permissions: Permissions = Field(
        default_factory=Permissions, description="Rules for the tools of steps, on top of the settings' rules."
    )
    concurrency: int = Field(5, ge=1, le=100, description="Steps and items that may run at the same time.")
    on_error: OnError = Field("stop", description="What a failed step does to the others.")
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="What one run may use up, all steps together.")
    steps: Steps = Field(description="The steps, in the order in which they are written.")
    output: Text | None = Field(
        None, description="The result, such as `{{ steps.draft.output }}`; else the last step's."
    )

    def step_ids(self) -> list[str]:
        """The id of every step, in order; unnamed ones by their place, from `step_1`."""
        return [step.id or f"step_{number}" for number, step in enumerate(self.steps, 1)]
