"""Some of an agent's tools: those that one conversation may use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.engine.ports import Tool, ToolSet
from agentcli.errors import ToolError


@value(frozen=True, slots=True)
class Narrowed:
    """The tools of a set that `names` holds; all of them where it is None."""

    tools: ToolSet
    names: frozenset[str] | None

    def get(self, name: str) -> Tool | None:
        """The tool, or None."""
        return self.tools.get(name) if self.names is None or name in self.names else None

    def specs(self) -> Sequence[ToolSpec]:
        """All of them, in the order of the template."""
        return self.of(self.tools.specs())

    def of(self, specs: Iterable[ToolSpec]) -> list[ToolSpec]:
        """Those of these that are in it."""
        return [spec for spec in specs if self.names is None or spec.name in self.names]


def narrowed(tools: ToolSet, names: Iterable[str] | None) -> Narrowed:
    """Some of the tools. Raises ToolError E-TOOL-UNKNOWN for one that is not among them."""
    wanted = None if names is None else frozenset(names)
    for name in sorted(wanted or ()):
        if tools.get(name) is None:
            known = ", ".join(spec.name for spec in tools.specs()) or "none"
            raise ToolError(
                "E-TOOL-UNKNOWN", f"There is no tool `{name}`.", why=f"The agent has: {known}.", fix="Use one of them."
            )
    return Narrowed(tools, wanted)
