"""What a template's fields say together, and what names outside of it they use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path as Directory
from typing import TYPE_CHECKING

from agentcli.catalog import json_schema, rendering
from agentcli.catalog.template_faults import Names
from agentcli.core.agent_code import KEEP_FILES
from agentcli.core.agents import PYTHON_TOOL, AgentTemplate, InputSpec, OutputSpec, Permissions, ToolUses
from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import dotted
from agentcli.definitions.yaml_source import Path, Source, place_of
from agentcli.errors import DefinitionError

if TYPE_CHECKING:
    from agentcli.catalog.others import Others

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@value(frozen=True, slots=True)
class Known:
    """The names that templates may use. None: not known here, so not checked. What takes time is a function."""

    tools: frozenset[str] | None = None
    providers: frozenset[str] | None = None
    packages: Callable[[], frozenset[str]] = frozenset
    """The tools that installed packages bring; looked up only where a name is no built-in tool's."""
    parameters: Callable[[str], Mapping[str, Json]] | None = None
    """The JSON Schema of the arguments of one of `tools`."""
    others: Others | None = None
    """The agents and workflows that a workflow may name."""


class Check:
    """The checks that agents and workflows have in common, over one file.

    `home` is the folder that Python files are named from.
    """

    def __init__(self, source: Source, problems: Problems, known: Known, home: Directory) -> None:
        self.source = source
        self.problems = problems
        self.known = known
        self.home = home
        self.own: dict[str, Mapping[str, Json]] = {}
        """The tools of the Python files that the template uses, each with the schema of its arguments."""

    def name(self, name: str, stem: str) -> None:
        """The name is the file's stem."""
        if name != stem:
            why = f"The file is called `{stem}`, and agents and workflows go by their file's name."
            fix = f"Write `name: {stem}`, or rename the file."
            self.add("NAME", f"`name: {name}` is not the file's name.", why, fix, ("name",))

    def text(self, path: Path, text: object, names: Names) -> None:
        """A text with expressions: not cut short, and every name in it defined. What is no text is let by."""
        if not isinstance(text, str) or self.problems.full:
            return
        self.uncut(path)
        for fault in rendering.faults(text, names):
            at = _place(self.source, path, fault.line, fault.words)
            self.problems.add(fault.kind, fault.what, why=fault.why, fix=fault.fix, at=at)

    def values(self, path: Path, value: Json, names: Names) -> None:
        """Every text inside a value."""
        if isinstance(value, dict):
            for key, item in value.items():
                self.values((*path, key), item, names)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.values((*path, index), item, names)
        else:
            self.text(path, value, names)

    def uncut(self, path: Path) -> None:
        """A text without quotes that a ` #` ends was probably meant to go on."""
        if self.source.has_cut and self.source.spot(path).cut:
            why = "In YAML ` #` begins a comment, also inside a text without quotes."
            fix = "Quote the whole text; before a comment write two spaces, and one after its `#`."
            self.add("QUOTE", f"`{dotted(self.source.known(path))}` is cut short by ` #`.", why, fix, path)

    def inputs(self, inputs: Iterable[str]) -> None:
        """The texts of the inputs' declarations."""
        for name in inputs:
            self.uncut(("inputs", name, "description"))

    def tool(self, name: str, path: Path) -> None:
        """A tool that exists."""
        tools = self.known.tools
        if self.problems.full or tools is None or name in tools or name in self.own:
            return
        if name not in self.known.packages():
            fix = suggestion(name, tools, "See `agentcli tools list`.")
            self.add("UNKNOWN-TOOL", f"There is no tool `{name}`.", f"There are: {listed(tools, 20)}.", fix, path)

    def python_file(self, options: Mapping[str, object], path: Path) -> dict[str, Mapping[str, Json]]:
        """The tools of a Python file, read and not run, each with the schema of its arguments.

        What is wrong in it is told with its place there.
        """
        from agentcli.definitions.tool_files import PythonUse, read_tool_file

        try:
            file = read_tool_file(self.home, PythonUse.read(options))
        except DefinitionError as error:
            line, column = self.source.where(path)
            info = error.info
            self.problems.include(
                info if info.file else replace(info, file=self.problems.file, line=line, column=column)
            )
            return {}
        found: dict[str, Mapping[str, Json]] = {tool.spec.name: tool.spec.parameters for tool in file.tools}
        for name in found:
            if self.known.tools is not None and name in self.known.tools:
                why = f"{file.path} has a tool of that name too."
                fix = "Rename the function, or write `@tool(name=…)`."
                self.add("TOOL-NAME", f"`{name}` is a built-in tool.", why, fix, path)
        return found

    def models(self, models: Iterable[str] | None, path: Path) -> None:
        """Models of providers that exist."""
        providers = self.known.providers
        for index, model in enumerate(models or ()):
            provider = model.partition(":")[0]
            if providers is not None and provider not in providers:
                what, why = f"There is no provider `{provider}`.", f"There are: {listed(providers, 20)}."
                fix = suggestion(provider, providers, "Name it under `providers:` in the settings.")
                self.add("UNKNOWN-PROVIDER", what, why, fix, (*path, index))

    def add(self, kind: str, what: str, why: str, fix: str, path: Path) -> None:
        """Note a problem of the value at `path`."""
        self.problems.add(kind, what, why=why, fix=fix, at=self.source.where(path))


def check_agent(template: AgentTemplate, stem: str, check: Check) -> None:
    """Everything about an agent that its fields alone do not tell."""
    check.name(template.name, stem)
    check.uncut(("description",))
    check.inputs(template.inputs)
    check.models(template.model, ("model",))
    names = input_names(template.inputs)
    check.text(("instructions",), template.instructions, names)
    check_tools(template.tools, check)
    _code(template, check)
    check_permissions(template.permissions, check)
    check_output(template.output, ("output",), names, check)


def _code(template: AgentTemplate, check: Check) -> None:
    """The code of a custom agent, read and not run; its permissions may name the tool that keeps its files."""
    if template.code is not None:
        if KEEP_FILES in check.own:
            fix = "Rename the function, or write `@tool(name=…)`."
            why = "The files that the code of the agent changes are kept by that name."
            check.add("TOOL-NAME", f"`{KEEP_FILES}` is no name for a tool of this agent.", why, fix, ("tools",))
        check.own[KEEP_FILES] = {}
        from agentcli.definitions.agent_code import read_code

        try:
            read_code(template.code, check.source, check.home)
        except DefinitionError as error:
            check.problems.include(error.info)


def input_names(inputs: dict[str, InputSpec]) -> dict[str, Names | frozenset[str] | None]:
    """The names that every template text may use."""
    return {"inputs": frozenset(inputs), "now": None}


def check_tools(uses: ToolUses, check: Check) -> None:
    """The tools that a template lists: each exists, and is there once."""
    seen: set[str] = set()
    for index, use in enumerate(uses):
        path = ("tools", index)
        own = check.python_file(use.options, path) if use.name == PYTHON_TOOL else {}
        for name in own if use.name == PYTHON_TOOL else [use.name]:
            if name in seen:
                what = f"The tool `{name}` is there twice."
                check.add("DUPLICATE-TOOL", what, "Each tool is set up once.", "Remove one.", path)
            seen.add(name)
        check.own.update(own)
        if use.name != PYTHON_TOOL:
            check.tool(use.name, path)


def check_permissions(permissions: Permissions, check: Check) -> None:
    """A rule for a tool that does not exist would never hold, and nobody would notice."""
    for name, patterns in permissions:
        for index, pattern in enumerate(patterns):
            tool = pattern.partition("(")[0]
            if "*" not in tool:
                check.tool(tool, ("permissions", name, index))


def check_output(output: OutputSpec | None, path: Path, names: Names, check: Check) -> None:
    """What an output must look like is a JSON Schema, or an expression that can be read."""
    if output is None:
        return
    path = (*path, "schema")
    if isinstance(output.schema_, str):
        check.text(path, output.schema_, names)
    elif (fault := json_schema.fault_of(output.schema_)) is not None:
        fix = "See https://json-schema.org for what a schema may say."
        check.add("SCHEMA", f"`{dotted(path)}` is not a valid JSON Schema.", fault, fix, path)


def _place(source: Source, path: Path, line: int, words: str) -> tuple[int, int]:
    """The place of `words` in the expressions of a text; without them the place of its line."""
    spot = source.spot(path)
    raw = source.text[spot.start : spot.end]
    wanted = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    for expression in _EXPRESSION.finditer(raw) if words else ():
        if found := wanted.search(raw, expression.start(), expression.end()):
            return place_of(source.text, spot.start + found.start())
    if spot.style != "block":
        return spot.line, spot.column
    lines = source.text.splitlines()
    number = min(spot.line + line, len(lines))
    text = lines[number - 1]
    return number, len(text) - len(text.lstrip()) + 1
