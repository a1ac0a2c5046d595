"""The final answer against `output.schema`."""

from __future__ import annotations

import json
from typing import Any

from agentcli.core.canonical import encode
from agentcli.errors import DefinitionError, sentence

_MAX_PROBLEMS = 5


class OutputSchema:
    """A compiled JSON Schema (draft 2020-12). Never fetches a reference from outside."""

    def __init__(self, schema: dict[str, Any]) -> None:
        import jsonschema_rs

        try:
            self._validator = jsonschema_rs.Draft202012Validator(schema, retriever=_refuse)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise DefinitionError(
                "E-TEMPLATE-SCHEMA",
                "`output.schema` is not a valid JSON Schema.",
                why=sentence(str(error).splitlines()[0]),
                fix="Correct the schema; a reference may only point inside it.",
            ) from error

    def read(self, text: str) -> tuple[Any, list[str]]:
        """The answer as a value, and what is wrong with it (nothing: it fits). A Markdown fence is forgiven."""
        try:
            value = json.loads(unfenced(text))
            encode(value)  # NaN, infinity and halves of surrogate pairs: Python reads them, no one else would
        except ValueError as error:
            return None, [f"it is not JSON: {error}"]
        except RecursionError:
            return None, ["it is nested too deeply"]
        return value, self.problems(value)

    def problems(self, value: Any) -> list[str]:
        """What is wrong with a value, the first few of it; nothing: it fits."""
        problems = [
            f"at ${''.join(f'[{step!r}]' for step in problem.instance_path)}: {problem.message}"
            for problem in self._validator.iter_errors(value)
        ]
        return problems[:_MAX_PROBLEMS]


def unfenced(text: str) -> str:
    """The text without a Markdown code fence that encloses all of it."""
    lines = text.strip().splitlines()
    fenced = len(lines) >= 2 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else text.strip()


def _refuse(uri: str) -> Any:
    raise ValueError(f"a schema may not refer to {uri}")
