"""The tool `ask_user`: a question to the person at the terminal. Asking is the engine's: see `ToolSpec.asks_person`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import Field

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.tools.arguments import Arguments, read, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import Options


class AskUserArguments(Arguments):
    """What to ask."""

    question: str = Field(min_length=1, max_length=2000, description="One question, in plain words.")
    choices: list[str] | None = Field(None, max_length=20, description="The answers there are; without them, any text.")


OPTIONS = Options


def spec() -> ToolSpec:
    """What models and people are told."""
    return ToolSpec(
        name="ask_user",
        description="Ask the user one question and wait for the answer. Only for what you cannot find out yourself.",
        parameters=schema_of(AskUserArguments),
        effects="read-only",
        subject="question",
        subject_kind="text",
        asks_person=True,
        examples=(
            {"question": "Which of the two configurations is in use?", "choices": ["staging", "production"]},
            {"question": "What should the report be called?"},
        ),
        returns="The user's answer.",
    )


def build(_context: ToolContext, _options: Options) -> AskUser:
    """The tool."""
    return AskUser(spec())


@value(frozen=True, slots=True)
class AskUser:
    """Reads its arguments; the engine puts the question."""

    spec: ToolSpec

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments. Raises ToolArgumentsError."""
        found = read(AskUserArguments, self.spec.name, arguments, self.spec.examples[0])
        return {"question": found.question, **({"choices": found.choices} if found.choices else {})}

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Never by the engine. Raises ToolError for anyone else."""
        _nobody(self.spec.name, self.parse(arguments))


def _nobody(name: str, arguments: Mapping[str, Any]) -> NoReturn:
    error = ToolError(
        "E-TOOL-PERSON", f"`{name}` cannot be called here: nobody can be asked.", fix="Go on without the answer."
    )
    raise error.in_call(name, arguments)
