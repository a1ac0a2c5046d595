"""The tools of a recorded run: they say what they are and read their arguments, and do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.engine.ports import Tool
from agentcli.sandbox.unopened import UnopenedWorkspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import BUILT_IN, Selection, ToolRegistry, ToolUse


class RecordedTools:
    """The tools as the run had them. `workspace` is where it worked, whether or not that is still there.

    A built-in tool reads arguments as ever; any other one takes them as they are, for its code is not on record.
    """

    def __init__(
        self, specs: Sequence[ToolSpec], uses: Iterable[ToolUse], workspace: Path, private: Iterable[Path]
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._uses = {use.name: use for use in uses if use.name in BUILT_IN}
        self._registry = ToolRegistry(ToolContext(UnopenedWorkspace(workspace, private)))
        self._selection: Selection | None = None

    def get(self, name: str) -> Tool | None:
        """The tool, or None."""
        spec = self._specs.get(name)
        if spec is None:
            return None
        if self._selection is None:
            self._selection = self._registry.select(self._uses.values())
        return RecordedTool(spec, self._selection.get(name))

    def specs(self) -> Sequence[ToolSpec]:
        """All of them, in the order of the template."""
        return list(self._specs.values())


class RecordedTool:
    """One tool of a recorded run."""

    def __init__(self, spec: ToolSpec, tool: Tool | None) -> None:
        self.spec = spec
        self._tool = tool

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Tool`."""
        return self._tool.parse(arguments) if self._tool is not None else dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Never: its results are on record."""
        refuse(self.spec.name)


def refuse(name: str) -> NoReturn:
    """Raises AssertionError: whoever lets a recorded tool be called has let something out of the record."""
    raise AssertionError(f"a replay called {name}")
