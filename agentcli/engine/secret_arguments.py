"""Which tools are given the values behind placeholders, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcli.core.policies import Policy
from agentcli.core.tools import ToolSpec
from agentcli.engine.ports import Filling, Redactor, Tool
from agentcli.errors import ToolRefusedError


def restored(tool: Tool, arguments: Mapping[str, Any], redactor: Redactor, policy: Policy) -> dict[str, Any]:
    """The arguments with real values for placeholders: only for built-in tools that write here, never for one that
    reads, that takes them elsewhere, or that is people's own code. What a tool fills in by itself it gets as it is.

    Raises ToolRefusedError E-TOOL-SECRET, ToolError E-SECRET-GONE.
    """
    spec = tool.spec
    filled = tool.fills if isinstance(tool, Filling) else frozenset()
    given = {name: value for name, value in arguments.items() if name not in filled}
    real: dict[str, Any] = redactor.restore(given)
    reads_or_sends = spec.effects == "read-only" or spec.subject_kind == "host"
    if real != given and (reads_or_sends or spec.source):
        raise ToolRefusedError(
            "E-TOOL-SECRET",
            f"`{spec.name}` may not be given a secret.",
            why="Its arguments hold the placeholder of one.",
            fix="Call it without the placeholder.",
        )
    if real != given and _hides(spec, given, real, policy):
        raise ToolRefusedError(
            "E-TOOL-SECRET",
            f"`{spec.name}` may not be given a secret there.",
            why="The permission rules could not see what it stands for.",
            fix="Call it without the placeholder, or keep the placeholder to the content.",
        )
    return {**arguments, **real}


def _hides(spec: ToolSpec, arguments: dict[str, Any], real: dict[str, Any], policy: Policy) -> bool:
    """Whether the rules and whoever approved were shown a placeholder where the value itself decides."""
    if any(real.get(name) != arguments.get(name) for name in spec.subjects):
        return True
    return policy.decide(spec, real).decision == "deny"
