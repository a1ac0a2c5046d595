"""What the code of a custom agent may say, checked: nothing that comes out of the sandbox is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agentcli.core.agents import INPUT_NAME, MAX_TEXT

MOST_BYTES: Final = 1 << 20
"""Of one message."""

MOST_DEPTH: Final = 60
"""Lists and objects inside each other in one message."""


class WrongRequestError(Exception):
    """What the code said is no message: in words."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Ask(_Message):
    """A question to the model."""

    wants: Literal["ask"]
    prompt: str = Field(min_length=1, max_length=MAX_TEXT)
    instructions: str | None = Field(max_length=MAX_TEXT)
    schema_: dict[str, Any] | None = Field(alias="schema")
    tools: list[Annotated[str, Field(max_length=100)]] | None = Field(max_length=100)


class Call(_Message):
    """A call of a tool."""

    wants: Literal["tool"]
    name: str = Field(min_length=1, max_length=100)
    arguments: dict[Annotated[str, Field(pattern=INPUT_NAME, max_length=100)], Any]


class Say(_Message):
    """A line to show."""

    wants: Literal["say"]
    text: str = Field(max_length=10_000)


class End(_Message):
    """The code has given something back."""

    wants: Literal["end"]
    output: Any


class Fail(_Message):
    """The code has failed. `line` is that of the file it stands in; `kind` is the exception, or `output`."""

    wants: Literal["fail"]
    kind: str = Field(max_length=2_000)
    message: str = Field(max_length=2_000)
    line: int | None
    trace: str = Field(max_length=20_000)


Request = Ask | Call | Say | End | Fail

_READER: Final[TypeAdapter[Request]] = TypeAdapter(Annotated[Request, Field(discriminator="wants")])


def read_request(value: dict[str, Any]) -> Request:
    """The message. Raises WrongRequestError."""
    if _is_deep(value):
        raise WrongRequestError(f"it is nested more than {MOST_DEPTH} levels deep")
    try:
        return _READER.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in found["loc"])[:100]
        raise WrongRequestError(f"{place}: {found['msg']}" if place else found["msg"]) from error


def _is_deep(value: Any) -> bool:
    layer: Iterable[Any] = [value]
    for _ in range(MOST_DEPTH):
        layer = [item for one in layer for item in _inside(one)]
        if not layer:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
