"""Limits that a person sets on the command line."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from agentcli.core.agents import LimitsSpec
from agentcli.core.limits import Limits
from agentcli.errors import UsageError, sentence


def limits_given(given: Mapping[str, float], base: Limits) -> Limits:
    """`base` with these set. Raises UsageError E-USAGE-LIMIT."""
    try:
        return LimitsSpec.model_validate(dict(given)).to_limits(base)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise UsageError(
            "E-USAGE-LIMIT",
            f"The limit `{name}` cannot be set so.",
            why=sentence(problem["msg"]),
            fix=f"Set one of: {', '.join(LimitsSpec.model_fields)}.",
        ) from None
