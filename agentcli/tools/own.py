"""People's own tools of one run: from what a template uses to tools that can be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from agentcli.core.declaring import Declared
from agentcli.core.rates import Rate
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.definitions.tool_files import PythonUse, ToolFile
from agentcli.engine.ports import Tool
from agentcli.errors import DefinitionError, ToolArgumentsError
from agentcli.tools.by_schema import SchemaArguments
from agentcli.tools.gate_options import GateOptions
from agentcli.tools.gates import Gate
from agentcli.tools.packages import PackageTool
from agentcli.tools.registry import BUILT_IN, PYTHON, ToolUse, read_options
from agentcli.tools.worker.crew import Crew, Loaded, Tooling


@value(frozen=True, slots=True)
class Wanted:
    """The code that a run's tools are in: files by the path that the template writes, packages by the tool's name."""

    home: str
    files: Mapping[str, ToolFile] = field(default_factory=dict)
    packages: Mapping[str, PackageTool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.files or self.packages)

    def to_json(self) -> list[dict[str, Any]]:
        """What the worker is told to load."""
        files = [
            {
                "file": str(file.place),
                "source": file.text,
                "folders": [str(file.place.parent), self.home],
                "names": [tool.spec.name for tool in file.tools],
            }
            for file in self.files.values()
        ]
        packages = [
            {"name": tool.name, "module": tool.module, "attribute": tool.attribute} for tool in self.packages.values()
        ]
        return [*files, *packages]


class OwnTool:
    """A tool whose code runs in the worker."""

    def __init__(self, spec: ToolSpec, timeout: float | None, home: str, crew: Crew) -> None:
        self.spec = spec
        self._arguments = SchemaArguments(spec)
        self._tooling = Tooling(spec.name, spec.effects, timeout, self._arguments, home)
        self._crew = crew

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked against the schema alone: a replay, which has no more, reads them as the run did."""
        return self._arguments.read(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it in the worker. Raises ToolError, which carries the tool, the arguments and the cause."""
        try:
            return await self._crew.call(self._tooling, self._arguments.read(arguments))
        except ToolArgumentsError as error:
            raise error.in_call(self.spec.name, arguments) from error.__cause__


class OwnTools:
    """The tools of a run's own code, loaded. `recorded` are the specs that a run goes on under."""

    def __init__(self, wanted: Wanted, loaded: Loaded, crew: Crew, recorded: Sequence[ToolSpec] = ()) -> None:
        self._wanted = wanted
        self._loaded = loaded
        self._crew = crew
        self._recorded = {spec.name: spec for spec in recorded}

    def tools_of(self, use: ToolUse) -> list[tuple[Tool, Gate]]:
        """The tools that a use comes to, each with its gate. Raises DefinitionError."""
        if use.name == PYTHON:
            file = self._wanted.files[PythonUse.read(use.options).path]
            names, source, said = [tool.spec.name for tool in file.tools], file.path, GateOptions()
        else:
            names, source = [use.name], self._wanted.packages[use.name].source
            said = read_options(use.name, use.options, GateOptions)
        return [self._tool(name, source, said) for name in names]

    def _tool(self, name: str, source: str, said: GateOptions) -> tuple[Tool, Gate]:
        declared, told = self._loaded.tools[name]
        spec = self._agreed(_spec(declared, told, source))
        tool = OwnTool(spec, declared.timeout, self._wanted.home, self._crew)
        gate = said.gate(spec, declared.retries)
        rate = gate.rate or (Rate.parse(declared.rate_limit) if declared.rate_limit else None)
        return tool, replace(gate, rate=rate, cache_ttl=gate.cache_ttl or declared.cache_ttl)

    def _agreed(self, spec: ToolSpec) -> ToolSpec:
        """The spec that the run goes by: as it was told to the model, where it was. Effects must be the same."""
        recorded = self._recorded.get(spec.name)
        if recorded is None or recorded == spec:
            return spec
        if recorded.effects != spec.effects:
            raise DefinitionError(
                "E-TOOL-CHANGED",
                f"The tool `{spec.name}` is {spec.effects} now.",
                why=f"It was {recorded.effects} when the run was begun, and was allowed as that.",
                fix="Begin a new run.",
            )
        return recorded


def refuse_changed(file: ToolFile, loaded: Loaded) -> None:
    """What was read off the text holds in the loaded file too. Raises DefinitionError E-TOOL-DECLARATION."""
    for tool in file.tools:
        if loaded.tools[tool.spec.name][0] != tool.declared:
            raise DefinitionError(
                "E-TOOL-DECLARATION",
                f"The tool `{tool.spec.name}` is not what its decorator says, once it is loaded.",
                why="Something else in the file changes it.",
                fix="Let @tool alone say what the tool is.",
                file=str(file.place),
                line=tool.line,
                column=1,
            )


def refuse_clash(file: ToolFile) -> None:
    """Raises DefinitionError E-TOOL-CLASH for a tool with the name of a built-in one."""
    for tool in file.tools:
        if tool.spec.name in BUILT_IN:
            raise DefinitionError(
                "E-TOOL-CLASH",
                f"The tool `{tool.spec.name}` has the name of a built-in one.",
                why="Permissions and records go by the name.",
                fix="Rename the function, or write `@tool(name=…)`.",
                file=str(file.place),
                line=tool.line,
                column=1,
            )


def _spec(declared: Declared, told: Mapping[str, Any], source: str) -> ToolSpec:
    return ToolSpec(
        name=declared.name,
        description=told["description"],
        parameters=told["parameters"],
        effects=declared.effects,
        version=declared.version,
        deprecated=declared.deprecated,
        examples=declared.examples,
        returns=told["returns"],
        subject_kind="text",
        source=source,
    )
