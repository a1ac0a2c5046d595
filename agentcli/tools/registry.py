"""The tools there are, and the selection of them that one agent works with. Nothing here is global or built early."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from agentcli.core.tools import ToolSpec
from agentcli.engine.ports import Tool
from agentcli.errors import DefinitionError, sentence
from agentcli.sandbox.paths import Workspace

_NAMES: Final = (
    "read_lines",
    "grep_file",
    "list_files",
    "search_files",
    "create_file",
    "edit_file",
    "move_file",
    "delete_file",
    "ask_user",
)
BUILT_IN: Final[Mapping[str, str]] = {name: f"agentcli.tools.{name}" for name in _NAMES}
"""Module of each tool. It has `OPTIONS` (a pydantic model), `spec()` and `build(workspace, options)`."""

PYTHON: Final = "python"
"""The name under which a template uses a file of the user's own tools."""


class ToolUse(Protocol):
    """A tool that a template names, and how it sets it up."""

    @property
    def name(self) -> str:
        """The tool's name."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options; none is the usual case."""


class Selection:
    """The tools of one agent, by name, in the order of its template. Each is built when it is first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Tool]], specs: Sequence[ToolSpec]) -> None:
        self._makers = makers
        self._specs = specs
        self._built: dict[str, Tool] = {}

    def get(self, name: str) -> Tool | None:
        """The tool, or None."""
        if name not in self._built:
            maker = self._makers.get(name)
            if maker is None:
                return None
            self._built[name] = maker()
        return self._built[name]

    def specs(self) -> Sequence[ToolSpec]:
        """All of them, in the order of the template."""
        return self._specs


class ToolRegistry:
    """Every tool that agents of one workspace can be given."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._specs: dict[str, ToolSpec] = {}

    def names(self) -> list[str]:
        """All names, in the order of a listing."""
        return list(BUILT_IN)

    def source(self, name: str) -> str:
        """Where a tool comes from. Raises DefinitionError (E-TEMPLATE-UNKNOWN-TOOL)."""
        _module(name)
        return "built-in"

    def specs(self) -> list[ToolSpec]:
        """What each tool says of itself."""
        return [self.spec(name) for name in BUILT_IN]

    def spec(self, name: str) -> ToolSpec:
        """What one tool says of itself. Raises DefinitionError (E-TEMPLATE-UNKNOWN-TOOL)."""
        if name not in self._specs:
            spec: ToolSpec = _module(name).spec()
            self._specs[name] = spec
        return self._specs[name]

    def options_schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of what a template may set on a tool. Raises DefinitionError (the same)."""
        options: type[BaseModel] = _module(name).OPTIONS
        return options.model_json_schema()

    def select(self, uses: Iterable[ToolUse]) -> Selection:
        """The tools that a template names.

        Raises DefinitionError: E-TEMPLATE-UNKNOWN-TOOL with the nearest name, E-TEMPLATE-DUPLICATE-TOOL, E-TOOL-OPTION,
        and E-TEMPLATE-PYTHON-TOOL for a file of the user's own tools.
        """
        makers: dict[str, Callable[[], Tool]] = {}
        for use in uses:
            if use.name == PYTHON:
                raise _python_tool(use.options)
            if use.name in makers:
                raise DefinitionError(
                    "E-TEMPLATE-DUPLICATE-TOOL",
                    f"The tool `{use.name}` is there twice.",
                    why="Each tool is set up once.",
                    fix="Remove one.",
                )
            makers[use.name] = self._maker(use)
        return Selection(makers, [self.spec(name) for name in makers])

    def _maker(self, use: ToolUse) -> Callable[[], Tool]:
        module = _module(use.name)
        options = _options(use, module.OPTIONS)

        def build() -> Tool:
            tool: Tool = module.build(self._workspace, options)
            return tool

        return build


M = TypeVar("M", bound=BaseModel)


def _module(name: str) -> Any:
    if name not in BUILT_IN:
        near = difflib.get_close_matches(name, BUILT_IN, n=1, cutoff=0.5)
        why = f"There are: {', '.join(BUILT_IN)}."
        fix = f"Did you mean `{near[0]}`?" if near else "See `agentcli tools list`."
        raise DefinitionError("E-TEMPLATE-UNKNOWN-TOOL", f"There is no tool `{name}`.", why=why, fix=fix)
    return importlib.import_module(BUILT_IN[name])


def _options(use: ToolUse, model: type[M]) -> M:
    try:
        return model.model_validate(dict(use.options))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option = ".".join(str(part) for part in problem["loc"])
        known = ", ".join(model.model_fields)
        why, fix = sentence(problem["msg"]), f"Set one of: {known}." if known else "Remove it: the tool has no options."
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(option, model.model_fields, n=1, cutoff=0.5)
            why, fix = "There is no such option.", f"Did you mean `{near[0]}`?" if near else fix
        raise DefinitionError(
            "E-TOOL-OPTION",
            f"The option `{option}` of the tool `{use.name}` cannot be set so.",
            why=why,
            fix=fix,
        ) from error


def _python_tool(options: Mapping[str, Any]) -> DefinitionError:
    return DefinitionError(
        "E-TEMPLATE-PYTHON-TOOL",
        f"The Python file `{options.get('path', '')}` cannot be used as a tool.",
        why="This version runs the built-in tools only.",
        fix=f"Remove it from `tools:`; the built-in ones are: {', '.join(BUILT_IN)}.",
    )
