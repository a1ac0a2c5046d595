"""What may stand around a step's action: how often it is carried out, on what, and what follows where it fails."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from agentcli.core.agents import EXPRESSION, Definition, Text
from agentcli.core.canonical import Json

STEP_ID = r"^[a-z][a-z0-9_]*$"
MAX_ITEMS = 100_000
"""Items of one `foreach`."""

StepId: TypeAlias = Annotated[str, Field(pattern=STEP_ID, max_length=64)]
OnError: TypeAlias = Literal["stop", "continue"]
Ignore: TypeAlias = Literal["ignore"]
ExpressionText: TypeAlias = Annotated[str, Field(pattern=EXPRESSION)]


def is_expression(text: str) -> bool:
    """Whether a text is one `{{ expression }}`, and so keeps the type of its value."""
    return re.fullmatch(EXPRESSION, text.strip(), re.DOTALL) is not None


def _expression(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, str) and is_expression(value):
        return value
    raise PydanticCustomError("expression", "expected one `{{ expression }}`")


def _condition(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and is_expression(value)):
        return value
    raise PydanticCustomError("condition", "expected true, false, or one `{{ expression }}`")


def _text_is_condition(value: Any) -> Any:
    return {"condition": value} if isinstance(value, str) else value


def _number_is_last(value: Any) -> Any:
    """`range: 5` is 1 to 5."""
    return (1, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _foreach(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, list) or (isinstance(value, str) and is_expression(value)):
        return value
    for model in (ForeachRange, ForeachFile):
        if isinstance(value, model) or (isinstance(value, dict) and set(value) == set(model.model_fields)):
            return model.model_validate(value)
    expected = "expected a list, one `{{ expression }}` that gives it, `{range: [1, 5]}` or `{file: rows.jsonl}`"
    raise PydanticCustomError("foreach", expected)


def _on_error(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if value in ("stop", "continue", "ignore"):
        return value
    if isinstance(value, Fallback) or (isinstance(value, dict) and set(value) == set(Fallback.model_fields)):
        return Fallback.model_validate(value)
    raise PydanticCustomError("on_error", "expected `stop`, `continue`, `ignore` or `{fallback: step}`")


Expression: TypeAlias = Annotated[str, WrapValidator(_expression, json_schema_input_type=ExpressionText)]
Condition: TypeAlias = Annotated[bool | str, WrapValidator(_condition, json_schema_input_type=bool | ExpressionText)]


class Retry(Definition):
    """How often a failed step is tried again."""

    attempts: int = Field(1, ge=1, le=20, description="How often the step is tried in all.")
    delay: float = Field(0, ge=0, le=3_600, description="Seconds before the second try; doubled from try to try.")


class Until(Definition):
    """The action is repeated until a condition holds. Written as the condition alone, or with its bounds."""

    condition: Expression = Field(description="May use `output`, that of this round, and `round`, from 1.")
    rounds: int = Field(5, ge=1, le=100, description="How often the action is carried out at most.")
    otherwise: Literal["fail", "keep"] = Field(
        "fail", description="Where it never held: the step fails, or keeps the last round's output."
    )


class ForeachRange(Definition):
    """Whole numbers as items, both ends included."""

    range: Annotated[
        tuple[int, int], BeforeValidator(_number_is_last, json_schema_input_type=int | tuple[int, int])
    ] = Field(strict=False, description="The first and the last number; one alone is the last, from 1.")

    @property
    def first(self) -> int:
        """The first number."""
        return self.range[0]

    @property
    def last(self) -> int:
        """The last number; below the first one there is no item."""
        return self.range[1]


class ForeachFile(Definition):
    """The items of a file: the rows of `.jsonl`, `.csv` or a `.json` list; of any other file its lines."""

    file: Annotated[Text, Field(min_length=1)] = Field(description="Its path. May hold expressions.")


class Fallback(Definition):
    """The step that takes a failed one's place."""

    fallback: StepId = Field(description="It runs only if this one fails; its output is then this one's.")


Foreach: TypeAlias = Annotated[
    list[Json] | str | ForeachRange | ForeachFile,
    WrapValidator(_foreach, json_schema_input_type=list[Json] | ExpressionText | ForeachRange | ForeachFile),
]
UntilGiven: TypeAlias = Annotated[
    Until, BeforeValidator(_text_is_condition, json_schema_input_type=ExpressionText | Until)
]
StepOnError: TypeAlias = Annotated[
    OnError | Ignore | Fallback, WrapValidator(_on_error, json_schema_input_type=OnError | Ignore | Fallback)
]
