"""The file behind `scripted:FILE`: replies that a person wrote, in YAML.

    replies:
      - hello                                        # a bare string is the answer's text
      - tool_calls: [{name: read_lines, arguments: {path: a.txt}}]
      - chunks: [The answer, " is 42."]              # what a stream gives piece by piece
        usage: {input: 20, output: 6}
      - error: rate_limit                            # fails like a real model
      - text: I see a list.
        contains: "[1, 2]"                           # answers whenever the last message holds this
      - text: done
        repeat: true                                 # for every turn from here on

**Which reply answers.** The turn is the number of the assistant's messages so far, plus one: a reply depends on the
conversation alone, so that resuming, forking and running in parallel give the same. Replies with a condition are
looked at first, in the file's order: `turn: N`, `contains: TEXT`, `matches: PATTERN` (RE2), the latter two on the
last message of the user or of a tool; all conditions that a reply has must hold. Otherwise the replies without
condition answer turn 1, 2, 3, ...; one with `repeat: N` stands for N turns, with `repeat: true` for all that follow.

**What a reply may hold.** `text` or `chunks`; `tool_calls`, each with `name`, `arguments` and optionally `id`, or
`malformed`: the text that should have been arguments; `reasoning`; `usage` (`input`, `output`, `cached`,
`reasoning`); `finish_reason` (`stop`, `tool_calls`, `length`, `content_filter`; the fitting one by default);
`error`, one of `rate_limit`, `timeout`, `unauthorised`, `unreachable`, `unknown_model`, `server`, `stream`,
`request`, `context`: raised after the text, as when all retries are used up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agentcli.core.models import FinishReason
from agentcli.definitions.files import read_definition
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import validate
from agentcli.definitions.yaml_source import read

FAMILY = "E-SCRIPT"
"""What the codes of a script's problems begin with."""

FailureName = Literal[
    "rate_limit", "timeout", "unauthorised", "unreachable", "unknown_model", "server", "stream", "request", "context"
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class ScriptedUsage(_Strict):
    """Token counts to report."""

    input: int = Field(0, ge=0)
    output: int = Field(0, ge=0)
    cached: int = Field(0, ge=0)
    reasoning: int = Field(0, ge=0)


class ScriptedCall(_Strict):
    """A tool call. The id is made from turn and place where none is given."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = {}
    malformed: str | None = None
    id: str | None = Field(None, min_length=1)


class ScriptedReply(_Strict):
    """One reply; see the module."""

    text: str = ""
    chunks: list[str] | None = None
    tool_calls: list[ScriptedCall] = []
    reasoning: str | None = None
    usage: ScriptedUsage = ScriptedUsage()
    finish_reason: FinishReason | None = None
    error: FailureName | None = None
    turn: PositiveInt | None = None
    contains: str | None = Field(None, min_length=1)
    matches: str | None = Field(None, min_length=1)
    repeat: PositiveInt | Literal[True] = 1

    @property
    def conditional(self) -> bool:
        """Whether it answers when its conditions hold, and not in the order of turns."""
        return self.turn is not None or self.contains is not None or self.matches is not None

    @property
    def pieces(self) -> list[str]:
        """The text as a stream gives it."""
        return self.chunks if self.chunks is not None else [self.text] * bool(self.text)

    @model_validator(mode="after")
    def _consistent(self) -> ScriptedReply:
        if self.text and self.chunks is not None:
            raise PydanticCustomError("script", "text or chunks, not both")
        if not (self.pieces or self.tool_calls or self.error or "text" in self.model_fields_set):
            raise PydanticCustomError("script", "at least one of text, chunks, tool_calls and error")
        if self.conditional and self.repeat != 1:
            raise PydanticCustomError("script", "no repeat beside a condition, which holds for every turn")
        return self

    @field_validator("matches")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            pattern(value)
        return value


def pattern(text: str) -> Any:
    """The RE2 pattern. Raises PydanticCustomError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        cause = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise PydanticCustomError("script", "a pattern ({cause})", {"cause": cause}) from error


def _reply(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Script(_Strict):
    """The whole file."""

    version: Literal[1] = 1
    replies: list[Annotated[ScriptedReply, BeforeValidator(_reply)]] = Field(min_length=1)


def load_script(path: Path) -> Script:
    """Read and check a script. Raises DefinitionError with everything that is wrong in it, by line and column."""
    file = str(path)
    source = read(read_definition(path, FAMILY), file, FAMILY)
    return validate(Script, source, Problems(FAMILY, file))
