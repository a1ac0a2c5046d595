"""The tools there are, and the selection of them that one agent works with. Nothing here is global or built early."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from agentcli.core.agents import Permissions
from agentcli.core.tools import ToolSpec
from agentcli.engine.ports import Tool
from agentcli.errors import DefinitionError, sentence
from agentcli.tools.gates import Gate, Gates

if TYPE_CHECKING:
    from agentcli.tools.context import ToolContext
    from agentcli.tools.file_tool import Options

_NAMES: Final = (
    "read_lines",
    "grep_file",
    "list_files",
    "search_files",
    "create_file",
    "edit_file",
    "move_file",
    "delete_file",
    "fetch_url",
    "http_request",
    "run_python",
    "shell",
    "ask_user",
)
BUILT_IN: Final[Mapping[str, str]] = {name: f"agentcli.tools.{name}" for name in _NAMES}
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


class OtherTools(Protocol):
    """Tools that are not built in: people's own."""

    def tools_of(self, use: ToolUse) -> Sequence[tuple[Tool, Gate]]:
        """The tools that a use comes to, each with what stands before its calls. Raises DefinitionError."""


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
            self._specs[name] = built_in(name)
        return self._specs[name]

    def options_schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of what a template may set on a tool. Raises DefinitionError (the same)."""
        from agentcli.tools.gate_options import GateOptions

        options: type[BaseModel] = _module(name).OPTIONS
        own, shared = options.model_json_schema(), GateOptions.model_json_schema()
        if self.spec(name).asks_person:
            return own
        return {**own, "properties": {**own.get("properties", {}), **shared["properties"]}}

    def select(
        self, uses: Iterable[ToolUse], others: OtherTools | None = None, gates: Gates | None = None
    ) -> Selection:
        """The tools that a template names; `others` has those that are not built in.

        Raises DefinitionError: E-TEMPLATE-UNKNOWN-TOOL with the nearest name, E-TEMPLATE-DUPLICATE-TOOL, E-TOOL-OPTION.
        """
        gates = gates or Gates()
        makers: dict[str, Callable[[], Tool]] = {}
        specs: dict[str, ToolSpec] = {}
        for use in uses:
            for spec, maker in self._offered(use, others, gates):
                if spec.name in makers:
                    raise _duplicate(specs[spec.name], spec)
                makers[spec.name], specs[spec.name] = maker, spec
        return Selection(makers, list(specs.values()))

    def _offered(
        self, use: ToolUse, others: OtherTools | None, gates: Gates
    ) -> list[tuple[ToolSpec, Callable[[], Tool]]]:
        if others is None or use.name in BUILT_IN:
            return [(self.spec(use.name), self._maker(use, gates))]
        return [(tool.spec, partial(gates.before, tool, gate)) for tool, gate in others.tools_of(use)]

    def _maker(self, use: ToolUse, gates: Gates) -> Callable[[], Tool]:
        from agentcli.tools.gate_options import GateOptions, apart

        module, options = _module(use.name), _own_options(use)
        _, shared = apart(use.options)
        gate = read_options(use.name, shared, GateOptions).gate(self.spec(use.name)) if shared else Gate()

        def build() -> Tool:
            return gates.before(module.build(self._context, options), gate)

        return build


def parameters_of(name: str) -> Mapping[str, Any]:
    """The JSON Schema of a built-in tool's arguments. Raises DefinitionError (the same)."""
    return built_in(name).parameters


def built_in(name: str) -> ToolSpec:
    """What a built-in tool says of itself. Raises DefinitionError (E-TEMPLATE-UNKNOWN-TOOL)."""
    spec: ToolSpec = _module(name).spec()
    return spec


def permissions_of(uses: Iterable[ToolUse]) -> Permissions:
    """The rules that the options of tools stand for. Raises DefinitionError as `ToolRegistry.select` does."""
    given = [_own_options(use).rules(use.name) for use in uses if use.options and use.name in BUILT_IN]
    return Permissions(
        **{name: tuple(rule for one in given for rule in getattr(one, name)) for name in Permissions.model_fields}
    )


M = TypeVar("M", bound=BaseModel)


def unknown_tool(name: str) -> DefinitionError:
    """The error of a name that no tool has."""
    near = difflib.get_close_matches(name, BUILT_IN, n=1, cutoff=0.5)
    why = f"There are: {', '.join(BUILT_IN)}."
    fix = f"Did you mean `{near[0]}`?" if near else "See `agentcli tools list`."
    return DefinitionError("E-TEMPLATE-UNKNOWN-TOOL", f"There is no tool `{name}`.", why=why, fix=fix)


def _module(name: str) -> Any:
    if name not in BUILT_IN:
        raise unknown_tool(name)
    return importlib.import_module(BUILT_IN[name])


def _own_options(use: ToolUse) -> Options:
    """The options of a built-in tool itself. Raises DefinitionError E-TOOL-OPTION."""
    from agentcli.tools.gate_options import GateOptions, apart

    own, _ = apart(use.options)
    return read_options(use.name, own, cast("type[Options]", _module(use.name).OPTIONS), also=GateOptions)


def read_options(tool: str, given: Mapping[str, Any], model: type[M], also: type[BaseModel] | None = None) -> M:
    """What a template sets on a tool, checked; `also` has further options that are known of it.

    Raises DefinitionError E-TOOL-OPTION.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option = ".".join(str(part) for part in problem["loc"])
        names = [*model.model_fields, *(also.model_fields if also is not None else ())]
        why, fix = sentence(problem["msg"]), f"Set one of: {', '.join(names)}."
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(option, names, n=1, cutoff=0.5)
            why, fix = "There is no such option.", f"Did you mean `{near[0]}`?" if near else fix
        raise DefinitionError(
            "E-TOOL-OPTION",
            f"The option `{option}` of the tool `{tool}` cannot be set so.",
            why=why,
            fix=fix,
        ) from error


def _duplicate(first: ToolSpec, second: ToolSpec) -> DefinitionError:
    sources = [spec.source or "agentcli itself" for spec in (first, second)]
    return DefinitionError(
        "E-TEMPLATE-DUPLICATE-TOOL",
        f"The tool `{second.name}` is there twice.",
        why="Each tool is set up once." if sources[0] == sources[1] else f"It comes from {' and from '.join(sources)}.",
        fix="Remove one.",
    )
