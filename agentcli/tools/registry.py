"""The tools there are, and the selection of them that one agent works with. Nothing here is global or built early."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from agentcli.core.agents import Permissions
from agentcli.core.tools import ToolSpec
from agentcli.engine.ports import Tool
from agentcli.errors import DefinitionError, sentence

if TYPE_CHECKING:
    from agentcli.tools.context import ToolContext
    from agentcli.tools.file_tool import Options

BUILT_IN: Final[Mapping[str, str]] = {
    name: f"agentcli.tools.{name}"
    for name in (
        "read_lines",
        "grep_file",
        "list_files",
        "create_file",
        "delete_file",
        "fetch_url",
        "http_request",
    )
}
"""Module of each tool. It has `OPTIONS` (a model of kind `Options`), `spec()` and `build(context, options)`."""

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
    """Every tool that agents of one workspace can be given. `context` is what they work with."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._specs: dict[str, ToolSpec] = {}

    def names(self) -> list[str]:
        """All names, in the order of a listing."""
        return list(BUILT_IN)

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
            tool: Tool = module.build(self._context, options)
            return tool

        return build


def permissions_of(uses: Iterable[ToolUse]) -> Permissions:
    """The rules that the options of tools stand for. Raises DefinitionError as `ToolRegistry.select` does."""
    given = [
        _options(use, cast("type[Options]", _module(use.name).OPTIONS)).rules(use.name) for use in uses if use.options
    ]
    return Permissions(
        **{name: tuple(rule for one in given for rule in getattr(one, name)) for name in Permissions.model_fields}
    )


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
