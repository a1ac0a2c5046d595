"""What a template may set on every tool: how often it may be called, and how long its results are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from agentcli.core.rates import Rate
from agentcli.core.tools import ToolSpec
from agentcli.errors import DefinitionError
from agentcli.tools.file_tool import Options
from agentcli.tools.gates import Gate


class GateOptions(Options):
    """The options that all tools share."""

    rate_limit: str | None = Field(None, description="How often it may be called: 10/min, 5/s, 100/hour.")
    cache_ttl: float | None = Field(
        None, gt=0, le=86_400, description="Seconds for which the same call gives the same result; read-only tools."
    )

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                Rate.parse(value)
        except ValueError as error:
            raise PydanticCustomError("rate", "expected a rate such as 10/min, 5/s, 100/hour or 1000/day") from error
        return value

    def gate(self, spec: ToolSpec, retries: int = 0) -> Gate:
        """The gate before a tool. Raises DefinitionError E-TOOL-OPTION."""
        if spec.asks_person and (self.rate_limit or self.cache_ttl is not None):
            why = "A person answers it, and what people say is neither limited nor kept."
            raise _cannot("rate_limit" if self.rate_limit else "cache_ttl", spec, why)
        if self.cache_ttl is not None and spec.effects != "read-only":
            raise _cannot(
                "cache_ttl", spec, f"A call of it is {spec.effects}: a result from before would leave it undone."
            )
        return Gate(Rate.parse(self.rate_limit) if self.rate_limit else None, self.cache_ttl, retries)


def _cannot(option: str, spec: ToolSpec, why: str) -> DefinitionError:
    return DefinitionError(
        "E-TOOL-OPTION",
        f"The option `{option}` of the tool `{spec.name}` cannot be set so.",
        why=why,
        fix="Remove it.",
    )


def apart(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the tool itself, and those of its gate."""
    shared = {name: value for name, value in options.items() if name in GateOptions.model_fields}
    return {name: value for name, value in options.items() if name not in shared}, shared
