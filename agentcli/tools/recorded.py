"""The tools of a recorded run: they say what they are and read their arguments, and do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.definitions.tool_files import PythonUse
from agentcli.engine.ports import Tool
from agentcli.errors import DefinitionError
from agentcli.sandbox.unopened import UnopenedWorkspace
from agentcli.tools.by_schema import SchemaArguments
from agentcli.tools.context import ToolContext
from agentcli.tools.gates import Gate
from agentcli.tools.registry import BUILT_IN, PYTHON, Selection, ToolRegistry, ToolUse


class RecordedTools:
    """The tools as the run had them. `workspace` is where it worked, whether or not that is still there.

    A built-in tool reads arguments as ever, people's own by its schema, as in the run; any other one takes them as they
    are.
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
        if self._tool is not None:
            return self._tool.parse(arguments)
        return SchemaArguments(self.spec).read(arguments) if self.spec.source else dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Never: its results are on record."""
        refuse(self.spec.name)


class RecordedCode:
    """People's own tools of a recorded run, for the uses of another template: nothing new can be learnt of them.

    See `OtherTools`. A file, or a package's tool, that the run did not have is a DefinitionError E-REPLAY-CODE.
    """

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self._specs = [spec for spec in specs if spec.source]

    def tools_of(self, use: ToolUse) -> list[tuple[Tool, Gate]]:
        """The recorded tools that a use comes to."""
        if use.name != PYTHON:
            found = [spec for spec in self._specs if spec.name == use.name]
        else:
            python = PythonUse.read(use.options)
            found = [spec for spec in self._specs if spec.source == python.path]
            found = [spec for spec in found if python.only is None or spec.name in python.only]
        if not found:
            name = use.options.get("path", use.name)
            raise DefinitionError(
                "E-REPLAY-CODE",
                f"The run had no tools of `{str(name)[:100]}`.",
                why="A replay runs no code, so it cannot learn what they are.",
                fix="Begin a new run with `agentcli run`.",
            )
        return [(RecordedTool(spec, None), Gate()) for spec in found]


def refuse(name: str) -> NoReturn:
    """Raises AssertionError: whoever lets a recorded tool be called has let something out of the record."""
    raise AssertionError(f"a replay called {name}")
